use std::num::NonZeroU32;

use async_trait::async_trait;
use keymint_domain::KeyId;
use keymint_domain::metering::Hour;
use keymint_ports::{StoreError, SurveyPortion, SurveyQuery, SurveyStore, SurveyedKey};

use crate::MemoryStore;

#[async_trait]
impl SurveyStore for MemoryStore {
    async fn survey(&self, query: &SurveyQuery) -> Result<SurveyPortion, StoreError> {
        let SurveyQuery { owner, configurations, uses_since, after, limit } = query;
        let state = self.lock();
        let keys = state.keys_behind(after.as_ref());
        let of_owner = keys.filter(|key| owner.as_ref().is_none_or(|owner| key.details.owner == *owner));
        let selected = of_owner.filter(|key| configurations.includes(&key.details.config_id));
        let mut keys = Vec::new();
        for key in selected.take(limit.get() as usize) {
            let (accepted, refused) = state.usage.calls_since(&key.details.id, *uses_since);
            keys.push(SurveyedKey {
                owner: state.owner(&key.details.owner),
                last_use: state.usage.last_use(&key.details.id),
                accepted,
                refused,
                key: key.clone(),
            });
        }
        let last = keys.last().filter(|_| keys.len() >= limit.get() as usize);
        let next = last.map(|last| last.key.details.id.clone());
        Ok(SurveyPortion { keys, unreadable: 0, next })
    }

    async fn recorded_since(&self) -> Result<Option<Hour>, StoreError> {
        Ok(self.lock().usage.first_hour())
    }

    async fn busy_keys(
        &self,
        hour: Hour,
        least: u64,
        after: Option<KeyId>,
        limit: NonZeroU32,
    ) -> Result<Vec<KeyId>, StoreError> {
        let busy = self.lock().usage.busy_keys(hour, least);
        let behind = busy.into_iter().filter(|key| after.as_ref().is_none_or(|after| key > after));
        Ok(behind.take(limit.get() as usize).collect())
    }
}

use std::num::NonZeroU32;

use async_trait::async_trait;
use keymint_domain::anomaly::{KnownNetwork, KnownNetworks};
use keymint_domain::metering::Hour;
use keymint_domain::{KeyId, Timestamp};
use keymint_ports::{BusyKey, StoreError, SurveyPortion, SurveyQuery, SurveyStore, SurveyedKey};

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

    async fn leaks_of(&self, keys: &[KeyId]) -> Result<Vec<(KeyId, Timestamp)>, StoreError> {
        let state = self.lock();
        Ok(keys.iter().filter_map(|key| Some((key.clone(), state.events.last_leak(key)?))).collect())
    }

    async fn busy_keys(
        &self,
        hour: Hour,
        least: u64,
        after: Option<KeyId>,
        limit: NonZeroU32,
    ) -> Result<Vec<BusyKey>, StoreError> {
        let busy = self.lock().usage.busy_keys(hour, least);
        let behind = busy.into_iter().filter(|key| after.as_ref().is_none_or(|after| key.id > *after));
        Ok(behind.take(limit.get() as usize).collect())
    }

    async fn known_networks(&self, key: &KeyId) -> Result<KnownNetworks, StoreError> {
        Ok(KnownNetworks::new(self.lock().networks.get(key).cloned().unwrap_or_default()))
    }

    async fn note_network(&self, key: &KeyId, network: &str, at: Timestamp) -> Result<(), StoreError> {
        let mut state = self.lock();
        let networks = state.networks.entry(key.clone()).or_default();
        match networks.iter_mut().find(|known| *known.network == *network) {
            Some(known) => known.last_seen = known.last_seen.max(at),
            None => networks.push(KnownNetwork { network: network.into(), first_seen: at, last_seen: at }),
        }
        networks.sort_by(|a, b| b.last_seen.cmp(&a.last_seen).then_with(|| a.network.cmp(&b.network)));
        networks.truncate(KnownNetworks::MOST);
        Ok(())
    }

    async fn forget_networks(&self, before: Timestamp, limit: NonZeroU32) -> Result<u32, StoreError> {
        let mut state = self.lock();
        let mut old: Vec<_> = state
            .networks
            .iter()
            .flat_map(|(key, networks)| networks.iter().map(move |known| (known.last_seen, key, &known.network)))
            .filter(|(last_seen, ..)| *last_seen < before)
            .map(|(last_seen, key, network)| (last_seen, key.clone(), network.clone()))
            .collect();
        old.sort();
        old.truncate(limit.get() as usize);
        for (_, key, network) in &old {
            if let Some(networks) = state.networks.get_mut(key) {
                networks.retain(|known| known.network != *network);
            }
        }
        state.networks.retain(|_, networks| !networks.is_empty());
        Ok(u32::try_from(old.len()).unwrap_or(u32::MAX))
    }
}

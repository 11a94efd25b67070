use std::num::NonZeroU32;

use async_trait::async_trait;
use keymint_domain::anomaly::KnownNetworks;
use keymint_domain::metering::Hour;
use keymint_domain::{KeyId, Timestamp};
use keymint_ports::{BusyKey, StoreError, SurveyPortion, SurveyQuery, SurveyStore};
use keymint_store_sql::survey;

use crate::PgStore;

#[async_trait]
impl SurveyStore for PgStore {
    async fn survey(&self, query: &SurveyQuery) -> Result<SurveyPortion, StoreError> {
        call!(self.pool, survey::survey, self.layout.owner_columns, query)
    }

    async fn recorded_since(&self) -> Result<Option<Hour>, StoreError> {
        call!(self.pool, survey::recorded_since)
    }

    async fn leaks_of(&self, keys: &[KeyId]) -> Result<Vec<(KeyId, Timestamp)>, StoreError> {
        call!(self.pool, survey::leaks_of, keys)
    }

    async fn busy_keys(
        &self,
        hour: Hour,
        least: u64,
        after: Option<KeyId>,
        limit: NonZeroU32,
    ) -> Result<Vec<BusyKey>, StoreError> {
        call!(self.pool, survey::busy_keys, hour, least, after.as_ref(), limit)
    }

    async fn known_networks(&self, key: &KeyId) -> Result<KnownNetworks, StoreError> {
        call!(self.pool, survey::known_networks, key)
    }

    async fn note_network(&self, key: &KeyId, network: &str, at: Timestamp) -> Result<(), StoreError> {
        call!(self.pool, survey::note_network, key, network, at)
    }

    async fn forget_networks(&self, before: Timestamp, limit: NonZeroU32) -> Result<u32, StoreError> {
        call!(self.pool, survey::forget_networks, before, limit)
    }
}

use std::num::NonZeroU32;

use async_trait::async_trait;
use keymint_domain::anomaly::KnownNetworks;
use keymint_domain::metering::Hour;
use keymint_domain::{KeyId, Timestamp};
use keymint_ports::{BusyKey, StoreError, SurveyPortion, SurveyQuery, SurveyStore};
use keymint_store_sql::survey;

use crate::SqliteStore;

#[async_trait]
impl SurveyStore for SqliteStore {
    async fn survey(&self, query: &SurveyQuery) -> Result<SurveyPortion, StoreError> {
        read!(self, survey::survey, self.layout.owner_columns, query)
    }

    async fn recorded_since(&self) -> Result<Option<Hour>, StoreError> {
        read!(self, survey::recorded_since)
    }

    async fn leaks_of(&self, keys: &[KeyId]) -> Result<Vec<(KeyId, Timestamp)>, StoreError> {
        read!(self, survey::leaks_of, keys)
    }

    async fn busy_keys(
        &self,
        hour: Hour,
        least: u64,
        after: Option<KeyId>,
        limit: NonZeroU32,
    ) -> Result<Vec<BusyKey>, StoreError> {
        read!(self, survey::busy_keys, hour, least, after.as_ref(), limit)
    }

    async fn known_networks(&self, key: &KeyId) -> Result<KnownNetworks, StoreError> {
        read!(self, survey::known_networks, key)
    }

    async fn note_network(&self, key: &KeyId, network: &str, at: Timestamp) -> Result<(), StoreError> {
        let (key, network) = (key.clone(), network.to_owned());
        self.writer.write_relaxed(async move |writer| survey::note_network(writer, &key, &network, at).await).await
    }

    async fn forget_networks(&self, before: Timestamp, limit: NonZeroU32) -> Result<u32, StoreError> {
        self.writer.write(async move |writer| survey::forget_networks(writer, before, limit).await).await
    }
}

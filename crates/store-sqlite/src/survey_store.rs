use std::num::NonZeroU32;

use async_trait::async_trait;
use keymint_domain::KeyId;
use keymint_domain::metering::Hour;
use keymint_ports::{StoreError, SurveyPortion, SurveyQuery, SurveyStore};
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

    async fn busy_keys(
        &self,
        hour: Hour,
        least: u64,
        after: Option<KeyId>,
        limit: NonZeroU32,
    ) -> Result<Vec<KeyId>, StoreError> {
        read!(self, survey::busy_keys, hour, least, after.as_ref(), limit)
    }
}

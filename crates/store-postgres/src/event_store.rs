use async_trait::async_trait;
use keymint_domain::Timestamp;
use keymint_domain::event::seal::SealKey;
use keymint_domain::event::{Event, EventQuery, SealedEvent};
use keymint_ports::{Chain, EventStore, StoreError};
use keymint_store_sql::events;

use crate::PgStore;

#[async_trait]
impl EventStore for PgStore {
    async fn record(&self, event: &Event) -> Result<bool, StoreError> {
        call!(self.pool, events::record, event)
    }

    async fn seal(&self, key: &SealKey, limit: u32) -> Result<u32, StoreError> {
        call!(self.pool, events::seal, key, limit)
    }

    async fn list_events(&self, query: &EventQuery) -> Result<Vec<SealedEvent>, StoreError> {
        call!(self.pool, events::list_events, query)
    }

    async fn chain(&self) -> Result<Chain, StoreError> {
        call!(self.pool, events::chain)
    }

    async fn remove_events(&self, key: &SealKey, before: Timestamp, up_to: u64, limit: u32) -> Result<u32, StoreError> {
        call!(self.pool, events::remove_events, key, before, up_to, limit)
    }
}

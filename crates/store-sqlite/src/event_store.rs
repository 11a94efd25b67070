use async_trait::async_trait;
use keymint_domain::Timestamp;
use keymint_domain::event::seal::SealKey;
use keymint_domain::event::{Event, EventQuery, SealedEvent};
use keymint_ports::{Chain, EventStore, StoreError};
use keymint_store_sql::events;

use crate::SqliteStore;

#[async_trait]
impl EventStore for SqliteStore {
    async fn record(&self, event: &Event) -> Result<bool, StoreError> {
        let event = event.clone();
        self.writer.write(async move |writer| events::record(writer, &event).await).await
    }

    async fn seal(&self, key: &SealKey, limit: u32) -> Result<u32, StoreError> {
        let key = key.clone();
        self.writer.write(async move |writer| events::seal(writer, &key, limit).await).await
    }

    async fn list_events(&self, query: &EventQuery) -> Result<Vec<SealedEvent>, StoreError> {
        read!(self, events::list_events, query)
    }

    async fn chain(&self) -> Result<Chain, StoreError> {
        read!(self, events::chain)
    }

    async fn remove_events(&self, key: &SealKey, before: Timestamp, up_to: u64, limit: u32) -> Result<u32, StoreError> {
        let key = key.clone();
        self.writer.write(async move |writer| events::remove_events(writer, &key, before, up_to, limit).await).await
    }
}

use async_trait::async_trait;
use keymint_domain::event::Origin;
use keymint_domain::webhook::{Delivery, Webhook, WebhookId, WebhookSecrets, WebhookState};
use keymint_domain::{KeyId, Timestamp};
use keymint_ports::{
    DeliveryQuery, StoreError, WebhookBacklog, WebhookLease, WebhookMove, WebhookPortion, WebhookStanding, WebhookStore,
};
use keymint_store_sql::webhooks;

use crate::PgStore;

#[async_trait]
impl WebhookStore for PgStore {
    async fn insert_webhook(&self, webhook: &Webhook, max: u32, origin: &Origin) -> Result<bool, StoreError> {
        call!(self.pool, webhooks::insert_webhook, webhook, max, origin)
    }

    async fn list_webhooks(&self) -> Result<Vec<WebhookStanding>, StoreError> {
        call!(self.pool, webhooks::list_webhooks)
    }

    async fn find_webhook(&self, id: &WebhookId) -> Result<Option<Webhook>, StoreError> {
        call!(self.pool, webhooks::find_webhook, id)
    }

    async fn set_webhook_state(
        &self,
        id: &WebhookId,
        state: WebhookState,
        now: Timestamp,
        origin: &Origin,
    ) -> Result<bool, StoreError> {
        call!(self.pool, webhooks::set_webhook_state, id, state, now, origin)
    }

    async fn replace_webhook_secrets(
        &self,
        id: &WebhookId,
        before: &WebhookSecrets,
        after: &WebhookSecrets,
        origin: &Origin,
    ) -> Result<bool, StoreError> {
        call!(self.pool, webhooks::replace_webhook_secrets, id, before, after, origin)
    }

    async fn remove_webhook(&self, id: &WebhookId, origin: &Origin) -> Result<bool, StoreError> {
        call!(self.pool, webhooks::remove_webhook, id, origin)
    }

    async fn rewind_webhook(&self, id: &WebhookId, position: u64, origin: &Origin) -> Result<bool, StoreError> {
        call!(self.pool, webhooks::rewind_webhook, id, position, origin)
    }

    async fn lease_webhook(
        &self,
        id: &WebhookId,
        holder: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Option<WebhookLease>, StoreError> {
        call!(self.pool, webhooks::lease_webhook, id, holder, now, until)
    }

    async fn renew_webhook_leases(
        &self,
        holder: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<WebhookId>, StoreError> {
        call!(self.pool, webhooks::renew_webhook_leases, holder, now, until)
    }

    async fn release_webhook_leases(&self, holder: &str) -> Result<(), StoreError> {
        call!(self.pool, webhooks::release_webhook_leases, holder)
    }

    async fn due_deliveries(&self, id: &WebhookId, now: Timestamp, limit: u32) -> Result<Vec<Delivery>, StoreError> {
        call!(self.pool, webhooks::due_deliveries, id, now, limit)
    }

    async fn keys_with_pending_deliveries(&self, id: &WebhookId, keys: &[KeyId]) -> Result<Vec<KeyId>, StoreError> {
        call!(self.pool, webhooks::keys_with_pending_deliveries, id, keys)
    }

    async fn record_deliveries(
        &self,
        lease: &WebhookLease,
        portion: &WebhookPortion,
        origin: &Origin,
    ) -> Result<bool, StoreError> {
        call!(self.pool, webhooks::record_deliveries, lease, portion, origin)
    }

    async fn advance_webhooks(&self, moves: &[WebhookMove]) -> Result<(), StoreError> {
        call!(self.pool, webhooks::advance_webhooks, moves)
    }

    async fn list_deliveries(&self, query: &DeliveryQuery) -> Result<Vec<Delivery>, StoreError> {
        call!(self.pool, webhooks::list_deliveries, query)
    }

    async fn remove_deliveries(&self, before: Timestamp, limit: u32) -> Result<u32, StoreError> {
        call!(self.pool, webhooks::remove_deliveries, before, limit)
    }

    async fn webhook_backlogs(&self) -> Result<Vec<WebhookBacklog>, StoreError> {
        call!(self.pool, webhooks::webhook_backlogs)
    }

    async fn delivered_position(&self, since: Timestamp) -> Result<Option<u64>, StoreError> {
        call!(self.pool, webhooks::delivered_position, since)
    }
}

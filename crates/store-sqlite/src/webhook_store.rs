use async_trait::async_trait;
use keymint_domain::event::Origin;
use keymint_domain::webhook::{Delivery, Webhook, WebhookId, WebhookSecrets, WebhookState};
use keymint_domain::{KeyId, Timestamp};
use keymint_ports::{
    DeliveryQuery, StoreError, WebhookBacklog, WebhookLease, WebhookMove, WebhookPortion, WebhookStanding, WebhookStore,
};
use keymint_store_sql::webhooks;

use crate::SqliteStore;

#[async_trait]
impl WebhookStore for SqliteStore {
    async fn insert_webhook(&self, webhook: &Webhook, max: u32, origin: &Origin) -> Result<bool, StoreError> {
        let (webhook, origin) = (webhook.clone(), origin.clone());
        self.writer.write(async move |writer| webhooks::insert_webhook(writer, &webhook, max, &origin).await).await
    }

    async fn list_webhooks(&self) -> Result<Vec<WebhookStanding>, StoreError> {
        read!(self, webhooks::list_webhooks)
    }

    async fn find_webhook(&self, id: &WebhookId) -> Result<Option<Webhook>, StoreError> {
        read!(self, webhooks::find_webhook, id)
    }

    async fn set_webhook_state(
        &self,
        id: &WebhookId,
        state: WebhookState,
        now: Timestamp,
        origin: &Origin,
    ) -> Result<bool, StoreError> {
        let (id, origin) = (id.clone(), origin.clone());
        let set =
            self.writer.write(async move |writer| webhooks::set_webhook_state(writer, &id, state, now, &origin).await);
        set.await
    }

    async fn replace_webhook_secrets(
        &self,
        id: &WebhookId,
        before: &WebhookSecrets,
        after: &WebhookSecrets,
        origin: &Origin,
    ) -> Result<bool, StoreError> {
        let (id, before, after, origin) = (id.clone(), before.clone(), after.clone(), origin.clone());
        let replaced = self
            .writer
            .write(async move |writer| webhooks::replace_webhook_secrets(writer, &id, &before, &after, &origin).await);
        replaced.await
    }

    async fn remove_webhook(&self, id: &WebhookId, origin: &Origin) -> Result<bool, StoreError> {
        let (id, origin) = (id.clone(), origin.clone());
        self.writer.write(async move |writer| webhooks::remove_webhook(writer, &id, &origin).await).await
    }

    async fn rewind_webhook(&self, id: &WebhookId, position: u64, origin: &Origin) -> Result<bool, StoreError> {
        let (id, origin) = (id.clone(), origin.clone());
        self.writer.write(async move |writer| webhooks::rewind_webhook(writer, &id, position, &origin).await).await
    }

    async fn lease_webhook(
        &self,
        id: &WebhookId,
        holder: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Option<WebhookLease>, StoreError> {
        let (id, holder) = (id.clone(), holder.to_owned());
        self.writer.write(async move |writer| webhooks::lease_webhook(writer, &id, &holder, now, until).await).await
    }

    async fn renew_webhook_leases(
        &self,
        holder: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<WebhookId>, StoreError> {
        let holder = holder.to_owned();
        self.writer.write(async move |writer| webhooks::renew_webhook_leases(writer, &holder, now, until).await).await
    }

    async fn release_webhook_leases(&self, holder: &str) -> Result<(), StoreError> {
        let holder = holder.to_owned();
        self.writer.write(async move |writer| webhooks::release_webhook_leases(writer, &holder).await).await
    }

    async fn due_deliveries(&self, id: &WebhookId, now: Timestamp, limit: u32) -> Result<Vec<Delivery>, StoreError> {
        read!(self, webhooks::due_deliveries, id, now, limit)
    }

    async fn keys_with_pending_deliveries(&self, id: &WebhookId, keys: &[KeyId]) -> Result<Vec<KeyId>, StoreError> {
        read!(self, webhooks::keys_with_pending_deliveries, id, keys)
    }

    async fn record_deliveries(
        &self,
        lease: &WebhookLease,
        portion: &WebhookPortion,
        origin: &Origin,
    ) -> Result<bool, StoreError> {
        let (lease, portion, origin) = (lease.clone(), portion.clone(), origin.clone());
        self.writer
            .write(async move |writer| webhooks::record_deliveries(writer, &lease, &portion, &origin).await)
            .await
    }

    async fn advance_webhooks(&self, moves: &[WebhookMove]) -> Result<(), StoreError> {
        let moves = moves.to_vec();
        self.writer.write(async move |writer| webhooks::advance_webhooks(writer, &moves).await).await
    }

    async fn list_deliveries(&self, query: &DeliveryQuery) -> Result<Vec<Delivery>, StoreError> {
        read!(self, webhooks::list_deliveries, query)
    }

    async fn remove_deliveries(&self, before: Timestamp, limit: u32) -> Result<u32, StoreError> {
        self.writer.write(async move |writer| webhooks::remove_deliveries(writer, before, limit).await).await
    }

    async fn webhook_backlogs(&self) -> Result<Vec<WebhookBacklog>, StoreError> {
        read!(self, webhooks::webhook_backlogs)
    }

    async fn delivered_position(&self, since: Timestamp) -> Result<Option<u64>, StoreError> {
        read!(self, webhooks::delivered_position, since)
    }
}

use async_trait::async_trait;
use keymint_domain::event::Origin;
use keymint_domain::webhook::{
    Delivery, DeliveryStatus, EndpointHealth, Webhook, WebhookId, WebhookSecrets, WebhookState,
};
use keymint_domain::{KeyId, Timestamp};

use crate::StoreError;

/// Stores endpoints, their deliveries, and the leases by which one process at a time delivers to an endpoint.
///
/// # Contract
///
/// As for [`KeyStore`](crate::KeyStore): atomic, durable, visible to every handle and process, values exact, no panic.
///
/// * No lock outlives a call. A lease is a row: it ends at its instant, or when somebody else takes it afterwards.
/// * A change that somebody asked for is recorded as an event in its transaction.
/// * Each take-over of a lease has a greater fencing number. What the holder of a smaller one writes is refused.
/// * Of the pending deliveries of an endpoint for one key, exactly the first has a next attempt. The others wait for
///   it, and [`WebhookStore::record_deliveries`] makes the next one due.
///
/// # Errors
///
/// Every method returns [`StoreError::Unavailable`] if the store fails, and a method that reads whole rows returns
/// [`StoreError::Corrupt`] for one that it cannot read.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait WebhookStore: Send + Sync + 'static {
    /// Adds an endpoint. Returns false if there are `max` already.
    ///
    /// # Errors
    ///
    /// Returns [`StoreError::Duplicate`] if the id exists already.
    async fn insert_webhook(&self, webhook: &Webhook, max: u32, origin: &Origin) -> Result<bool, StoreError>;

    /// Lists all endpoints in order of creation.
    async fn list_webhooks(&self) -> Result<Vec<WebhookStanding>, StoreError>;

    /// Finds an endpoint.
    async fn find_webhook(&self, id: &WebhookId) -> Result<Option<Webhook>, StoreError>;

    /// Changes the state of an endpoint. Returns false if there is none with that id, or it has the state.
    ///
    /// An endpoint that becomes active forgets its conduct. Its pending deliveries begin anew, those that wait for no
    /// other at `now`.
    async fn set_webhook_state(
        &self,
        id: &WebhookId,
        state: WebhookState,
        now: Timestamp,
        origin: &Origin,
    ) -> Result<bool, StoreError>;

    /// Replaces the secrets of an endpoint if they are `before`. Returns false if they are not, or there is none with
    /// that id.
    async fn replace_webhook_secrets(
        &self,
        id: &WebhookId,
        before: &WebhookSecrets,
        after: &WebhookSecrets,
        origin: &Origin,
    ) -> Result<bool, StoreError>;

    /// Removes an endpoint with its deliveries. Returns false if there is none with that id.
    async fn remove_webhook(&self, id: &WebhookId, origin: &Origin) -> Result<bool, StoreError>;

    /// Moves an endpoint back to a position, removes its deliveries of later events, and ends its lease. Returns false
    /// if there is none with that id. A position that the endpoint has not reached changes nothing.
    async fn rewind_webhook(&self, id: &WebhookId, position: u64, origin: &Origin) -> Result<bool, StoreError>;

    /// Takes or renews the lease of an active endpoint until `until`. `None` = the endpoint is not there or not active,
    /// or somebody else holds an unexpired lease.
    async fn lease_webhook(
        &self,
        id: &WebhookId,
        holder: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Option<WebhookLease>, StoreError>;

    /// Renews the unexpired leases of a holder, and returns their endpoints.
    async fn renew_webhook_leases(
        &self,
        holder: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<WebhookId>, StoreError>;

    /// Ends all leases of a holder.
    async fn release_webhook_leases(&self, holder: &str) -> Result<(), StoreError>;

    /// Lists pending deliveries of an endpoint whose next attempt is due, in order of position.
    async fn due_deliveries(&self, id: &WebhookId, now: Timestamp, limit: u32) -> Result<Vec<Delivery>, StoreError>;

    /// Returns those of these keys that have a pending delivery to an endpoint.
    async fn keys_with_pending_deliveries(&self, id: &WebhookId, keys: &[KeyId]) -> Result<Vec<KeyId>, StoreError>;

    /// Writes the outcome of a portion of deliveries. Returns false, and writes nothing, if the lease is no longer the
    /// last one of its endpoint.
    ///
    /// A delivery replaces the one of the same event. If the first pending delivery of a key is now done, the next one
    /// of that key becomes due at `now`. A new state takes the place of `active` alone, and is an event.
    async fn record_deliveries(
        &self,
        lease: &WebhookLease,
        portion: &WebhookPortion,
        origin: &Origin,
    ) -> Result<bool, StoreError>;

    /// Moves endpoints forward, each if it still is at its `from`.
    async fn advance_webhooks(&self, moves: &[WebhookMove]) -> Result<(), StoreError>;

    /// Lists deliveries of an endpoint, the latest events first.
    async fn list_deliveries(&self, query: &DeliveryQuery) -> Result<Vec<Delivery>, StoreError>;

    /// Removes at most `limit` deliveries that were done before `before`. Returns their number.
    async fn remove_deliveries(&self, before: Timestamp, limit: u32) -> Result<u32, StoreError>;

    /// Counts the pending deliveries of each endpoint that has some.
    async fn webhook_backlogs(&self) -> Result<Vec<WebhookBacklog>, StoreError>;

    /// Returns the position behind which events are still to be delivered, by endpoints that are active or were stopped
    /// at `since` or later; `None` = there is no such endpoint.
    async fn delivered_position(&self, since: Timestamp) -> Result<Option<u64>, StoreError>;
}

/// An endpoint with the state of its deliveries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookStanding {
    /// The endpoint.
    pub webhook: Webhook,
    /// The earliest next attempt of a pending delivery.
    pub next_at: Option<Timestamp>,
    /// The holder of the last lease, and its end.
    pub leased: Option<(Box<str>, Timestamp)>,
}

/// The right to deliver to an endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookLease {
    /// The endpoint as it was when the lease was taken or renewed.
    pub webhook: Webhook,
    /// The fencing number.
    pub fence: u64,
}

/// The outcome of a portion of deliveries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookPortion {
    /// The position up to which all events were taken.
    pub position: u64,
    /// The deliveries that were attempted, and new ones that wait.
    pub deliveries: Vec<Delivery>,
    /// The conduct of the endpoint after them.
    pub health: EndpointHealth,
    /// The new state of the endpoint; `None` = it stays as it is.
    pub state: Option<WebhookState>,
    /// The endpoint is back: pending deliveries that would be attempted later become due at `now`.
    pub is_back: bool,
    /// The present.
    pub now: Timestamp,
}

/// A move of an endpoint over events that it is not told of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookMove {
    /// The endpoint.
    pub id: WebhookId,
    /// The position that it must have.
    pub from: u64,
    /// The position that it gets.
    pub to: u64,
}

/// A page of deliveries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryQuery {
    /// The endpoint.
    pub webhook_id: WebhookId,
    /// The state of the deliveries; `None` = any.
    pub status: Option<DeliveryStatus>,
    /// The position of the last delivery of the page before; `None` = the first page.
    pub before: Option<u64>,
    /// The largest number of deliveries.
    pub limit: u32,
}

/// The pending deliveries of an endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookBacklog {
    /// The endpoint.
    pub id: WebhookId,
    /// The number of deliveries.
    pub pending: u64,
    /// The instant of the oldest event among them.
    pub oldest: Timestamp,
}

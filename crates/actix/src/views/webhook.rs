use keymint_domain::webhook::{Attempts, Delivery, EndpointHealth, Webhook, WebhookSecret, WebhookSecrets};
use keymint_domain::{ConfigId, KeyId, OwnerId};
use keymint_service::TestedWebhook;
use serde::Serialize;
use utoipa::ToSchema;

use super::Iso;

/// An endpoint that is told of events, without its secrets.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Webhook)]
pub struct WebhookView<'a> {
    id: &'a str,
    url: &'a str,
    /// The kinds of events that it is told of, as globs.
    kinds: Vec<&'a str>,
    /// Only events of keys of this owner.
    #[schema(required)]
    owner_id: Option<&'a str>,
    /// Only events of keys of this configuration.
    #[schema(required)]
    config_id: Option<&'a str>,
    /// `active`, `paused` or `disabled`.
    state: &'static str,
    state_since: Iso,
    /// The place of the last event that was taken, in the order of all events.
    position: u64,
    /// The number of failed attempts since the last one that was accepted.
    failures: u32,
    #[schema(required)]
    accepted_at: Option<Iso>,
    /// The instant before which it is not called, because it failed too often.
    #[schema(required)]
    rests_until: Option<Iso>,
    /// The instant at which the secret before the last one stops to sign.
    #[schema(required)]
    old_secret_ends_at: Option<Iso>,
    created_at: Iso,
}

impl<'a> From<&'a Webhook> for WebhookView<'a> {
    fn from(webhook: &'a Webhook) -> Self {
        let Webhook { id, url, kinds, owner, config_id, state, state_since, secrets, position, health, created_at } =
            webhook;
        let EndpointHealth { failures, accepted_at, rests_until } = *health;
        let WebhookSecrets { current: _, previous } = secrets;
        Self {
            id: id.as_str(),
            url: url.as_str(),
            kinds: kinds.globs().collect(),
            owner_id: owner.as_ref().map(OwnerId::as_str),
            config_id: config_id.as_ref().map(ConfigId::as_str),
            state: state.as_str(),
            state_since: Iso(*state_since),
            position: *position,
            failures,
            accepted_at: accepted_at.map(Iso),
            rests_until: rests_until.map(Iso),
            old_secret_ends_at: previous.as_ref().map(|(_, end)| Iso(*end)),
            created_at: Iso(*created_at),
        }
    }
}

/// An endpoint with a secret that was just made.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WebhookWithSecret)]
pub struct MadeWebhookView<'a> {
    #[serde(flatten)]
    webhook: WebhookView<'a>,
    /// The secret, which is shown this once.
    secret: String,
}

impl<'a> MadeWebhookView<'a> {
    /// Shows the secret of an endpoint.
    pub fn new(webhook: &'a Webhook, secret: &WebhookSecret) -> Self {
        Self { webhook: webhook.into(), secret: secret.expose() }
    }
}

/// All endpoints.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Webhooks)]
pub struct WebhooksView<'a> {
    webhooks: Vec<WebhookView<'a>>,
}

impl<'a> From<&'a [Webhook]> for WebhooksView<'a> {
    fn from(webhooks: &'a [Webhook]) -> Self {
        Self { webhooks: webhooks.iter().map(WebhookView::from).collect() }
    }
}

/// The delivery of an event to an endpoint.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Delivery)]
pub struct DeliveryView<'a> {
    position: u64,
    event_id: &'a str,
    /// The kind of the event.
    #[serde(rename = "type")]
    kind: &'a str,
    event_at: Iso,
    #[schema(required)]
    key_id: Option<&'a str>,
    /// `pending`, `delivered` or `failed`.
    status: &'static str,
    attempts: u32,
    #[schema(required)]
    first_attempt_at: Option<Iso>,
    #[schema(required)]
    last_attempt_at: Option<Iso>,
    /// Null if it is done, or waits for an earlier event of its key.
    #[schema(required)]
    next_attempt_at: Option<Iso>,
    /// The status of the last answer, or the reason why there was none.
    #[schema(required)]
    answer: Option<&'a str>,
}

impl<'a> From<&'a Delivery> for DeliveryView<'a> {
    fn from(delivery: &'a Delivery) -> Self {
        let Delivery { webhook_id: _, position, event_id, kind, event_at, key_id, attempts, answer } = delivery;
        let Attempts { status, count, first_at, last_at, next_at } = *attempts;
        Self {
            position: *position,
            event_id,
            kind,
            event_at: Iso(*event_at),
            key_id: key_id.as_ref().map(KeyId::as_str),
            status: status.as_str(),
            attempts: count,
            first_attempt_at: first_at.map(Iso),
            last_attempt_at: last_at.map(Iso),
            next_attempt_at: next_at.map(Iso),
            answer: answer.as_deref(),
        }
    }
}

/// A page of deliveries.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Deliveries)]
pub struct DeliveriesView<'a> {
    deliveries: Vec<DeliveryView<'a>>,
    /// The parameter `before` of the next page; null if this is the last one.
    #[schema(required)]
    next: Option<u64>,
}

impl<'a> DeliveriesView<'a> {
    /// Shows a page of at most `limit` deliveries.
    pub fn new(deliveries: &'a [Delivery], limit: u32) -> Self {
        let is_full = deliveries.len() >= usize::try_from(limit).unwrap_or(usize::MAX);
        let next = deliveries.last().filter(|_| is_full).map(|delivery| delivery.position);
        Self { deliveries: deliveries.iter().map(DeliveryView::from).collect(), next }
    }
}

/// The outcome of a test.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = TestedWebhook)]
pub struct TestedWebhookView {
    /// True if the status was 200 to 299.
    success: bool,
    /// The status of the answer.
    #[schema(required)]
    status: Option<u16>,
    /// The reason why there was no answer.
    #[schema(required)]
    error: Option<String>,
    /// The time that it took, in milliseconds.
    took_ms: u64,
}

impl From<&TestedWebhook> for TestedWebhookView {
    fn from(tested: &TestedWebhook) -> Self {
        let TestedWebhook { answer, took_ms } = tested;
        let status = answer.as_ref().ok().copied();
        Self {
            success: status.is_some_and(|status| (200..300).contains(&status)),
            status,
            error: answer.as_ref().err().map(ToString::to_string),
            took_ms: *took_ms,
        }
    }
}

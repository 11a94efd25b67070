use super::{Attempts, WebhookEvent, WebhookId};
use crate::{KeyId, Timestamp};

/// The delivery of an event to an endpoint, with its attempts so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The endpoint.
    pub webhook_id: WebhookId,
    /// The position of the event.
    pub position: u64,
    /// The id of the event.
    pub event_id: Box<str>,
    /// The kind of the event.
    pub kind: Box<str>,
    /// The instant of the event.
    pub event_at: Timestamp,
    /// The key of the event. Events of one key are delivered in order; an event without a key waits for no other.
    pub key_id: Option<KeyId>,
    /// The attempts.
    pub attempts: Attempts,
    /// The last answer: its status, or the reason why there was none.
    pub answer: Option<Box<str>>,
}

impl Delivery {
    /// Returns the delivery of an event that was not attempted yet.
    pub fn of(webhook_id: &WebhookId, event: &WebhookEvent, attempts: Attempts) -> Self {
        Self {
            webhook_id: webhook_id.clone(),
            position: event.position,
            event_id: event.id.clone(),
            kind: event.kind.clone(),
            event_at: event.at,
            key_id: event.key_id.clone(),
            attempts,
            answer: None,
        }
    }
}

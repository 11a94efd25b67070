use keymint_domain::webhook::{
    Attempts, Delivery, EndpointHealth, KindFilter, Webhook, WebhookId, WebhookSecret, WebhookSecrets, WebhookState,
    WebhookUrl,
};

use super::{NOW, id};

/// Returns an endpoint's id.
///
/// # Panics
///
/// Panics on an empty text.
pub fn webhook_id(text: &str) -> WebhookId {
    WebhookId::parse(text).unwrap()
}

/// Returns a secret of this byte.
pub fn webhook_secret(byte: u8) -> WebhookSecret {
    WebhookSecret::generate(&mut |bytes: &mut [u8]| bytes.fill(byte))
}

/// Returns the sample endpoint with that id: active, told of everything, at position 0.
pub fn webhook(id: &str) -> Webhook {
    Webhook {
        id: webhook_id(id),
        url: WebhookUrl::from_stored("https://example.com/hooks").unwrap(),
        kinds: KindFilter::any(),
        owner: None,
        config_id: None,
        state: WebhookState::Active,
        state_since: NOW,
        secrets: WebhookSecrets::new(webhook_secret(1)),
        position: 0,
        health: EndpointHealth::default(),
        created_at: NOW,
    }
}

/// Returns a delivery to the sample endpoint `w` of the event at a position, about the key with that id.
pub fn delivery(position: u64, key_id: Option<&str>, attempts: Attempts) -> Delivery {
    Delivery {
        webhook_id: webhook_id("w"),
        position,
        event_id: format!("event {position}").into(),
        kind: "keymint.key.updated".into(),
        event_at: NOW.plus_millis(position),
        key_id: key_id.map(id),
        attempts,
        answer: None,
    }
}

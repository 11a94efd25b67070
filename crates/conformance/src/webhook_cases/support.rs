use keymint_domain::Timestamp;
use keymint_domain::webhook::{Attempts, Delivery, DeliveryStatus, EndpointHealth, Webhook};
use keymint_ports::{DeliveryQuery, WebhookLease, WebhookPortion, WebhookStore};

use crate::sample::{NOW, UNRECORDED, webhook, webhook_id};

pub(super) const LATER: Timestamp = Timestamp::from_millis(NOW.as_millis() + 10_000);

pub(super) fn delivered(at: Timestamp) -> Attempts {
    let attempts = Attempts { count: 1, first_at: Some(at), last_at: Some(at), ..Attempts::held() };
    Attempts { status: DeliveryStatus::Delivered, ..attempts }
}

/// Returns the portion of these deliveries up to a position.
pub(super) fn portion(position: u64, deliveries: Vec<Delivery>) -> WebhookPortion {
    WebhookPortion { position, deliveries, health: EndpointHealth::default(), state: None, is_back: false, now: NOW }
}

/// Adds the sample endpoint `w`, and takes its lease.
pub(super) async fn leased(store: &impl WebhookStore) -> WebhookLease {
    assert!(store.insert_webhook(&webhook("w"), 9, &UNRECORDED).await.unwrap());
    take(store, "holder", NOW).await.unwrap()
}

pub(super) async fn take(store: &impl WebhookStore, holder: &str, now: Timestamp) -> Option<WebhookLease> {
    store.lease_webhook(&webhook_id("w"), holder, now, now.plus_millis(5000)).await.unwrap()
}

pub(super) async fn due(store: &impl WebhookStore, now: Timestamp) -> Vec<u64> {
    let due = store.due_deliveries(&webhook_id("w"), now, 100).await.unwrap();
    due.into_iter().map(|delivery| delivery.position).collect()
}

pub(super) async fn listed(store: &impl WebhookStore) -> Vec<Delivery> {
    let query = DeliveryQuery { webhook_id: webhook_id("w"), status: None, before: None, limit: 1000 };
    store.list_deliveries(&query).await.unwrap()
}

pub(super) async fn found(store: &impl WebhookStore) -> Webhook {
    store.find_webhook(&webhook_id("w")).await.unwrap().unwrap()
}

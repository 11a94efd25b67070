use std::sync::Arc;

use keymint_domain::webhook::WebhookState;
use keymint_ports::WebhookStore as _;

use super::support::{LATER, delivered, found, leased, listed, portion, take};
use crate::WebhookEngine;
use crate::sample::{NOW, UNRECORDED, delivery, webhook, webhook_id};
use crate::support::{at_once, open_two};

pub async fn one_holder_at_a_time_has_the_lease_of_an_endpoint<E: WebhookEngine>(engine: &E) {
    let [store, other] = open_two(engine).await;
    let first = leased(&*store).await;
    assert_eq!(take(&*other, "rival", NOW.plus_millis(4999)).await, None);
    assert_eq!(take(&*store, "holder", NOW.plus_millis(1)).await.map(|lease| lease.fence), Some(first.fence));
    let standing = other.list_webhooks().await.unwrap().remove(0);
    assert_eq!(standing.leased, Some(("holder".into(), NOW.plus_millis(5001))));
    let taken_over = take(&*other, "rival", NOW.plus_millis(5001)).await.unwrap();
    assert!(taken_over.fence > first.fence);
    assert_eq!(take(&*store, "holder", NOW.plus_millis(5002)).await, None);
    other.release_webhook_leases("rival").await.unwrap();
    let again = take(&*store, "holder", NOW.plus_millis(5003)).await.unwrap();
    assert!(again.fence > taken_over.fence);
    let ended = take(&*store, "holder", LATER.plus_millis(5000)).await.unwrap();
    assert!(ended.fence > again.fence, "a lease that ended is a new one");
    assert_eq!(take(&*store, "holder", LATER).await.map(|lease| lease.webhook), Some(webhook("w")));
}

pub async fn of_many_holders_at_once_one_gets_the_lease<E: WebhookEngine>(engine: &E) {
    let stores = open_two(engine).await;
    stores[0].insert_webhook(&webhook("w"), 9, &UNRECORDED).await.unwrap();
    let leases = (0..12).map(|turn| {
        let store = Arc::clone(&stores[turn % 2]);
        async move { take(&*store, &turn.to_string(), NOW).await }
    });
    assert_eq!(at_once(leases).await.into_iter().flatten().count(), 1);
}

pub async fn only_unexpired_leases_of_the_holder_are_renewed<E: WebhookEngine>(engine: &E) {
    let store = engine.open().await;
    for (id, holder, until) in [("a", "me", 10), ("b", "me", 5), ("c", "rival", 10)] {
        store.insert_webhook(&webhook(id), 9, &UNRECORDED).await.unwrap();
        let until = NOW.plus_millis(until);
        store.lease_webhook(&webhook_id(id), holder, NOW, until).await.unwrap().unwrap();
    }
    let renewed = store.renew_webhook_leases("me", NOW.plus_millis(5), LATER).await.unwrap();
    assert_eq!(renewed, [webhook_id("a")]);
    let ends: Vec<_> = store.list_webhooks().await.unwrap().into_iter().map(|it| it.leased.unwrap().1).collect();
    assert_eq!(ends, [LATER, NOW.plus_millis(5), NOW.plus_millis(10)]);
}

pub async fn an_endpoint_that_is_not_active_has_no_lease<E: WebhookEngine>(engine: &E) {
    let store = engine.open().await;
    assert_eq!(take(&store, "holder", NOW).await, None);
    store.insert_webhook(&webhook("w"), 9, &UNRECORDED).await.unwrap();
    for state in [WebhookState::Paused, WebhookState::Disabled] {
        assert!(store.set_webhook_state(&webhook_id("w"), state, LATER, &UNRECORDED).await.unwrap());
        assert!(!store.set_webhook_state(&webhook_id("w"), state, NOW, &UNRECORDED).await.unwrap(), "it has the state");
        assert_eq!(take(&store, "holder", NOW).await, None, "{state:?}");
        assert_eq!((found(&store).await.state, found(&store).await.state_since), (state, LATER));
    }
    assert!(store.set_webhook_state(&webhook_id("w"), WebhookState::Active, LATER, &UNRECORDED).await.unwrap());
    assert!(take(&store, "holder", NOW).await.is_some());
    assert!(!store.set_webhook_state(&webhook_id("none"), WebhookState::Active, LATER, &UNRECORDED).await.unwrap());
}

pub async fn a_stale_holder_writes_nothing<E: WebhookEngine>(engine: &E) {
    let [store, other] = open_two(engine).await;
    let stale = leased(&*store).await;
    let fresh = take(&*other, "rival", LATER).await.unwrap();
    let written = portion(7, vec![delivery(7, Some("k"), delivered(NOW))]);
    assert!(!store.record_deliveries(&stale, &written, &UNRECORDED).await.unwrap());
    assert_eq!((found(&*other).await, listed(&*other).await), (webhook("w"), Vec::new()));
    assert!(other.record_deliveries(&fresh, &written, &UNRECORDED).await.unwrap());
    assert!(store.remove_webhook(&webhook_id("w"), &UNRECORDED).await.unwrap());
    assert!(!other.record_deliveries(&fresh, &written, &UNRECORDED).await.unwrap());
    assert_eq!(listed(&*store).await, []);
    assert!(!store.remove_webhook(&webhook_id("w"), &UNRECORDED).await.unwrap());
}

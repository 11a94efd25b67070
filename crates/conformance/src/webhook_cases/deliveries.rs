use keymint_domain::KeyId;
use keymint_domain::webhook::{Attempts, DeliveryStatus, EndpointHealth, Webhook, WebhookState};
use keymint_ports::{DeliveryQuery, WebhookBacklog, WebhookPortion, WebhookStore as _};

use super::support::{LATER, delivered, due, found, leased, listed, portion};
use crate::WebhookEngine;
use crate::sample::{self, NOW, UNRECORDED, delivery, webhook, webhook_id};
use crate::support::open_two;

pub async fn a_portion_is_written_whole_and_comes_back<E: WebhookEngine>(engine: &E) {
    let [store, other] = open_two(engine).await;
    let lease = leased(&*store).await;
    // More than one statement writes.
    let mut deliveries: Vec<_> = (1..=70).map(|position| delivery(position, None, delivered(NOW))).collect();
    deliveries[0].answer = Some("204".into());
    deliveries[1].attempts = Attempts { count: 3, first_at: Some(NOW), last_at: Some(NOW), ..Attempts::due(LATER) };
    deliveries[2].key_id = Some(sample::id("'\"%_ 👩‍🚀"));
    deliveries[3].attempts = Attempts { status: DeliveryStatus::Failed, ..delivered(NOW) };
    let health = EndpointHealth { failures: 2, accepted_at: Some(NOW), rests_until: Some(LATER) };
    let written = WebhookPortion { health, ..portion(80, deliveries.clone()) };
    assert!(store.record_deliveries(&lease, &written, &UNRECORDED).await.unwrap());
    deliveries.reverse();
    assert_eq!(listed(&*other).await, deliveries);
    assert_eq!((found(&*other).await.position, found(&*other).await.health), (80, health));
    assert_eq!(other.list_webhooks().await.unwrap()[0].next_at, Some(LATER));

    let again = delivery(2, None, delivered(LATER));
    assert!(store.record_deliveries(&lease, &portion(80, vec![again.clone()]), &UNRECORDED).await.unwrap());
    assert_eq!(listed(&*other).await[68], again, "it replaces the one before");
    let stopped = WebhookPortion { state: Some(WebhookState::Paused), now: LATER, ..portion(81, Vec::new()) };
    assert!(store.record_deliveries(&lease, &stopped, &UNRECORDED).await.unwrap());
    let paused = found(&*other).await;
    assert_eq!((paused.state, paused.state_since, paused.position), (WebhookState::Paused, LATER, 81));
    let disabled = WebhookPortion { state: Some(WebhookState::Disabled), ..portion(82, Vec::new()) };
    assert!(store.record_deliveries(&lease, &disabled, &UNRECORDED).await.unwrap());
    let still = found(&*other).await;
    assert_eq!((still.state, still.state_since, still.position), (WebhookState::Paused, LATER, 82));
}

pub async fn deliveries_of_a_key_become_due_one_after_the_other<E: WebhookEngine>(engine: &E) {
    let store = engine.open().await;
    let lease = leased(&store).await;
    let waiting = portion(
        5,
        vec![
            delivery(1, Some("a"), Attempts::due(LATER)),
            delivery(2, Some("b"), Attempts::due(NOW)),
            delivery(3, Some("a"), Attempts::held()),
            delivery(4, Some("a"), Attempts::held()),
            delivery(5, None, Attempts::due(NOW)),
        ],
    );
    assert!(store.record_deliveries(&lease, &waiting, &UNRECORDED).await.unwrap());
    assert_eq!(due(&store, NOW).await, [2, 5]);
    assert_eq!(due(&store, LATER).await, [1, 2, 5]);
    let first = store.due_deliveries(&webhook_id("w"), LATER, 1).await.unwrap();
    assert_eq!(first, [delivery(1, Some("a"), Attempts::due(LATER))]);
    let keys = ["a", "b", "c", "A"].map(sample::id);
    let mut held = store.keys_with_pending_deliveries(&webhook_id("w"), &keys).await.unwrap();
    held.sort_by(|one, other| one.as_str().cmp(other.as_str()));
    assert_eq!(held.iter().map(KeyId::as_str).collect::<Vec<_>>(), ["a", "b"]);

    let done = portion(5, vec![delivery(1, Some("a"), delivered(NOW)), delivery(2, Some("b"), delivered(NOW))]);
    assert!(store.record_deliveries(&lease, &done, &UNRECORDED).await.unwrap());
    assert_eq!(due(&store, NOW).await, [3, 5], "of those that wait only the next one");
    let given_up = Attempts { status: DeliveryStatus::Failed, ..delivered(NOW) };
    let done = WebhookPortion { now: LATER, ..portion(5, vec![delivery(3, Some("a"), given_up)]) };
    assert!(store.record_deliveries(&lease, &done, &UNRECORDED).await.unwrap());
    assert_eq!((due(&store, NOW).await, due(&store, LATER).await), (vec![5], vec![4, 5]));
    let none = store.keys_with_pending_deliveries(&webhook_id("other"), &[sample::id("a")]).await.unwrap();
    assert_eq!(none, []);
}

pub async fn deliveries_are_listed_page_by_page_and_by_state<E: WebhookEngine>(engine: &E) {
    let store = engine.open().await;
    let lease = leased(&store).await;
    let attempts = |position: u64| if position.is_multiple_of(2) { delivered(NOW) } else { Attempts::due(NOW) };
    let written: Vec<_> = (1..=6).map(|position| delivery(position, None, attempts(position))).collect();
    assert!(store.record_deliveries(&lease, &portion(6, written), &UNRECORDED).await.unwrap());
    let all = DeliveryQuery { webhook_id: webhook_id("w"), status: None, before: None, limit: 4 };
    let pages = [
        (all.clone(), vec![6, 5, 4, 3]),
        (DeliveryQuery { before: Some(3), ..all.clone() }, vec![2, 1]),
        (DeliveryQuery { status: Some(DeliveryStatus::Delivered), ..all.clone() }, vec![6, 4, 2]),
        (DeliveryQuery { status: Some(DeliveryStatus::Pending), before: Some(5), ..all.clone() }, vec![3, 1]),
        (DeliveryQuery { status: Some(DeliveryStatus::Failed), ..all.clone() }, vec![]),
        (DeliveryQuery { webhook_id: webhook_id("other"), ..all }, vec![]),
    ];
    for (query, expected) in pages {
        let page: Vec<_> = store.list_deliveries(&query).await.unwrap().iter().map(|it| it.position).collect();
        assert_eq!(page, expected, "{query:?}");
    }
}

pub async fn old_deliveries_that_are_done_are_removed_and_no_others<E: WebhookEngine>(engine: &E) {
    let store = engine.open().await;
    let lease = leased(&store).await;
    let old = Attempts { last_at: Some(NOW), first_at: Some(NOW), count: 1, ..Attempts::due(NOW) };
    let written = vec![
        delivery(1, None, delivered(NOW)),
        delivery(2, None, old),
        delivery(3, None, Attempts { status: DeliveryStatus::Failed, ..delivered(NOW.plus_millis(1)) }),
        delivery(4, None, delivered(LATER)),
    ];
    assert!(store.record_deliveries(&lease, &portion(4, written), &UNRECORDED).await.unwrap());
    assert_eq!(store.remove_deliveries(NOW, 9).await.unwrap(), 0);
    assert_eq!(store.remove_deliveries(LATER, 1).await.unwrap(), 1);
    assert_eq!(store.remove_deliveries(LATER, 9).await.unwrap(), 1);
    let kept: Vec<_> = listed(&store).await.iter().map(|delivery| delivery.position).collect();
    assert_eq!(kept, [4, 2]);
}

pub async fn backlogs_and_what_is_still_needed_are_told<E: WebhookEngine>(engine: &E) {
    let store = engine.open().await;
    assert_eq!(store.webhook_backlogs().await.unwrap(), []);
    assert_eq!(store.delivered_position(NOW).await.unwrap(), None);
    let lease = leased(&store).await;
    store.insert_webhook(&Webhook { position: 30, ..webhook("other") }, 9, &UNRECORDED).await.unwrap();
    let written = vec![
        delivery(5, None, delivered(NOW)),
        delivery(8, None, Attempts::due(LATER)),
        delivery(6, None, Attempts::held()),
    ];
    assert!(store.record_deliveries(&lease, &portion(20, written), &UNRECORDED).await.unwrap());
    let backlog = WebhookBacklog { id: webhook_id("w"), pending: 2, oldest: NOW.plus_millis(6) };
    assert_eq!(store.webhook_backlogs().await.unwrap(), [backlog]);
    assert_eq!(store.delivered_position(NOW).await.unwrap(), Some(5));
    assert!(store.set_webhook_state(&webhook_id("w"), WebhookState::Paused, LATER, &UNRECORDED).await.unwrap());
    assert_eq!(store.delivered_position(LATER).await.unwrap(), Some(5), "it was stopped of late");
    assert_eq!(store.delivered_position(LATER.plus_millis(1)).await.unwrap(), Some(30));
}

pub async fn of_an_endpoint_that_is_back_all_that_waits_for_an_instant_is_due<E: WebhookEngine>(engine: &E) {
    let store = engine.open().await;
    let lease = leased(&store).await;
    let waiting = vec![
        delivery(1, Some("a"), Attempts::due(LATER)),
        delivery(2, Some("a"), Attempts::held()),
        delivery(3, None, Attempts::due(NOW)),
        delivery(4, None, Attempts::due(LATER)),
    ];
    let back = WebhookPortion { is_back: true, now: NOW.plus_millis(1), ..portion(4, waiting) };
    assert!(store.record_deliveries(&lease, &back, &UNRECORDED).await.unwrap());
    assert_eq!((due(&store, NOW).await, due(&store, NOW.plus_millis(1)).await), (vec![3], vec![1, 3, 4]));
}

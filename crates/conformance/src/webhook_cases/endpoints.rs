use std::sync::Arc;

use keymint_domain::webhook::{
    Attempts, EndpointHealth, KindFilter, Webhook, WebhookSecrets, WebhookState, WebhookUrl,
};
use keymint_ports::{StoreError, WebhookMove, WebhookPortion, WebhookStore as _};

use super::support::{LATER, delivered, due, found, leased, listed, portion, take};
use crate::WebhookEngine;
use crate::sample::{self, NOW, UNRECORDED, delivery, webhook, webhook_id, webhook_secret};
use crate::support::{at_once, open_two};

pub async fn endpoints_come_back_as_they_went_in_and_in_order_of_creation<E: WebhookEngine>(engine: &E) {
    let [store, other] = open_two(engine).await;
    let with_everything = Webhook {
        url: WebhookUrl::from_stored("https://example.com/?q='%22%C3%A9").unwrap(),
        kinds: KindFilter::parse(&["keymint.key.*", "*.created"]).unwrap(),
        owner: Some(sample::owner("'\"%_ 👩‍🚀")),
        config_id: Some(sample::config("live")),
        state: WebhookState::Disabled,
        state_since: NOW.plus_millis(1),
        secrets: WebhookSecrets::new(webhook_secret(2)).rotate(webhook_secret(3), NOW, 1000),
        position: u64::try_from(i64::MAX).unwrap(),
        health: EndpointHealth { failures: u32::MAX, accepted_at: Some(NOW), rests_until: Some(LATER) },
        created_at: NOW.minus_millis(1),
        ..webhook("other")
    };
    assert!(store.insert_webhook(&webhook("w"), 9, &UNRECORDED).await.unwrap());
    assert!(store.insert_webhook(&with_everything, 9, &UNRECORDED).await.unwrap());
    let standings = other.list_webhooks().await.unwrap();
    let listed: Vec<_> = standings.iter().map(|standing| &standing.webhook).collect();
    assert_eq!(listed, [&with_everything, &webhook("w")]);
    assert!(standings.iter().all(|standing| standing.next_at.is_none() && standing.leased.is_none()));
    assert_eq!(other.find_webhook(&webhook_id("other")).await.unwrap(), Some(with_everything));
    assert_eq!(other.find_webhook(&webhook_id("OTHER")).await.unwrap(), None);
    let too_far = Webhook { position: u64::MAX, ..webhook("far") };
    let refused = store.insert_webhook(&too_far, 9, &UNRECORDED).await;
    assert!(matches!(refused, Ok(true) | Err(StoreError::OutOfRange { .. })), "{refused:?}");
}

pub async fn so_many_endpoints_and_no_more_between_all<E: WebhookEngine>(engine: &E) {
    let stores = open_two(engine).await;
    let inserts = (0..12).map(|turn| {
        let store = Arc::clone(&stores[turn % 2]);
        async move { store.insert_webhook(&webhook(&turn.to_string()), 5, &UNRECORDED).await.unwrap() }
    });
    let added = at_once(inserts).await.into_iter().filter(|added| *added).count();
    assert_eq!((added, stores[0].list_webhooks().await.unwrap().len()), (5, 5));
    let first = stores[0].list_webhooks().await.unwrap().remove(0).webhook;
    assert!(matches!(stores[1].insert_webhook(&first, 99, &UNRECORDED).await, Err(StoreError::Duplicate)));
}

pub async fn of_two_rotations_at_once_one_counts<E: WebhookEngine>(engine: &E) {
    let [store, other] = open_two(engine).await;
    store.insert_webhook(&webhook("w"), 9, &UNRECORDED).await.unwrap();
    let before = webhook("w").secrets;
    let [second, third] = [2, 3].map(|byte| before.clone().rotate(webhook_secret(byte), NOW, 1000));
    assert!(store.replace_webhook_secrets(&webhook_id("w"), &before, &second, &UNRECORDED).await.unwrap());
    assert!(!other.replace_webhook_secrets(&webhook_id("w"), &before, &third, &UNRECORDED).await.unwrap());
    assert!(!store.replace_webhook_secrets(&webhook_id("none"), &before, &third, &UNRECORDED).await.unwrap());
    assert_eq!(found(&*other).await.secrets, second);
}

pub async fn an_endpoint_that_is_resumed_begins_anew<E: WebhookEngine>(engine: &E) {
    let store = engine.open().await;
    let lease = leased(&store).await;
    let old = Attempts { count: 12, first_at: Some(NOW), last_at: Some(NOW), ..Attempts::due(LATER) };
    let waiting =
        vec![delivery(1, Some("a"), old), delivery(2, Some("a"), Attempts::held()), delivery(3, None, delivered(NOW))];
    let failing = EndpointHealth { failures: 9, accepted_at: Some(NOW), rests_until: Some(LATER) };
    let paused = WebhookPortion { health: failing, state: Some(WebhookState::Paused), ..portion(3, waiting) };
    assert!(store.record_deliveries(&lease, &paused, &UNRECORDED).await.unwrap());
    assert!(
        store.set_webhook_state(&webhook_id("w"), WebhookState::Active, NOW.plus_millis(1), &UNRECORDED).await.unwrap()
    );
    assert_eq!((due(&store, NOW).await, due(&store, NOW.plus_millis(1)).await), (vec![], vec![1]));
    let anew = Attempts { count: 0, first_at: None, next_at: Some(NOW.plus_millis(1)), ..old };
    let kept =
        [delivery(3, None, delivered(NOW)), delivery(2, Some("a"), Attempts::held()), delivery(1, Some("a"), anew)];
    assert_eq!(listed(&store).await, kept);
    let health = EndpointHealth { failures: 0, accepted_at: Some(NOW), rests_until: None };
    assert_eq!(found(&store).await.health, health);
}

pub async fn an_endpoint_that_is_rewound_takes_later_events_again<E: WebhookEngine>(engine: &E) {
    let [store, other] = open_two(engine).await;
    let lease = leased(&*store).await;
    let written = (1..=4).map(|position| delivery(position, None, delivered(NOW))).collect();
    assert!(store.record_deliveries(&lease, &portion(9, written), &UNRECORDED).await.unwrap());
    assert!(other.rewind_webhook(&webhook_id("w"), 20, &UNRECORDED).await.unwrap());
    assert_eq!((found(&*store).await.position, listed(&*store).await.len()), (9, 4), "it was not there yet");
    assert!(other.rewind_webhook(&webhook_id("w"), 2, &UNRECORDED).await.unwrap());
    assert_eq!(found(&*store).await.position, 2);
    let kept: Vec<_> = listed(&*store).await.iter().map(|delivery| delivery.position).collect();
    assert_eq!(kept, [2, 1]);
    assert!(
        !store.record_deliveries(&lease, &portion(9, Vec::new()), &UNRECORDED).await.unwrap(),
        "its holder was told nothing"
    );
    assert!(take(&*other, "rival", NOW).await.is_some(), "the lease has ended");
    assert!(!other.rewind_webhook(&webhook_id("none"), 2, &UNRECORDED).await.unwrap());
}

pub async fn endpoints_are_moved_from_where_they_are_alone<E: WebhookEngine>(engine: &E) {
    let store = engine.open().await;
    for id in ["a", "b"] {
        store.insert_webhook(&webhook(id), 9, &UNRECORDED).await.unwrap();
    }
    let moves = [("a", 0, 7), ("b", 1, 7), ("none", 0, 7)];
    let moves = moves.map(|(id, from, to)| WebhookMove { id: webhook_id(id), from, to });
    store.advance_webhooks(&moves).await.unwrap();
    let at: Vec<_> = store.list_webhooks().await.unwrap().into_iter().map(|it| it.webhook.position).collect();
    assert_eq!(at, [7, 0]);
}

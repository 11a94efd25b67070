use keymint_domain::event::seal::SealKey;
use keymint_domain::event::{Actor, EventQuery, Origin};
use keymint_domain::webhook::WebhookState;
use keymint_ports::{EventStore, StoreError, WebhookPortion, WebhookStore as _};

use super::support::{LATER, leased, portion, take};
use crate::WebhookEngine;
use crate::sample::{NOW, webhook, webhook_id, webhook_secret};
use crate::support::open_two;

fn origin(turn: u8) -> Origin {
    Origin::new(Actor::Keymint, NOW, &mut |bytes: &mut [u8]| bytes.fill(turn))
}

/// Returns the kinds of all events, with what tells them apart.
async fn told(store: &impl EventStore) -> Vec<String> {
    store.seal(&SealKey::new([1; 32]), 100).await.unwrap();
    let events = store.list_events(&EventQuery::behind(0, 100)).await.unwrap();
    events.into_iter().map(|event| format!("{} {}", event.row.kind, event.row.data)).collect()
}

pub async fn a_change_of_an_endpoint_is_an_event_and_what_changes_nothing_is_none<E: WebhookEngine>(engine: &E) {
    let [store, other] = open_two(engine).await;
    let id = webhook_id("w");
    assert!(store.insert_webhook(&webhook("w"), 1, &origin(1)).await.unwrap());
    assert!(!store.insert_webhook(&webhook("v"), 1, &origin(2)).await.unwrap());
    let twice = store.insert_webhook(&webhook("w"), 9, &origin(3)).await;
    assert!(matches!(twice, Err(StoreError::Duplicate)), "{twice:?}");
    assert!(store.set_webhook_state(&id, WebhookState::Paused, NOW, &origin(4)).await.unwrap());
    assert!(!store.set_webhook_state(&id, WebhookState::Paused, NOW, &origin(5)).await.unwrap());
    assert!(other.set_webhook_state(&id, WebhookState::Active, NOW, &origin(6)).await.unwrap());
    let (before, after) = (webhook("w").secrets, webhook("w").secrets.rotate(webhook_secret(2), NOW, 1));
    assert!(store.replace_webhook_secrets(&id, &before, &after, &origin(7)).await.unwrap());
    assert!(!store.replace_webhook_secrets(&id, &before, &after, &origin(8)).await.unwrap());
    assert!(store.rewind_webhook(&id, 7, &origin(9)).await.unwrap());
    assert!(!store.rewind_webhook(&webhook_id("none"), 7, &origin(10)).await.unwrap());
    assert!(store.remove_webhook(&id, &origin(11)).await.unwrap());
    assert!(!store.remove_webhook(&id, &origin(12)).await.unwrap());
    let expected = [
        r#"keymint.webhook.created {"webhookId":"w","host":"example.com","kinds":["*"]}"#,
        r#"keymint.webhook.updated {"webhookId":"w","state":"paused"}"#,
        r#"keymint.webhook.updated {"webhookId":"w","state":"active"}"#,
        r#"keymint.webhook.updated {"webhookId":"w","secret":"rotated"}"#,
        r#"keymint.webhook.updated {"webhookId":"w","replayedFrom":7}"#,
        r#"keymint.webhook.deleted {"webhookId":"w"}"#,
    ];
    let mut found = told(&*other).await;
    found.sort_unstable();
    let mut expected = expected.map(str::to_owned);
    expected.sort_unstable();
    assert_eq!(found, expected);
}

pub async fn an_endpoint_that_is_stopped_is_one_event_and_a_stale_holder_makes_none<E: WebhookEngine>(engine: &E) {
    let store = engine.open().await;
    let stale = leased(&store).await;
    let fresh = take(&store, "rival", LATER).await.unwrap();
    let stopped = WebhookPortion { state: Some(WebhookState::Disabled), ..portion(1, Vec::new()) };
    assert!(!store.record_deliveries(&stale, &stopped, &origin(1)).await.unwrap());
    assert_eq!(told(&store).await, [""; 0]);
    assert!(store.record_deliveries(&fresh, &portion(1, Vec::new()), &origin(2)).await.unwrap());
    assert!(store.record_deliveries(&fresh, &stopped, &origin(3)).await.unwrap());
    assert!(store.record_deliveries(&fresh, &stopped, &origin(4)).await.unwrap());
    assert_eq!(told(&store).await, [r#"keymint.webhook.stopped {"webhookId":"w","state":"disabled"}"#]);
}

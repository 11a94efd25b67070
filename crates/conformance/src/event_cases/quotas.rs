use keymint_domain::policy::Policy;

use super::all_events;
use crate::EventEngine;
use crate::sample::{self, NOW};
use crate::support::{accepted, insert_all, open_two, settle, settle_at_once};

fn recording() -> Policy {
    Policy::default().recording_events(true)
}

pub async fn a_share_of_a_quota_is_an_event_once_however_it_is_raced_for<E: EventEngine>(engine: &E) {
    let stores = open_two(engine).await;
    let key = sample::key_with("a", |details, usage| {
        usage.remaining = Some(20);
        (details.refill_amount, details.refill_interval_ms) = (Some(20), Some(1000));
    });
    insert_all(&*stores[0], &[key]).await;
    let verdicts = settle_at_once(&stores, 32, &sample::attempt("a"), &recording(), NOW).await;
    assert_eq!(accepted(&verdicts), 20);
    let mut events: Vec<_> = all_events(&*stores[1]).await.into_iter().map(|event| event.row).collect();
    events.sort_by(|a, b| (&a.kind, &a.data).cmp(&(&b.kind, &b.data)));
    let kinds: Vec<_> = events.iter().map(|row| row.kind.as_str()).collect();
    let threshold = "keymint.key.quota_threshold";
    assert_eq!(kinds, ["keymint.key.exhausted", threshold, threshold, threshold]);
    for (row, percent) in events[1..].iter().zip([100, 50, 80]) {
        assert!(row.data.contains(&format!("\"percent\":{percent}")), "{}", row.data);
        assert_eq!((row.key_id.as_deref(), row.actor.as_str()), (Some("a"), "keymint"));
    }
}

pub async fn keys_of_one_batch_have_their_own_events<E: EventEngine>(engine: &E) {
    let [store, _] = open_two(engine).await;
    insert_all(&*store, &["a", "b", "c"].map(|id| sample::key_with_quota(id, 2))).await;
    let attempts = ["a", "b", "a", "c"].map(sample::attempt);
    settle(&*store, &attempts, &recording(), NOW).await;
    let exhausted: Vec<_> = all_events(&*store).await.into_iter().map(|event| event.row.key_id.unwrap()).collect();
    assert_eq!(exhausted, ["a"]);
    settle(&*store, &attempts, &recording(), NOW).await;
    let mut exhausted: Vec<_> = all_events(&*store).await.into_iter().map(|event| event.row.key_id.unwrap()).collect();
    exhausted.sort();
    assert_eq!(exhausted, ["a", "b", "c"]);
}

pub async fn uses_are_no_events_unless_they_are_recorded<E: EventEngine>(engine: &E) {
    let [store, _] = open_two(engine).await;
    insert_all(&*store, &[sample::key_with_quota("a", 1), sample::key("b")]).await;
    settle(&*store, &["a", "a", "b"].map(sample::attempt), &Policy::default(), NOW).await;
    settle(&*store, &["a", "b"].map(sample::attempt), &recording(), NOW).await;
    assert_eq!(all_events(&*store).await, []);
}

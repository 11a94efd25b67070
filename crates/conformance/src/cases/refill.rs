use keymint_domain::{ApiKey, ErrorCode, Policy};
use keymint_ports::KeyStore;

use crate::Engine;
use crate::sample::{self, NOW, id};
use crate::support::{accepted, code, found, open_two, settle_at_once, spend};

/// Returns a key that is used up, and refilled with 10 calls one millisecond after each second.
fn used_up() -> ApiKey {
    sample::key_with("key", |details, usage| {
        details.refill_amount = Some(10);
        details.refill_interval_ms = Some(1000);
        usage.remaining = Some(0);
    })
}

pub async fn a_quota_is_refilled_at_its_instant_and_not_before<E: Engine>(engine: &E) {
    let [store, other] = open_two(engine).await;
    store.insert(&used_up(), None, &sample::UNRECORDED).await.unwrap();
    let early = spend(&*store, "key", NOW.plus_millis(1000)).await;
    assert_eq!(code(&early), Some(ErrorCode::UsageExceeded));
    assert_eq!(early.refused().unwrap().retry_in_ms, Some(1));
    assert_eq!(found(&*other, &id("key")).await, used_up());
    let due = NOW.plus_millis(1001);
    assert_eq!(code(&spend(&*other, "key", due).await), None);
    let usage = found(&*store, &id("key")).await.usage;
    assert_eq!((usage.remaining, usage.last_refill_at), (Some(9), Some(due)));
}

pub async fn a_refill_is_won_once_by_parallel_spends<E: Engine>(engine: &E) {
    let stores = open_two(engine).await;
    stores[0].insert(&used_up(), None, &sample::UNRECORDED).await.unwrap();
    let due = NOW.plus_millis(1001);
    for (times, left) in [(6, 4), (20, 0)] {
        let verdicts = settle_at_once(&stores, times, &sample::attempt("key"), &Policy::default(), due).await;
        let usage = found(&*stores[1], &id("key")).await.usage;
        assert_eq!((usage.remaining, usage.last_refill_at), (Some(left), Some(due)));
        assert_eq!(accepted(&verdicts), if left == 4 { 6 } else { 4 });
    }
}

pub async fn the_instant_of_a_refill_survives_a_restart<E: Engine>(engine: &E) {
    let store = engine.open().await;
    store.insert(&used_up(), None, &sample::UNRECORDED).await.unwrap();
    let refilled = NOW.plus_millis(5000);
    assert_eq!(code(&spend(&store, "key", refilled).await), None);
    drop(store);

    let store = engine.open().await;
    assert_eq!(found(&store, &id("key")).await.usage.last_refill_at, Some(refilled));
    for (after_ms, left) in [(1000, 8), (1001, 9)] {
        let verdict = spend(&store, "key", refilled.plus_millis(after_ms)).await;
        assert_eq!(verdict.accepted().unwrap().usage.remaining, Some(left));
    }
}

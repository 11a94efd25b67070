use keymint_domain::key::{EditKey, Field, RefillEdit};
use keymint_domain::usage::Every;
use keymint_domain::value::MAX_PERIOD_MS;
use keymint_domain::{ApiKey, ErrorCode, Policy, Timestamp};
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

pub async fn a_calendars_refill_is_won_once_at_its_border<E: Engine>(engine: &E) {
    let stores = open_two(engine).await;
    let at = |text| Timestamp::parse(text).unwrap();
    let key = sample::key_with("key", |details, usage| {
        details.created_at = at("2024-01-31T12:00:00Z");
        (details.refill_amount, details.refill_every) = (Some(10), Some(Every::Month));
        usage.remaining = Some(0);
    });
    stores[0].insert(&key, None, &sample::UNRECORDED).await.unwrap();
    assert_eq!(found(&*stores[1], &id("key")).await, key);
    let early = spend(&*stores[1], "key", at("2024-01-31T23:59:59.999Z")).await;
    assert_eq!(early.refused().unwrap().retry_in_ms, Some(1));
    for (border, next) in
        [("2024-02-01T00:00:00Z", "2024-02-29T23:59:59.999Z"), ("2024-03-01T00:00:00Z", "2024-03-31T00:00:00Z")]
    {
        let verdicts = settle_at_once(&stores, 20, &sample::attempt("key"), &Policy::default(), at(border)).await;
        assert_eq!(accepted(&verdicts), 10);
        let usage = found(&*stores[1], &id("key")).await.usage;
        assert_eq!((usage.remaining, usage.last_refill_at), (Some(0), Some(at(border))));
        assert_eq!(code(&spend(&*stores[0], "key", at(next)).await), Some(ErrorCode::UsageExceeded));
    }
}

pub async fn periods_of_up_to_400_days_are_kept_and_changed<E: Engine>(engine: &E) {
    let [store, other] = open_two(engine).await;
    let day = 86_400_000;
    let key = sample::key_with("key", |details, usage| {
        (details.refill_amount, details.refill_interval_ms) = (Some(10), Some(MAX_PERIOD_MS));
        details.rate_limit_enabled = true;
        (details.rate_limit_window_ms, details.rate_limit_max) = (Some(31 * day), Some(1));
        usage.remaining = Some(1);
    });
    store.insert(&key, None, &sample::UNRECORDED).await.unwrap();
    assert_eq!(found(&*other, &id("key")).await, key);
    assert_eq!(code(&spend(&*other, "key", NOW).await), None);
    let limited = spend(&*store, "key", NOW.plus_millis(30 * day)).await;
    assert_eq!(limited.refused().unwrap().retry_in_ms, Some(370 * day + 1), "the quota's refill");
    let refilled = NOW.plus_millis(MAX_PERIOD_MS + 1);
    assert_eq!(spend(&*other, "key", refilled).await.accepted().unwrap().usage.remaining, Some(9));
    assert_eq!(code(&spend(&*store, "key", refilled.plus_millis(31 * day - 1)).await), Some(ErrorCode::RateLimited));
    assert_eq!(code(&spend(&*store, "key", refilled.plus_millis(31 * day)).await), None);

    // Every way from one period to another leaves nothing of the former one.
    let interval = |ms| RefillEdit { amount: Field::Given(3), interval_ms: Field::Given(ms), every: Field::Absent };
    let calendar =
        |every| RefillEdit { amount: Field::Given(3), interval_ms: Field::Absent, every: Field::Given(every) };
    let none = RefillEdit { amount: Field::Null, interval_ms: Field::Null, every: Field::Absent };
    let long = 40 * day;
    for (refill, window) in [
        (interval(1000), Some(1000)),
        (interval(long), Some(long)),
        (calendar(Every::Week), None),
        (interval(long), Some(2_147_483_647)),
        (none, Some(2_147_483_648)),
        (calendar(Every::Day), None),
        (none, Some(5)),
        (interval(7), None),
    ] {
        let edit = EditKey { refill, rate_limit_window_ms: window, ..EditKey::default() };
        let patch = sample::patch(edit);
        let before = found(&*other, &id("key")).await;
        let updated = store.update(&id("key"), &patch, NOW, &sample::UNRECORDED).await.unwrap().unwrap();
        assert_eq!(updated, before.patched(&patch, NOW));
        assert_eq!(found(&*other, &id("key")).await, updated, "{patch:?}");
    }
}

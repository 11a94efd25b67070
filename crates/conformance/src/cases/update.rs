use std::sync::Arc;

use futures_util::future::join;
use keymint_domain::address::Networks;
use keymint_domain::key::{EditKey, Field, MetadataInput, RefillEdit, RefillInput};
use keymint_domain::usage::Usage;
use keymint_domain::value::{KeyName, Lifetime, Metadata, Permissions};
use keymint_domain::{ErrorCode, Policy};
use keymint_ports::{KeyStore, StoreError};

use crate::Engine;
use crate::sample::{self, NOW, id};
use crate::support::{accepted, at_once, code, everything, found, insert_all, open_two, settle_at_once, spend};

fn named(name: &str) -> EditKey {
    EditKey { name: KeyName::parse(name).ok(), ..EditKey::default() }
}

/// Returns an edit of every member.
fn thorough() -> EditKey {
    EditKey {
        name: KeyName::parse("'new' 👩‍🚀").ok(),
        enabled: Some(false),
        expires_in: Field::Given(Lifetime::from_seconds(86_400.001).unwrap()),
        metadata: MetadataInput::Given(Metadata::from_stored(r#"{"b":1,"a":2.50}"#).unwrap().unwrap()),
        remaining: Field::Given(77),
        add_remaining: None,
        refill: RefillInput { amount: Some(8), interval_ms: Some(9), every: None }.into(),
        rate_limit_enabled: Some(true),
        rate_limit_window_ms: Some(10),
        rate_limit_max: Some(11),
        reset_limit: true,
        permissions: Field::Given(Permissions::from_stored(r#"{"files":["read"]}"#).unwrap().unwrap()),
        allowed_addresses: Some(sample::networks(&["10.0.0.0/8", "2001:db8::/32"])),
        denied_addresses: Some(sample::networks(&["10.9.0.0/16"])),
    }
}

pub async fn a_missing_key_is_none_and_stays_missing<E: Engine>(engine: &E) {
    let store = engine.open().await;
    store.insert(&sample::key("another"), None, &sample::UNRECORDED).await.unwrap();
    assert_eq!(store.find(&id("key")).await.unwrap(), None);
    assert_eq!(store.update(&id("key"), &sample::patch(named("new")), NOW, &sample::UNRECORDED).await.unwrap(), None);
    assert_eq!(store.find(&id("key")).await.unwrap(), None);
    assert_eq!(everything(&store).await, [sample::key("another")]);
}

pub async fn an_update_does_what_its_patch_says_and_no_more<E: Engine>(engine: &E) {
    let [store, other] = open_two(engine).await;
    let key = sample::key_with("key", |_, usage| {
        *usage = Usage {
            remaining: Some(5),
            last_refill_at: Some(NOW.minus_millis(3)),
            request_count: 2,
            last_request: Some(NOW.minus_millis(2)),
            backlog_ns: Some(1_234_567),
            updated_at: NOW.minus_millis(1),
        }
    });
    insert_all(&*store, &[sample::key("another"), key.clone()]).await;
    let clear = EditKey {
        expires_in: Field::Null,
        metadata: MetadataInput::Null,
        permissions: Field::Null,
        allowed_addresses: Some(Networks::default()),
        denied_addresses: Some(Networks::default()),
        ..EditKey::default()
    };
    let mut expected = key;
    for (step, edit) in (1..).zip([named("new"), thorough(), clear]) {
        let (patch, now) = (sample::patch(edit), NOW.plus_millis(step));
        expected = expected.patched(&patch, now);
        assert_eq!(store.update(&id("key"), &patch, now, &sample::UNRECORDED).await.unwrap().as_ref(), Some(&expected));
        assert_eq!(found(&*other, &id("key")).await, expected);
    }
    assert_eq!(found(&*other, &id("another")).await, sample::key("another"));
}

pub async fn an_update_counts_at_the_next_spend_of_every_handle<E: Engine>(engine: &E) {
    let [store, other] = open_two(engine).await;
    store.insert(&sample::key("key"), None, &sample::UNRECORDED).await.unwrap();
    for (edit, answer) in [
        (EditKey { enabled: Some(false), ..EditKey::default() }, Some(ErrorCode::KeyDisabled)),
        (EditKey { enabled: Some(true), ..EditKey::default() }, None),
        (EditKey { remaining: Field::Given(0), ..EditKey::default() }, Some(ErrorCode::UsageExceeded)),
        (EditKey { remaining: Field::Given(1), ..EditKey::default() }, None),
    ] {
        assert!(store.update(&id("key"), &sample::patch(edit), NOW, &sample::UNRECORDED).await.unwrap().is_some());
        assert_eq!(code(&spend(&*other, "key", NOW).await), answer);
    }
}

pub async fn an_update_with_a_number_that_is_too_large_is_refused_and_never_cut<E: Engine>(engine: &E) {
    let store = engine.open().await;
    for number in [1 << 31, 1 << 63, u64::MAX] {
        let key = sample::key_with_quota(&number.to_string(), 5);
        store.insert(&key, None, &sample::UNRECORDED).await.unwrap();
        let patch = sample::patch(EditKey { remaining: Field::Given(number), ..named("new") });
        let expected = match store.update(&key.details.id, &patch, NOW, &sample::UNRECORDED).await {
            Ok(patched) => {
                assert_eq!(patched, Some(key.clone().patched(&patch, NOW)));
                key.clone().patched(&patch, NOW)
            }
            Err(StoreError::OutOfRange { .. }) => key.clone(),
            Err(error) => panic!("neither kept nor refused: {error}"),
        };
        assert_eq!(found(&store, &key.details.id).await, expected);
    }
}

pub async fn updates_and_spends_at_once_lose_neither<E: Engine>(engine: &E) {
    let stores = open_two(engine).await;
    stores[0].insert(&sample::key_with_quota("key", 100), None, &sample::UNRECORDED).await.unwrap();
    let names: Vec<_> = (0..20).map(|turn| format!("name {turn}")).collect();
    let updates = names.clone().into_iter().enumerate().map(|(turn, name)| {
        let store = Arc::clone(&stores[turn % 2]);
        async move { store.update(&id("key"), &sample::patch(named(&name)), NOW, &sample::UNRECORDED).await.unwrap() }
    });
    let attempt = sample::attempt("key");
    let policy = Policy::default();
    let (verdicts, updates) = join(settle_at_once(&stores, 40, &attempt, &policy, NOW), at_once(updates)).await;
    assert_eq!(accepted(&verdicts), 40);
    assert!(updates.iter().all(Option::is_some));

    let key = found(&*stores[0], &id("key")).await;
    assert_eq!(key.usage.remaining, Some(60));
    assert!(names.contains(key.details.name.as_ref().unwrap()));
}

pub async fn quotas_refills_and_counts_are_cleared<E: Engine>(engine: &E) {
    let [store, other] = open_two(engine).await;
    let key = sample::key_with("key", |details, usage| {
        (details.refill_amount, details.refill_interval_ms) = (Some(3), Some(1000));
        details.rate_limit_enabled = true;
        (details.rate_limit_window_ms, details.rate_limit_max) = (Some(60_000), Some(1));
        usage.remaining = Some(9);
    });
    store.insert(&key, None, &sample::UNRECORDED).await.unwrap();
    assert_eq!(code(&spend(&*other, "key", NOW).await), None);
    assert_eq!(code(&spend(&*other, "key", NOW).await), Some(ErrorCode::RateLimited));
    let reset = sample::patch(EditKey { reset_limit: true, ..EditKey::default() });
    let key = store.update(&id("key"), &reset, NOW, &sample::UNRECORDED).await.unwrap().unwrap();
    assert_eq!((key.usage.request_count, key.usage.backlog_ns, key.usage.remaining), (0, None, Some(8)));
    assert_eq!(found(&*other, &id("key")).await, key);
    assert_eq!(code(&spend(&*other, "key", NOW).await), None);
    assert_eq!(code(&spend(&*other, "key", NOW).await), Some(ErrorCode::RateLimited));
    let clear = sample::patch(EditKey {
        remaining: Field::Null,
        refill: RefillEdit { amount: Field::Null, interval_ms: Field::Null, every: Field::Absent },
        ..EditKey::default()
    });
    let cleared = store.update(&id("key"), &clear, NOW, &sample::UNRECORDED).await.unwrap().unwrap();
    let details = &cleared.details;
    assert_eq!((cleared.usage.remaining, details.refill_amount, details.refill_interval_ms), (None, None, None));
    assert_eq!(found(&*other, &id("key")).await, cleared);
}

/// Returns a change that adds calls to a quota.
fn adding(calls: i64) -> EditKey {
    EditKey { add_remaining: Some(calls), ..EditKey::default() }
}

pub async fn calls_are_added_and_taken_down_to_zero<E: Engine>(engine: &E) {
    let [store, other] = open_two(engine).await;
    let refilled = sample::key_with("refilled", |details, usage| {
        (details.refill_amount, details.refill_interval_ms) = (Some(10), Some(1000));
        usage.remaining = Some(2);
    });
    insert_all(&*store, &[sample::key_with_quota("key", 5), sample::key("unmetered"), refilled]).await;
    for (key, calls, after_ms, left) in [
        ("key", 7, 0, Some(12)),
        ("key", -2, 0, Some(10)),
        ("key", -11, 0, Some(0)),
        ("key", i64::MIN, 0, Some(0)),
        ("key", 3, 0, Some(3)),
        ("unmetered", 3, 0, None),
        ("refilled", 3, 1000, Some(5)),
        ("refilled", 3, 1001, Some(13)),
    ] {
        let (patch, now) = (sample::patch(adding(calls)), NOW.plus_millis(after_ms));
        let updated = store.update(&id(key), &patch, now, &sample::UNRECORDED).await.unwrap().unwrap();
        assert_eq!(updated.usage.remaining, left, "{key} {calls}");
        assert_eq!(found(&*other, &id(key)).await, updated);
    }
}

pub async fn what_is_sold_is_used_or_left_under_parallel_spends<E: Engine>(engine: &E) {
    let stores = open_two(engine).await;
    stores[0].insert(&sample::key_with_quota("key", 3), None, &sample::UNRECORDED).await.unwrap();
    let sales = [5, 1, 9, 2, 7, 4, 6, 8];
    let updates = sales.into_iter().enumerate().map(|(turn, calls)| {
        let store = Arc::clone(&stores[turn % 2]);
        async move { store.update(&id("key"), &sample::patch(adding(calls)), NOW, &sample::UNRECORDED).await.unwrap() }
    });
    let (attempt, policy) = (sample::attempt("key"), Policy::default());
    let (verdicts, updates) = join(settle_at_once(&stores, 32, &attempt, &policy, NOW), at_once(updates)).await;
    assert!(updates.iter().all(Option::is_some));
    let left = found(&*stores[1], &id("key")).await.usage.remaining.unwrap();
    let sold = 3 + sales.iter().sum::<i64>().unsigned_abs();
    assert_eq!(sold, accepted(&verdicts) + left);
    assert!(verdicts.iter().filter_map(code).all(|code| code == ErrorCode::UsageExceeded));

    // Taken back among uses, as long as enough is left.
    let more = sample::patch(adding(1000));
    stores[0].update(&id("key"), &more, NOW, &sample::UNRECORDED).await.unwrap();
    let takings = (1..=8_i64).enumerate().map(|(turn, calls)| {
        let store = Arc::clone(&stores[turn % 2]);
        async move { store.update(&id("key"), &sample::patch(adding(-calls)), NOW, &sample::UNRECORDED).await.unwrap() }
    });
    let (verdicts, _) = join(settle_at_once(&stores, 32, &attempt, &policy, NOW), at_once(takings)).await;
    assert_eq!(accepted(&verdicts), 32);
    assert_eq!(found(&*stores[1], &id("key")).await.usage.remaining, Some(left + 1000 - 32 - 36));
}

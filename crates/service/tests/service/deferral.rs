//! Deferred usage: judged on copies, written later, merged, and never for quotas.
//!
//! The flush interval is a minute of a clock that stands still, so that only the requested flushes write.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use keymint_domain::key::{EditKey, Field, MetadataInput, NewKey, PlainKey};
use keymint_domain::policy::RateLimitDefaults;
use keymint_domain::usage::{Algorithm, Standing};
use keymint_domain::verify::{Attempt, Refusal, Verdict};
use keymint_domain::{ApiKey, Configuration, ErrorCode, KeyId, Metadata, Policy};
use keymint_ports::{FakeClock, KeyStore as _, MockKeyStore, StoreError};
use keymint_service::{Caller, Keys, ServiceError, UpdateKey, VerifyKey};

use crate::support::{Fixture, NOW, code_of, unowned, user};

const FLUSH: Duration = Duration::from_mins(1);
const FLUSH_MS: u64 = 60_000;

fn policy(algorithm: Algorithm, max_requests: u64) -> Policy {
    let rate_limit = RateLimitDefaults { algorithm, max_requests, ..Configuration::default().rate_limit };
    Policy::new(vec![Configuration { defer_usage: true, rate_limit, ..Configuration::default() }]).unwrap()
}

fn deferring(max_requests: u64) -> Fixture {
    Fixture::with(policy(Algorithm::Gcra, max_requests), |builder| builder.flush_interval(FLUSH))
}

/// Returns another process on the same store, with the same clock.
fn second(first: &Fixture, max_requests: u64) -> Keys {
    Keys::builder(Arc::new(first.store.clone()))
        .policy(policy(Algorithm::Gcra, max_requests))
        .clock(Arc::clone(&first.clock) as _)
        .flush_interval(FLUSH)
        .build()
}

async fn stored(fixture: &Fixture, id: &KeyId) -> ApiKey {
    fixture.store.find(id).await.unwrap().unwrap()
}

async fn use_once(keys: &Keys, key: &PlainKey) -> Verdict {
    keys.verify(&Caller::Server, VerifyKey::of(key.clone())).await.unwrap()
}

#[tokio::test]
async fn uses_are_counted_at_once_in_the_process_and_stored_by_the_flush() {
    let fixture = deferring(3);
    let minted = fixture.create(NewKey::default()).await;
    let id = &minted.key.details.id;
    for count in 1..=3 {
        assert_eq!(fixture.verify(&minted).await.accepted().unwrap().usage.request_count, count);
    }
    assert_eq!(code_of(&fixture.verify(&minted).await), Some(ErrorCode::RateLimited));
    assert_eq!(stored(&fixture, id).await.usage, minted.key.usage, "nothing is written yet");

    fixture.keys.flush().await.unwrap();
    let usage = stored(&fixture, id).await.usage;
    assert_eq!((usage.request_count, usage.last_request, usage.updated_at), (3, Some(NOW), NOW));
    fixture.keys.flush().await.unwrap();
    assert_eq!(stored(&fixture, id).await.usage, usage, "what was written is not written again");
    assert_eq!(code_of(&fixture.verify(&minted).await), Some(ErrorCode::RateLimited));
}

#[tokio::test]
async fn keys_for_which_there_is_no_room_are_counted_at_once_by_the_store() {
    let policy = policy(Algorithm::Gcra, 10);
    let open = Configuration { enable_metadata: true, ..policy.configurations()[0].clone() };
    let fixture = Fixture::with(Policy::new(vec![open]).unwrap(), |builder| builder.flush_interval(FLUSH));
    let text = format!("[\"{}\"]", "x".repeat(1024 * 1024));
    let metadata = MetadataInput::Given(Metadata::from_stored(&text).unwrap().unwrap());
    let mut deferred = 0;
    let mut ids = Vec::new();
    for _ in 0..60 {
        let minted = fixture.create(NewKey { metadata: metadata.clone(), ..NewKey::default() }).await;
        assert!(fixture.verify(&minted).await.accepted().is_some());
        deferred += u32::from(stored(&fixture, &minted.key.details.id).await.usage.request_count == 0);
        ids.push(minted.key.details.id.clone());
    }
    assert_eq!(deferred, 47, "48 MiB are remembered, and each key takes a little more than one");

    fixture.keys.flush().await.unwrap();
    for id in ids {
        assert_eq!(stored(&fixture, &id).await.usage.request_count, 1);
    }
}

#[tokio::test]
async fn limits_are_told_as_the_copy_counts_and_as_the_store_does_after_the_flush() {
    let fixture = deferring(2);
    let minted = fixture.create(NewKey::default()).await;
    let day = 86_400_000;
    let standing = |remaining, more_in_ms| Standing {
        limit: Standing::RATE,
        max: 2,
        window_ms: day,
        remaining,
        more_in_ms: Some(more_in_ms),
    };
    let told = |key: &ApiKey| fixture.keys.standings(key).collect::<Vec<_>>();
    assert_eq!(told(fixture.verify(&minted).await.accepted().unwrap()), [standing(1, day / 2)]);
    fixture.clock.advance(1000);
    let used = fixture.verify(&minted).await.accepted().unwrap().clone();
    assert_eq!(told(&used), [standing(0, day / 2 - 1000)]);
    let refusal = fixture.verify(&minted).await.refused().unwrap().clone();
    assert_eq!((refusal.retry_in_ms, refusal.standings), (Some(day / 2 - 1000), vec![standing(0, day / 2 - 1000)]));

    fixture.keys.flush().await.unwrap();
    let exact = use_once(&second(&fixture, 2), &minted.plain).await;
    assert_eq!(exact.refused().unwrap().standings, [standing(0, day / 2 - 1000)], "another process counts the same");
    assert_eq!(told(&stored(&fixture, &minted.key.details.id).await), told(&used));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn racing_uses_are_admitted_to_the_limit_and_stored_to_the_last() {
    for algorithm in [Algorithm::Gcra, Algorithm::IdleWindow] {
        let fixture = Fixture::with(policy(algorithm, 150), |builder| builder.flush_interval(Duration::from_millis(1)));
        let minted = fixture.create(NewKey::default()).await;
        let uses = (0..400).map(|_| {
            let (keys, key) = (Arc::clone(&fixture.keys), minted.plain.clone());
            tokio::spawn(async move {
                tokio::task::yield_now().await;
                use_once(&keys, &key).await.accepted().is_some()
            })
        });
        let accepted = join_all(uses).await.into_iter().filter(|accepted| *accepted.as_ref().unwrap()).count();
        assert_eq!(accepted, 150);
        fixture.keys.flush().await.unwrap();
        assert_eq!(stored(&fixture, &minted.key.details.id).await.usage.request_count, 150);
    }
}

#[tokio::test]
async fn what_two_processes_count_is_added_up() {
    let fixture = deferring(10);
    let other = second(&fixture, 10);
    let minted = fixture.create(NewKey::default()).await;
    for _ in 0..3 {
        fixture.verify(&minted).await;
        use_once(&other, &minted.plain).await;
    }
    fixture.keys.flush().await.unwrap();
    other.flush().await.unwrap();
    assert_eq!(stored(&fixture, &minted.key.details.id).await.usage.request_count, 6);
}

#[tokio::test]
async fn two_processes_admit_twice_the_limit_at_most() {
    let fixture = deferring(5);
    let other = second(&fixture, 5);
    let minted = fixture.create(NewKey::default()).await;
    let mut accepted = 0;
    for _ in 0..4 {
        for _ in 0..8 {
            accepted += usize::from(fixture.verify(&minted).await.accepted().is_some());
            accepted += usize::from(use_once(&other, &minted.plain).await.accepted().is_some());
        }
        fixture.keys.flush().await.unwrap();
        other.flush().await.unwrap();
    }
    assert_eq!(accepted, 10);
    assert_eq!(stored(&fixture, &minted.key.details.id).await.usage.request_count, 5, "a full burst is the most");
}

#[tokio::test]
async fn a_crash_loses_what_was_not_flushed_and_no_more() {
    let fixture = deferring(10);
    let minted = fixture.create(NewKey::default()).await;
    let doomed = second(&fixture, 10);
    for _ in 0..2 {
        use_once(&doomed, &minted.plain).await;
    }
    doomed.flush().await.unwrap();
    use_once(&doomed, &minted.plain).await;
    drop(doomed);
    assert_eq!(
        fixture.verify(&minted).await.accepted().unwrap().usage.request_count,
        3,
        "2 that were flushed, and this"
    );
}

#[tokio::test]
async fn quotas_are_exact_across_processes() {
    let fixture = deferring(100);
    let other = second(&fixture, 100);
    let minted = fixture.create(NewKey { remaining: Field::Given(5), ..NewKey::default() }).await;
    let mut left = Vec::new();
    for _ in 0..4 {
        left.extend(fixture.verify(&minted).await.accepted().map(|key| key.usage.remaining.unwrap()));
        left.extend(use_once(&other, &minted.plain).await.accepted().map(|key| key.usage.remaining.unwrap()));
    }
    assert_eq!(left, [4, 3, 2, 1, 0]);
    assert_eq!(stored(&fixture, &minted.key.details.id).await.usage.remaining, Some(0), "without any flush");
}

#[tokio::test]
async fn a_quota_given_here_is_exact_from_then_on() {
    let fixture = deferring(100);
    let minted = fixture.create(NewKey::default()).await;
    let id = minted.key.details.id.clone();
    fixture.verify(&minted).await;
    let edit = EditKey { remaining: Field::Given(1), ..EditKey::default() };
    let update = UpdateKey { id: id.clone(), config_id: None, owner: None, edit };
    fixture.keys.update(&Caller::Server, update).await.unwrap();
    assert!(fixture.verify(&minted).await.accepted().is_some());
    assert_eq!(code_of(&fixture.verify(&minted).await), Some(ErrorCode::UsageExceeded));
    let usage = stored(&fixture, &id).await.usage;
    assert_eq!((usage.remaining, usage.request_count), (Some(0), 2), "what was deferred counts too");
}

#[tokio::test]
async fn what_is_changed_here_counts_at_once() {
    let fixture = deferring(100);
    let minted = [fixture.create(NewKey::default()).await, fixture.create(NewKey::default()).await];
    for minted in &minted {
        assert!(fixture.verify(minted).await.accepted().is_some());
    }
    fixture.keys.revoke(&Caller::Server, &minted[0].key.details.id, None).await.unwrap();
    assert_eq!(code_of(&fixture.verify(&minted[0]).await), Some(ErrorCode::KeyDisabled));
    fixture.keys.delete(&Caller::Server, &minted[1].key.details.id, None).await.unwrap();
    assert_eq!(code_of(&fixture.verify(&minted[1]).await), Some(ErrorCode::InvalidApiKey));
    fixture.keys.flush().await.unwrap();
    assert_eq!(stored(&fixture, &minted[0].key.details.id).await.usage.request_count, 1, "its uses stay counted");
}

#[tokio::test]
async fn what_is_changed_elsewhere_counts_within_the_interval() {
    let fixture = deferring(100);
    let other = second(&fixture, 100);
    let minted = fixture.create(NewKey::default()).await;
    assert!(fixture.verify(&minted).await.accepted().is_some());
    other.revoke(&Caller::Server, &minted.key.details.id, None).await.unwrap();
    fixture.clock.advance(FLUSH_MS - 1);
    assert!(fixture.verify(&minted).await.accepted().is_some(), "a copy counts for less than the interval");
    fixture.clock.advance(1);
    assert_eq!(code_of(&fixture.verify(&minted).await), Some(ErrorCode::KeyDisabled));
}

#[tokio::test]
async fn a_ban_counts_within_the_interval() {
    let fixture = deferring(100);
    let ada = fixture.sign_up("ada").await.user;
    let request = unowned(None, NewKey::default());
    let minted = fixture.keys.create(&Caller::User(user(ada.id.as_str())), request).await.unwrap();
    assert!(fixture.verify(&minted).await.accepted().is_some());
    fixture.ban(&ada);
    fixture.clock.advance(FLUSH_MS);
    assert_eq!(code_of(&fixture.verify(&minted).await), Some(ErrorCode::UserBanned));
}

#[tokio::test]
async fn an_expiry_counts_at_its_instant() {
    let fixture = deferring(100);
    let lifetime = keymint_domain::value::Lifetime::from_seconds(86_400.0).unwrap();
    let minted = fixture.create(NewKey { expires_in: Some(lifetime), ..NewKey::default() }).await;
    fixture.clock.advance(86_400_000);
    assert!(fixture.verify(&minted).await.accepted().is_some());
    fixture.clock.advance(1);
    assert_eq!(code_of(&fixture.verify(&minted).await), Some(ErrorCode::KeyExpired));
}

#[tokio::test]
async fn a_flush_that_fails_keeps_what_it_could_not_write() {
    let fixture = deferring(100);
    let minted = fixture.create(NewKey::default()).await;
    let (key, real) = (minted.plain.clone(), fixture.store.clone());
    let mut store = MockKeyStore::new();
    let down = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let fails = Arc::clone(&down);
    store.expect_spend().returning_st(move |attempts: &[Attempt], policy, now| {
        if fails.load(std::sync::atomic::Ordering::SeqCst) {
            return Err(StoreError::unavailable("down"));
        }
        futures_util::FutureExt::now_or_never(real.spend(attempts, policy, now)).unwrap()
    });
    let keys = Keys::builder(Arc::new(store))
        .policy(policy(Algorithm::Gcra, 100))
        .clock(Arc::clone(&fixture.clock) as _)
        .flush_interval(FLUSH)
        .build();
    for _ in 0..2 {
        use_once(&keys, &key).await;
    }
    down.store(true, std::sync::atomic::Ordering::SeqCst);
    assert!(matches!(keys.flush().await, Err(ServiceError::Store(StoreError::Unavailable(_)))));
    assert!(use_once(&keys, &key).await.accepted().is_some(), "the copy still counts");
    fixture.clock.advance(FLUSH_MS);
    let stale = keys.verify(&Caller::Server, VerifyKey::of(key.clone())).await;
    assert!(matches!(stale, Err(ServiceError::Store(_))), "a copy that is too old does not");
    down.store(false, std::sync::atomic::Ordering::SeqCst);
    keys.flush().await.unwrap();
    assert_eq!(stored(&fixture, &minted.key.details.id).await.usage.request_count, 3);
}

#[tokio::test]
async fn a_refused_key_asks_the_store_each_time() {
    let mut store = MockKeyStore::new();
    store.expect_spend().times(3).returning(|attempts, _, _| {
        let refused = || Ok(Verdict::Refused(Refusal::of_unknown(ErrorCode::InvalidApiKey)));
        Ok(attempts.iter().map(|_| refused()).collect())
    });
    store.expect_foreign_groups().once().returning(|| Ok(Vec::new()));
    store.expect_find_foreign().once().returning(|_, _| Ok(Vec::new()));
    let keys = Keys::builder(Arc::new(store))
        .policy(policy(Algorithm::Gcra, 100))
        .clock(Arc::new(FakeClock::at(NOW)))
        .flush_interval(FLUSH)
        .build();
    for _ in 0..2 {
        assert_eq!(code_of(&use_once(&keys, &PlainKey::new("k")).await), Some(ErrorCode::InvalidApiKey));
    }
}

#[tokio::test]
async fn a_dry_run_foretells_what_the_copy_would_say_and_writes_nothing() {
    let fixture = deferring(3);
    let minted = fixture.create(NewKey::default()).await;
    let id = &minted.key.details.id;
    let dry_run = async || {
        let request = VerifyKey::of(minted.plain.clone());
        fixture.keys.dry_run(&Caller::Server, request).await.unwrap().verdict
    };
    for _ in 1..=4 {
        let foretold = dry_run().await;
        assert_eq!(dry_run().await, foretold, "asking changes nothing");
        assert_eq!(fixture.verify(&minted).await, foretold);
        assert_eq!(stored(&fixture, id).await.usage, minted.key.usage, "nothing is written yet");
    }
    // The copy is too old to be used, and its usage is not written yet.
    fixture.clock.advance(FLUSH_MS);
    let foretold = dry_run().await;
    assert_eq!(code_of(&foretold), Some(ErrorCode::RateLimited));
    assert_eq!(stored(&fixture, id).await.usage, minted.key.usage);
    assert_eq!(fixture.verify(&minted).await, foretold);
}

//! A retried use is paid once, and judged again by all rules but the limits.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use futures_util::poll;
use keymint_domain::key::{EditKey, Field, Minted, NewKey};
use keymint_domain::verify::{Cost, Refusal, Verdict};
use keymint_domain::{ConfigId, Configuration, ErrorCode, Permissions, Policy};
use keymint_ports::{KeyStore as _, MockKeyStore, StoreError};
use keymint_service::{Caller, Keys, ServiceError, UpdateKey, VerifyKey};

use crate::support::{Fixture, code_of};

const WINDOW: Duration = Duration::from_secs(10);

fn fixture() -> Fixture {
    Fixture::with(Policy::default(), |builder| builder.idempotency_window(WINDOW))
}

fn request(minted: &Minted) -> VerifyKey {
    VerifyKey::of(minted.plain.clone())
}

/// Verifies once, in a request that its caller names `name`.
async fn once(keys: &Keys, request: VerifyKey, name: &str) -> Result<Verdict, ServiceError> {
    keys.verify_once(&Caller::Gateway, request, &[name.as_bytes()]).await
}

async fn key(fixture: &Fixture, remaining: u64) -> Minted {
    let new = NewKey { remaining: Field::Given(remaining), rate_limit_enabled: Some(false), ..NewKey::default() };
    fixture.create(new).await
}

async fn left(fixture: &Fixture, minted: &Minted) -> Option<u64> {
    fixture.store.find(&minted.key.details.id).await.unwrap().unwrap().usage.remaining
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_fifty_at_once_one_pays_and_all_pass() {
    for deferring in [false, true] {
        let policy = Policy::new(vec![Configuration { defer_usage: deferring, ..Configuration::default() }]).unwrap();
        let fixture = Fixture::with(policy, |builder| builder.idempotency_window(WINDOW));
        let quota = key(&fixture, 100).await;
        let limited = NewKey { rate_limit_max: Some(3), rate_limit_window_ms: Some(60_000), ..NewKey::default() };
        let limited = fixture.create(limited).await;
        for minted in [&quota, &limited] {
            let uses = (0..50).map(|_| {
                let (keys, request) = (Arc::clone(&fixture.keys), request(minted));
                tokio::spawn(async move { once(&keys, request, "a").await.unwrap().accepted().is_some() })
            });
            assert!(join_all(uses).await.into_iter().all(Result::unwrap));
        }
        fixture.keys.flush().await.unwrap();
        assert_eq!(left(&fixture, &quota).await, Some(99));
        let counted = fixture.store.find(&limited.key.details.id).await.unwrap().unwrap().usage.request_count;
        assert_eq!(counted, 1);
    }
}

#[tokio::test]
async fn a_use_is_remembered_for_the_window() {
    let fixture = fixture();
    let minted = key(&fixture, 5).await;
    for (after_ms, expected) in [(0, 4), (9999, 4), (1, 3), (9999, 3), (1, 2)] {
        fixture.clock.advance(after_ms);
        let verdict = once(&fixture.keys, request(&minted), "a").await.unwrap();
        assert_eq!(verdict.accepted().unwrap().usage.remaining, Some(expected), "what is left is told as it is");
    }
}

#[tokio::test]
async fn another_key_another_name_and_whatever_else_is_asked_pay_for_themselves() {
    let fixture = fixture();
    let permissions = || Permissions::of(&[("files", &["read", "write"])]);
    let new = || NewKey { permissions: Some(permissions()), remaining: Field::Given(100), ..NewKey::default() };
    let (minted, other) = (fixture.create(new()).await, fixture.create(new()).await);
    let asked = |edit: fn(&mut VerifyKey)| {
        let mut request = request(&minted);
        edit(&mut request);
        request
    };
    let reads = |request: &mut VerifyKey| request.permissions = Some(Permissions::of(&[("files", &["read"])]));
    let writes = |request: &mut VerifyKey| request.permissions = Some(Permissions::of(&[("files", &["write"])]));
    let mut spent = 0;
    for (request, name, cost) in [
        (asked(|_| ()), "a", 1),
        (asked(|_| ()), "b", 1),
        (asked(reads), "a", 1),
        (asked(writes), "a", 1),
        (asked(|request| request.config_id = Some(ConfigId::default_id())), "a", 1),
        (asked(|request| request.cost = Cost(2)), "a", 2),
    ] {
        for _ in 0..2 {
            assert!(once(&fixture.keys, request.clone(), name).await.unwrap().accepted().is_some());
        }
        spent += cost;
        assert_eq!(left(&fixture, &minted).await, Some(100 - spent));
    }
    once(&fixture.keys, VerifyKey::of(other.plain.clone()), "a").await.unwrap();
    assert_eq!((left(&fixture, &minted).await, left(&fixture, &other).await), (Some(100 - spent), Some(99)));
}

#[tokio::test]
async fn a_key_that_was_used_up_by_the_use_passes_again_and_one_that_was_stopped_does_not() {
    let fixture = fixture();
    let last = key(&fixture, 1).await;
    assert!(once(&fixture.keys, request(&last), "a").await.unwrap().accepted().is_some());
    let again = once(&fixture.keys, request(&last), "a").await.unwrap();
    assert_eq!(again.accepted().unwrap().usage.remaining, Some(0));
    assert_eq!(code_of(&once(&fixture.keys, request(&last), "b").await.unwrap()), Some(ErrorCode::UsageExceeded));

    let update = async |minted: &Minted, edit: EditKey| {
        let request = UpdateKey { id: minted.key.details.id.clone(), config_id: None, owner: None, edit };
        fixture.keys.update(&Caller::Server, request).await.unwrap();
    };
    let reader = NewKey { permissions: Some(Permissions::of(&[("files", &["read"])])), ..NewKey::default() };
    let reader = fixture.create(reader).await;
    let reading = VerifyKey { permissions: reader.key.details.permissions.clone(), ..request(&reader) };
    assert!(once(&fixture.keys, reading.clone(), "a").await.unwrap().accepted().is_some());
    update(&reader, EditKey { permissions: Field::Null, ..EditKey::default() }).await;
    assert_eq!(code_of(&once(&fixture.keys, reading, "a").await.unwrap()), Some(ErrorCode::KeyNotFound));
    assert!(once(&fixture.keys, request(&reader), "a").await.unwrap().accepted().is_some());
    update(&reader, EditKey { enabled: Some(false), ..EditKey::default() }).await;
    assert_eq!(code_of(&once(&fixture.keys, request(&reader), "a").await.unwrap()), Some(ErrorCode::KeyDisabled));
}

#[tokio::test]
async fn refusals_and_failures_are_not_remembered_and_looks_are_no_uses() {
    let fixture = fixture();
    let minted = key(&fixture, 0).await;
    assert_eq!(code_of(&once(&fixture.keys, request(&minted), "a").await.unwrap()), Some(ErrorCode::UsageExceeded));
    let edit = EditKey { remaining: Field::Given(2), ..EditKey::default() };
    let update = UpdateKey { id: minted.key.details.id.clone(), config_id: None, owner: None, edit };
    fixture.keys.update(&Caller::Server, update).await.unwrap();
    let look = VerifyKey { cost: Cost(0), ..request(&minted) };
    for (asked, expected) in [(look.clone(), 2), (request(&minted), 1), (look, 1), (request(&minted), 1)] {
        let verdict = once(&fixture.keys, asked, "a").await.unwrap();
        assert_eq!(verdict.accepted().unwrap().usage.remaining, Some(expected));
    }

    let mut store = MockKeyStore::new();
    store.expect_spend().once().returning(|_, _, _| Err(StoreError::unavailable("down")));
    let key = minted.key.clone();
    store.expect_spend().times(2).returning(move |_, _, _| Ok(vec![Ok(Verdict::Accepted(key.clone()))]));
    let keys = Keys::builder(Arc::new(store)).idempotency_window(WINDOW).build();
    assert!(matches!(once(&keys, request(&minted), "a").await, Err(ServiceError::Store(StoreError::Unavailable(_)))));
    for _ in 0..2 {
        assert!(once(&keys, request(&minted), "a").await.unwrap().accepted().is_some());
    }
    assert!(matches!(
        keys.verify_once(&Caller::Anyone, request(&minted), &[]).await,
        Err(ServiceError::Refused(ErrorCode::Unauthorized))
    ));
}

#[tokio::test]
async fn without_a_window_every_use_pays() {
    let fixture = Fixture::new(Policy::default());
    let minted = key(&fixture, 5).await;
    for expected in [4, 3] {
        let verdict = once(&fixture.keys, request(&minted), "a").await.unwrap();
        assert_eq!(verdict.accepted().unwrap().usage.remaining, Some(expected));
    }
}

#[tokio::test]
async fn a_use_whose_caller_has_left_comes_to_its_end_and_is_found_paid() {
    let fixture = fixture();
    let minted = key(&fixture, 5).await;
    {
        let mut abandoned = pin!(once(&fixture.keys, request(&minted), "a"));
        assert!(poll!(&mut abandoned).is_pending());
    }
    let again = once(&fixture.keys, request(&minted), "a").await.unwrap();
    assert_eq!(again.accepted().unwrap().usage.remaining, Some(4));
}

#[tokio::test]
async fn those_who_wait_for_a_use_share_its_refusal_and_its_failure() {
    let minted = key(&fixture(), 5).await;
    let mut store = MockKeyStore::new();
    store
        .expect_spend()
        .withf(|attempts, _, _| attempts.len() == 1)
        .once()
        .returning(|_, _, _| Ok(vec![Ok(Verdict::Refused(Refusal::of_unknown(ErrorCode::KeyExpired)))]));
    store
        .expect_spend()
        .withf(|attempts, _, _| attempts.len() == 1)
        .once()
        .returning(|_, _, _| Err(StoreError::unavailable("down")));
    let keys = Keys::builder(Arc::new(store)).idempotency_window(WINDOW).build();
    let all = || join_all((0..20).map(|_| once(&keys, request(&minted), "a")));
    assert!(all().await.iter().all(|answer| code_of(answer.as_ref().unwrap()) == Some(ErrorCode::KeyExpired)));
    let failed = |answer: &Result<_, _>| matches!(answer, Err(ServiceError::Store(StoreError::Unavailable(_))));
    assert!(all().await.iter().all(failed));
}

#[tokio::test]
async fn an_embedders_precheck_is_asked_here_too() {
    let fixture = Fixture::with(Policy::default(), |builder| builder.idempotency_window(WINDOW).precheck(|_| false));
    let minted = key(&fixture, 5).await;
    assert_eq!(code_of(&once(&fixture.keys, request(&minted), "a").await.unwrap()), Some(ErrorCode::InvalidApiKey));
}

//! Server keys: made once, hashed, and refused within a second of their revocation.

use std::sync::Arc;

use keymint_domain::server_key::{ServerKey, ServerKeyText};
use keymint_domain::{ErrorCode, KeyId, UserId};
use keymint_ports::{Clock, FakeClock, MockServerKeyStore, SeededEntropy, ServerKeyStore, StoreError};
use keymint_service::{Caller, Context, ServerKeys, ServiceError};
use keymint_store_memory::MemoryStore;

use crate::support::NOW;

fn server_keys(store: impl ServerKeyStore, clock: &Arc<FakeClock>, seed: u64, given: &[ServerKeyText]) -> ServerKeys {
    let clock = Arc::clone(clock) as Arc<dyn Clock>;
    ServerKeys::new(Arc::new(store))
        .with_given(given)
        .with_clock(clock)
        .with_entropy(Arc::new(SeededEntropy::new(seed)))
}

fn clock() -> Arc<FakeClock> {
    Arc::new(FakeClock::at(NOW))
}

#[tokio::test]
async fn only_living_keys_are_admitted() {
    let keys = server_keys(MemoryStore::default(), &clock(), 1, &[]);
    let made = keys.create(None).await.unwrap();
    assert!(keys.admit(made.text.expose()).await.unwrap());
    for wrong in ["", "short", &"x".repeat(47), &made.text.expose()[1..], made.key.hash.as_str()] {
        assert!(!keys.admit(wrong).await.unwrap(), "{wrong}");
    }
    assert!(keys.revoke(&made.key.id).await.unwrap());
    assert!(!keys.admit(made.text.expose()).await.unwrap());
    assert!(!keys.revoke(&made.key.id).await.unwrap());
}

#[tokio::test]
async fn another_process_sees_a_new_key_at_once_and_a_revoked_one_within_a_second() {
    let (store, clock) = (MemoryStore::default(), clock());
    let here = server_keys(store.clone(), &clock, 1, &[]);
    let there = server_keys(store, &clock, 2, &[]);
    assert!(!there.admit(&"x".repeat(32)).await.unwrap());
    let made = here.create(None).await.unwrap();
    clock.advance(100);
    assert!(there.admit(made.text.expose()).await.unwrap());
    here.revoke(&made.key.id).await.unwrap();
    clock.advance(1000);
    assert!(!there.admit(made.text.expose()).await.unwrap());
}

#[tokio::test]
async fn a_clock_that_is_set_back_keeps_no_revoked_key_alive() {
    let (store, clock) = (MemoryStore::default(), clock());
    let here = server_keys(store.clone(), &clock, 1, &[]);
    let there = server_keys(store, &clock, 2, &[]);
    let made = here.create(None).await.unwrap();
    assert!(there.admit(made.text.expose()).await.unwrap());
    here.revoke(&made.key.id).await.unwrap();
    clock.set(NOW.minus_millis(3_600_000));
    assert!(!there.admit(made.text.expose()).await.unwrap());
}

#[tokio::test]
async fn the_first_key_is_made_once_and_not_where_one_was_given() {
    let store = MemoryStore::default();
    let given = ServerKeyText::parse(&"g".repeat(32)).unwrap();
    let with_given = server_keys(store.clone(), &clock(), 1, std::slice::from_ref(&given));
    assert!(with_given.create_first().await.unwrap().is_none());
    assert!(with_given.admit(given.expose()).await.unwrap());
    let without = server_keys(store, &clock(), 2, &[]);
    let first = without.create_first().await.unwrap().unwrap();
    assert!(without.create_first().await.unwrap().is_none());
    without.revoke(&first.key.id).await.unwrap();
    assert!(without.create_first().await.unwrap().is_none(), "a revoked key is no reason to make another");
}

#[tokio::test]
async fn given_keys_are_admitted_while_the_store_is_down_and_guessing_is_no_load_on_it() {
    let mut store = MockServerKeyStore::new();
    store.expect_list_server_keys().once().returning(|| Ok(Vec::new()));
    store.expect_list_server_keys().returning(|| Err(StoreError::unavailable("down")));
    let given = ServerKeyText::parse(&"g".repeat(32)).unwrap();
    let clock = clock();
    let keys = server_keys(store, &clock, 1, std::slice::from_ref(&given));
    for _ in 0..100 {
        assert!(!keys.admit(&"x".repeat(32)).await.unwrap());
    }
    clock.advance(1000);
    assert!(keys.admit(&"x".repeat(32)).await.is_err());
    assert!(keys.admit(given.expose()).await.unwrap());
}

#[tokio::test]
async fn no_secret_is_printed() {
    let keys = server_keys(MemoryStore::default(), &clock(), 1, &[]);
    let made = keys.create(None).await.unwrap();
    let printed = format!("{keys:?} {made:?}");
    assert!(!printed.contains(made.text.expose()) && !printed.contains(made.key.hash.as_str()), "{printed}");
}

#[tokio::test]
async fn operators_make_a_key_once_and_revoke_it() {
    let keys = server_keys(MemoryStore::default(), &clock(), 1, &[]);
    let operator = Caller::Operator(UserId::parse("ada").unwrap());
    let id = KeyId::parse("form").unwrap();
    let made = keys.create_once(Context::from(&operator), None, id.clone()).await.unwrap();
    assert_eq!(made.key.id, id);
    assert!(keys.admit(made.text.expose()).await.unwrap());
    let again = keys.create_once(Context::from(&operator), None, id.clone()).await;
    assert!(matches!(again, Err(ServiceError::Store(StoreError::Duplicate))), "{again:?}");
    for other in [Caller::User(UserId::parse("ada").unwrap()), Caller::Gateway, Caller::Anyone] {
        let made = keys.create_once(Context::from(&other), None, KeyId::parse("x").unwrap()).await;
        assert!(matches!(made, Err(ServiceError::Refused(ErrorCode::Unauthorized))), "{other:?}");
        let revoked = keys.revoke_for(Context::from(&other), &id).await;
        assert!(matches!(revoked, Err(ServiceError::Refused(ErrorCode::Unauthorized))), "{other:?}");
    }
    assert_eq!(keys.list().await.unwrap().len(), 1);
    assert!(keys.revoke_for(Context::from(&operator), &id).await.unwrap());
    assert!(!keys.admit(made.text.expose()).await.unwrap());
    assert!(!keys.revoke_for(Context::from(&operator), &id).await.unwrap());
}

#[tokio::test]
async fn the_last_use_in_any_process_is_known_to_a_minute() {
    let (store, clock) = (MemoryStore::default(), clock());
    let keys = server_keys(store.clone(), &clock, 1, &[]);
    let made = keys.create(None).await.unwrap();
    let other = keys.create(None).await.unwrap();
    let last_uses = async || {
        // What is noted is written beside the request.
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        let last = |id: &KeyId, found: &[ServerKey]| found.iter().find(|key| key.id == *id).unwrap().last_used_at;
        let found = keys.list().await.unwrap();
        (last(&made.key.id, &found), last(&other.key.id, &found))
    };
    assert_eq!(last_uses().await, (None, None));
    assert!(keys.admit(made.text.expose()).await.unwrap());
    assert_eq!(last_uses().await, (Some(NOW), None));
    clock.advance(59_999);
    assert!(keys.admit(made.text.expose()).await.unwrap());
    assert_eq!(last_uses().await, (Some(NOW), None), "most uses write nothing");
    clock.advance(1);
    assert!(keys.admit(made.text.expose()).await.unwrap());
    assert_eq!(last_uses().await, (Some(NOW.plus_millis(60_000)), None));
    clock.advance(1);
    let started_later = server_keys(store, &clock, 2, &[]);
    assert!(started_later.admit(made.text.expose()).await.unwrap());
    assert_eq!(last_uses().await, (Some(NOW.plus_millis(60_001)), None));
    assert!(!keys.admit(&"x".repeat(40)).await.unwrap());
}

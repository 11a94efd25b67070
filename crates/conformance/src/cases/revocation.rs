use std::sync::Arc;

use keymint_domain::key::{Actor, EditKey, KeyPatch, Revocation};
use keymint_domain::{ApiKey, ErrorCode, Timestamp};
use keymint_ports::KeyStore;

use crate::Engine;
use crate::sample::{self, NOW, id, user_id};
use crate::support::{at_once, code, everything, found, insert_all, open_two, remaining, spend};

fn by_ada(at: Timestamp) -> Revocation {
    Revocation { at, by: Actor::User(user_id("ada")) }
}

fn enabling() -> KeyPatch {
    sample::patch(EditKey { enabled: Some(true), ..EditKey::default() })
}

/// Changes the sample key with the id `key`, which must exist.
async fn update(store: &impl KeyStore, patch: KeyPatch, now: Timestamp) -> ApiKey {
    store.update(&id("key"), &patch, now, &sample::UNRECORDED).await.unwrap().unwrap()
}

pub async fn a_revoked_key_is_refused_by_the_next_spend_of_every_handle<E: Engine>(engine: &E) {
    let [store, other] = open_two(engine).await;
    insert_all(&*store, &["key", "another"].map(|id| sample::key_with_quota(id, 5))).await;
    update(&*store, KeyPatch::revoking(by_ada(NOW)), NOW).await;
    for handle in [&other, &store] {
        assert_eq!(code(&spend(&**handle, "key", NOW).await), Some(ErrorCode::KeyDisabled));
        assert_eq!(code(&spend(&**handle, "another", NOW).await), None);
    }
    assert_eq!(remaining(&*store, "key").await, Some(5), "a refused call costs nothing");
}

pub async fn a_revocation_is_found_and_listed<E: Engine>(engine: &E) {
    let [store, other] = open_two(engine).await;
    store.insert(&sample::key("key"), None, &sample::UNRECORDED).await.unwrap();
    let revocation = by_ada(NOW.plus_millis(3));
    let revoked = update(&*store, KeyPatch::revoking(revocation.clone()), NOW.plus_millis(4)).await;
    assert_eq!(revoked.details.revocation, Some(revocation));
    assert!(!revoked.details.enabled, "a Better Auth server refuses it too");
    assert_eq!(found(&*other, &id("key")).await, revoked);
    assert_eq!(everything(&*other).await, std::slice::from_ref(&revoked));
    drop((store, other));
    assert_eq!(found(&engine.open().await, &id("key")).await, revoked);
}

pub async fn the_first_revocation_stays<E: Engine>(engine: &E) {
    let [store, other] = open_two(engine).await;
    store.insert(&sample::key("key"), None, &sample::UNRECORDED).await.unwrap();
    update(&*store, KeyPatch::revoking(by_ada(NOW)), NOW).await;
    let again = Revocation { at: NOW.plus_millis(1), by: Actor::Server };
    update(&*other, KeyPatch::revoking(again), NOW.plus_millis(1)).await;
    assert_eq!(found(&*store, &id("key")).await.details.revocation, Some(by_ada(NOW)));
}

pub async fn of_many_revocations_of_one_key_exactly_one_stays<E: Engine>(engine: &E) {
    let stores = open_two(engine).await;
    stores[0].insert(&sample::key("key"), None, &sample::UNRECORDED).await.unwrap();
    let revocations = (0..12_u64).map(|turn| {
        let store = Arc::clone(&stores[usize::from(turn % 2 == 0)]);
        let revocation = by_ada(NOW.plus_millis(turn));
        async move { update(&*store, KeyPatch::revoking(revocation), NOW).await.details.revocation.clone() }
    });
    let answers = at_once(revocations).await;
    assert!(answers[0].is_some());
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    assert_eq!(found(&*stores[1], &id("key")).await.details.revocation, answers[0]);
}

pub async fn a_revoked_key_that_is_enabled_stays_refused<E: Engine>(engine: &E) {
    let [store, other] = open_two(engine).await;
    store.insert(&sample::key("key"), None, &sample::UNRECORDED).await.unwrap();
    update(&*store, KeyPatch::revoking(by_ada(NOW)), NOW).await;
    let enabled = update(&*other, enabling(), NOW.plus_millis(1)).await;
    assert_eq!((enabled.details.enabled, &enabled.details.revocation), (false, &Some(by_ada(NOW))));
    for handle in [&store, &other] {
        assert_eq!(found(&**handle, &id("key")).await, enabled);
        assert_eq!(code(&spend(&**handle, "key", NOW).await), Some(ErrorCode::KeyDisabled));
    }
}

pub async fn a_revoked_key_that_is_restored_is_accepted<E: Engine>(engine: &E) {
    let [store, other] = open_two(engine).await;
    store.insert(&sample::key("key"), None, &sample::UNRECORDED).await.unwrap();
    update(&*store, KeyPatch::revoking(by_ada(NOW)), NOW).await;
    let restored = update(&*other, enabling().restoring(), NOW).await;
    assert_eq!(restored, sample::key("key"));
    for handle in [&store, &other] {
        assert_eq!(code(&spend(&**handle, "key", NOW).await), None);
    }
}

use std::num::NonZeroU32;
use std::sync::Arc;

use keymint_domain::ApiKey;
use keymint_domain::key::{Actor, KeyDetails, KeyPatch, Revocation};
use keymint_ports::{KeyStore, StoreError};

use crate::Engine;
use crate::sample::{self, NOW, config, id, owner};
use crate::support::{at_once, everything, ids, insert_all, open_two};

const TWO: Option<NonZeroU32> = NonZeroU32::new(2);

fn edited(id: &str, edit: impl FnOnce(&mut KeyDetails)) -> ApiKey {
    sample::key_with(id, |details, _| edit(details))
}

pub async fn a_duplicate_id_is_refused_and_changes_nothing<E: Engine>(engine: &E) {
    let [store, other] = open_two(engine).await;
    let key = sample::key_with_quota("key", 5);
    store.insert(&key, None, &sample::UNRECORDED).await.unwrap();
    let twin = sample::key_with("key", |details, usage| {
        details.owner = owner("eve");
        details.stored = sample::plain("twin").hash();
        usage.remaining = Some(9);
    });
    for handle in [&store, &other] {
        assert!(matches!(handle.insert(&twin, None, &sample::UNRECORDED).await, Err(StoreError::Duplicate)));
    }
    assert_eq!(everything(&*other).await, [key]);
}

pub async fn of_many_inserts_of_one_id_exactly_one_is_taken<E: Engine>(engine: &E) {
    let stores = open_two(engine).await;
    let inserts = (0..20_u64).map(|turn| {
        let store = Arc::clone(&stores[usize::from(turn % 2 == 0)]);
        let key = sample::key_with_quota("key", turn);
        async move { store.insert(&key, None, &sample::UNRECORDED).await.map(|()| key) }
    });
    let answers = at_once(inserts).await;
    assert!(answers.iter().all(|answer| matches!(answer, Ok(_) | Err(StoreError::Duplicate))), "{answers:?}");
    let taken: Vec<_> = answers.into_iter().flatten().collect();
    assert_eq!(everything(&*stores[0]).await, taken);
    assert_eq!(taken.len(), 1);
}

pub async fn an_owner_with_enough_living_keys_is_full<E: Engine>(engine: &E) {
    let [store, other] = open_two(engine).await;
    store.insert(&sample::key("a"), TWO, &sample::UNRECORDED).await.unwrap();
    other.insert(&sample::key("b"), TWO, &sample::UNRECORDED).await.unwrap();
    for handle in [&store, &other] {
        assert!(matches!(handle.insert(&sample::key("c"), TWO, &sample::UNRECORDED).await, Err(StoreError::OwnerFull)));
        assert!(matches!(
            handle.insert(&sample::key("c"), NonZeroU32::new(1), &sample::UNRECORDED).await,
            Err(StoreError::OwnerFull)
        ));
    }
    assert_eq!(ids(&everything(&*store).await), ["a", "b"]);
    store.insert(&sample::key("c"), NonZeroU32::new(3), &sample::UNRECORDED).await.unwrap();
    store.insert(&sample::key("d"), None, &sample::UNRECORDED).await.unwrap();
    store.insert(&sample::key("e"), NonZeroU32::new(u32::MAX), &sample::UNRECORDED).await.unwrap();
    assert_eq!(everything(&*other).await.len(), 5);
}

pub async fn a_removed_key_leaves_its_place<E: Engine>(engine: &E) {
    let [store, other] = open_two(engine).await;
    insert_all(&*store, &["a", "b"].map(sample::key)).await;
    assert!(store.remove(&id("a"), &sample::UNRECORDED).await.unwrap());
    other.insert(&sample::key("c"), TWO, &sample::UNRECORDED).await.unwrap();
    assert!(matches!(store.insert(&sample::key("d"), TWO, &sample::UNRECORDED).await, Err(StoreError::OwnerFull)));
}

pub async fn a_revoked_key_leaves_its_place<E: Engine>(engine: &E) {
    let [store, other] = open_two(engine).await;
    insert_all(&*store, &["a", "b"].map(sample::key)).await;
    let revoking = KeyPatch::revoking(Revocation { at: NOW, by: Actor::Server });
    store.update(&id("a"), &revoking, NOW, &sample::UNRECORDED).await.unwrap();
    other.insert(&sample::key("c"), TWO, &sample::UNRECORDED).await.unwrap();
    assert!(matches!(store.insert(&sample::key("d"), TWO, &sample::UNRECORDED).await, Err(StoreError::OwnerFull)));
}

pub async fn keys_that_expired_before_the_new_one_leave_their_place<E: Engine>(engine: &E) {
    let store = engine.open().await;
    let expiring = |id: &str, ms: u64| edited(id, |details| details.expires_at = Some(NOW.plus_millis(ms)));
    insert_all(&store, &[expiring("a", 1000), expiring("b", 2000)]).await;
    let made_at = |ms: u64| edited("c", |details| details.created_at = NOW.plus_millis(ms));
    let at_the_last_instant = store.insert(&made_at(1000), TWO, &sample::UNRECORDED).await;
    assert!(matches!(at_the_last_instant, Err(StoreError::OwnerFull)));
    store.insert(&made_at(1001), TWO, &sample::UNRECORDED).await.unwrap();
}

pub async fn keys_that_are_disabled_or_exhausted_keep_their_place<E: Engine>(engine: &E) {
    let store = engine.open().await;
    insert_all(&store, &[edited("a", |details| details.enabled = false), sample::key_with_quota("b", 0)]).await;
    assert!(matches!(store.insert(&sample::key("c"), TWO, &sample::UNRECORDED).await, Err(StoreError::OwnerFull)));
}

pub async fn other_owners_and_configurations_take_no_place<E: Engine>(engine: &E) {
    let store = engine.open().await;
    for turn in 0..3 {
        let of_another_owner = edited(&format!("owner {turn}"), |details| details.owner = owner("eve"));
        let of_another_configuration = edited(&format!("config {turn}"), |details| details.config_id = config("eu"));
        insert_all(&store, &[of_another_owner, of_another_configuration]).await;
    }
    for name in ["a", "b"] {
        store.insert(&sample::key(name), TWO, &sample::UNRECORDED).await.unwrap();
    }
    assert!(matches!(store.insert(&sample::key("c"), TWO, &sample::UNRECORDED).await, Err(StoreError::OwnerFull)));
}

pub async fn parallel_inserts_never_both_take_the_last_place<E: Engine>(engine: &E) {
    let stores = open_two(engine).await;
    let inserts =
        (0..24).map(|turn| {
            let store = Arc::clone(&stores[turn % 2]);
            let owner = owner(if turn % 3 == 0 { "ada" } else { "eve" });
            let key = edited(&format!("key {turn}"), |details| details.owner = owner);
            async move {
                store.insert(&key, NonZeroU32::new(5), &sample::UNRECORDED).await.map(|()| key.details.owner.clone())
            }
        });
    let answers = at_once(inserts).await;
    assert!(answers.iter().all(|answer| matches!(answer, Ok(_) | Err(StoreError::OwnerFull))), "{answers:?}");
    for name in ["ada", "eve"] {
        assert_eq!(answers.iter().flatten().filter(|taken| **taken == owner(name)).count(), 5, "{name}");
    }
    assert_eq!(everything(&*stores[0]).await.len(), 10);
}

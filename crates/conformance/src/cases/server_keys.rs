use std::sync::Arc;

use keymint_domain::Timestamp;
use keymint_domain::server_key::ServerKey;
use keymint_ports::{ServerKeyStore, StoreError};

use crate::Engine;
use crate::sample::{self, NOW, id};
use crate::support::{at_once, open_two};

fn key(id: &str) -> ServerKey {
    sample::server_key(id, NOW)
}

fn ids(keys: &[ServerKey]) -> Vec<&str> {
    keys.iter().map(|key| key.id.as_str()).collect()
}

pub async fn server_keys_come_back_as_they_went_in<E: Engine>(engine: &E) {
    let [store, other] = open_two(engine).await;
    assert_eq!(store.list_server_keys().await.unwrap(), []);
    let nasty = "'\"%_\\ \u{1} 👩‍🚀 مرحبا ";
    let keys = [
        ServerKey { created_at: Timestamp::parse("0001-01-01T00:00:00.001Z").unwrap(), ..key("first") },
        ServerKey {
            name: None,
            start: String::new(),
            revoked_at: Some(NOW),
            last_used_at: Some(NOW.minus_millis(1)),
            ..key("a revoked one")
        },
        ServerKey {
            name: Some(nasty.to_owned()),
            start: nasty.to_owned(),
            id: id(nasty),
            ..sample::server_key("n", NOW.plus_millis(1))
        },
        ServerKey { name: Some(String::new()), ..sample::server_key("empty name", NOW.plus_millis(2)) },
        sample::server_key("last", Timestamp::MAX),
    ];
    for key in &keys {
        store.insert_server_key(key, &sample::UNRECORDED).await.unwrap();
    }
    assert_eq!(other.list_server_keys().await.unwrap(), keys);
    drop((store, other));
    assert_eq!(engine.open().await.list_server_keys().await.unwrap(), keys);
}

pub async fn server_keys_are_listed_in_order_of_creation<E: Engine>(engine: &E) {
    let store = engine.open().await;
    for (name, ms) in [("b", 3), ("c", 1), ("a", 2), ("d", 0)] {
        store.insert_server_key(&sample::server_key(name, NOW.plus_millis(ms)), &sample::UNRECORDED).await.unwrap();
    }
    assert_eq!(ids(&store.list_server_keys().await.unwrap()), ["d", "c", "a", "b"]);
}

pub async fn a_duplicate_server_key_is_refused_and_changes_nothing<E: Engine>(engine: &E) {
    let store = engine.open().await;
    store.insert_server_key(&key("key"), &sample::UNRECORDED).await.unwrap();
    let twin = ServerKey { name: Some("twin".to_owned()), ..key("key") };
    assert!(matches!(store.insert_server_key(&twin, &sample::UNRECORDED).await, Err(StoreError::Duplicate)));
    store.insert_server_key(&sample::server_key("KEY", NOW.plus_millis(1)), &sample::UNRECORDED).await.unwrap();
    let kept = [key("key"), sample::server_key("KEY", NOW.plus_millis(1))];
    assert_eq!(store.list_server_keys().await.unwrap(), kept);
}

pub async fn a_server_key_is_revoked_once<E: Engine>(engine: &E) {
    let [store, other] = open_two(engine).await;
    store.insert_server_key(&key("key"), &sample::UNRECORDED).await.unwrap();
    store.insert_server_key(&sample::server_key("other", NOW.plus_millis(1)), &sample::UNRECORDED).await.unwrap();
    assert!(!store.revoke_server_key(&id("missing"), NOW, &sample::UNRECORDED).await.unwrap());
    assert!(!store.revoke_server_key(&id("KEY"), NOW, &sample::UNRECORDED).await.unwrap());
    let at = NOW.plus_millis(7);
    assert!(store.revoke_server_key(&id("key"), at, &sample::UNRECORDED).await.unwrap());
    for handle in [&store, &other] {
        assert!(!handle.revoke_server_key(&id("key"), NOW.plus_millis(8), &sample::UNRECORDED).await.unwrap());
    }
    let kept = [ServerKey { revoked_at: Some(at), ..key("key") }, sample::server_key("other", NOW.plus_millis(1))];
    assert_eq!(other.list_server_keys().await.unwrap(), kept);
}

pub async fn of_many_revocations_exactly_one_counts<E: Engine>(engine: &E) {
    let stores = open_two(engine).await;
    stores[0].insert_server_key(&key("key"), &sample::UNRECORDED).await.unwrap();
    let revocations = (0..12_u64).map(|turn| {
        let store = Arc::clone(&stores[usize::from(turn % 2 == 0)]);
        let at = NOW.plus_millis(turn);
        async move { store.revoke_server_key(&id("key"), at, &sample::UNRECORDED).await.unwrap().then_some(at) }
    });
    let counted: Vec<_> = at_once(revocations).await.into_iter().flatten().collect();
    assert_eq!(counted.len(), 1);
    assert_eq!(stores[0].list_server_keys().await.unwrap()[0].revoked_at, Some(counted[0]));
}

pub async fn the_first_server_key_is_added_once_between_all<E: Engine>(engine: &E) {
    let stores = open_two(engine).await;
    let inserts = (0..12).map(|turn| {
        let store = Arc::clone(&stores[turn % 2]);
        let key = key(&format!("key {turn}"));
        async move { store.insert_first_server_key(&key, &sample::UNRECORDED).await.unwrap().then_some(key) }
    });
    let added: Vec<_> = at_once(inserts).await.into_iter().flatten().collect();
    assert_eq!(added.len(), 1);
    assert_eq!(stores[1].list_server_keys().await.unwrap(), added);
}

pub async fn a_first_server_key_is_added_where_there_never_was_one<E: Engine>(engine: &E) {
    let store = engine.open().await;
    assert!(store.insert_first_server_key(&key("first"), &sample::UNRECORDED).await.unwrap());
    assert!(!store.insert_first_server_key(&key("first"), &sample::UNRECORDED).await.unwrap());
    assert!(!store.insert_first_server_key(&key("second"), &sample::UNRECORDED).await.unwrap());
    assert_eq!(store.list_server_keys().await.unwrap(), [key("first")]);
    assert!(store.revoke_server_key(&id("first"), NOW, &sample::UNRECORDED).await.unwrap());
    assert!(!store.insert_first_server_key(&key("second"), &sample::UNRECORDED).await.unwrap(), "a revoked one counts");
    assert_eq!(ids(&store.list_server_keys().await.unwrap()), ["first"]);
}

pub async fn a_server_key_that_was_added_by_hand_is_the_first<E: Engine>(engine: &E) {
    let [store, other] = open_two(engine).await;
    store.insert_server_key(&key("by hand"), &sample::UNRECORDED).await.unwrap();
    assert!(!other.insert_first_server_key(&key("first"), &sample::UNRECORDED).await.unwrap());
    assert_eq!(ids(&other.list_server_keys().await.unwrap()), ["by hand"]);
}

pub async fn the_latest_use_of_a_server_key_is_kept<E: Engine>(engine: &E) {
    let [store, other] = open_two(engine).await;
    store.insert_server_key(&key("key"), &sample::UNRECORDED).await.unwrap();
    store.insert_server_key(&sample::server_key("other", NOW.plus_millis(1)), &sample::UNRECORDED).await.unwrap();
    other.note_server_key_use(&id("missing"), NOW).await.unwrap();
    for (noted, kept) in [(5, 5), (3, 5), (5, 5), (9, 9)] {
        other.note_server_key_use(&id("key"), NOW.plus_millis(noted)).await.unwrap();
        let used = ServerKey { last_used_at: Some(NOW.plus_millis(kept)), ..key("key") };
        let unused = sample::server_key("other", NOW.plus_millis(1));
        assert_eq!(store.list_server_keys().await.unwrap(), [used, unused]);
    }
}

use std::sync::Arc;

use keymint_domain::ErrorCode;
use keymint_ports::KeyStore;

use crate::Engine;
use crate::sample::{self, NOW, id};
use crate::support::{at_once, code, everything, insert_all, open_two, spend};

pub async fn a_key_is_removed_once<E: Engine>(engine: &E) {
    let [store, other] = open_two(engine).await;
    insert_all(&*store, &["a", "b"].map(sample::key)).await;
    assert!(store.remove(&id("a"), &sample::UNRECORDED).await.unwrap());
    for handle in [&store, &other] {
        assert!(!handle.remove(&id("a"), &sample::UNRECORDED).await.unwrap());
        assert!(!handle.remove(&id("never there"), &sample::UNRECORDED).await.unwrap());
        assert_eq!(handle.find(&id("a")).await.unwrap(), None);
    }
    assert_eq!(everything(&*other).await, [sample::key("b")]);
}

pub async fn of_many_removals_of_one_key_exactly_one_removes_it<E: Engine>(engine: &E) {
    let stores = open_two(engine).await;
    stores[0].insert(&sample::key("key"), None, &sample::UNRECORDED).await.unwrap();
    let removals = (0..16).map(|turn| {
        let store = Arc::clone(&stores[turn % 2]);
        async move { store.remove(&id("key"), &sample::UNRECORDED).await.unwrap() }
    });
    assert_eq!(at_once(removals).await.into_iter().filter(|removed| *removed).count(), 1);
}

pub async fn a_removed_key_is_refused_by_the_next_spend_of_every_handle<E: Engine>(engine: &E) {
    let [store, other] = open_two(engine).await;
    store.insert(&sample::key("key"), None, &sample::UNRECORDED).await.unwrap();
    for handle in [&store, &other] {
        assert_eq!(code(&spend(&**handle, "key", NOW).await), None);
    }
    assert!(store.remove(&id("key"), &sample::UNRECORDED).await.unwrap());
    for handle in [&other, &store] {
        assert_eq!(code(&spend(&**handle, "key", NOW).await), Some(ErrorCode::InvalidApiKey));
    }
}

pub async fn a_removed_id_may_be_used_again<E: Engine>(engine: &E) {
    let [store, other] = open_two(engine).await;
    store.insert(&sample::key_with_quota("key", 1), None, &sample::UNRECORDED).await.unwrap();
    spend(&*store, "key", NOW).await;
    assert!(store.remove(&id("key"), &sample::UNRECORDED).await.unwrap());
    store.insert(&sample::key_with_quota("key", 5), None, &sample::UNRECORDED).await.unwrap();
    assert_eq!(everything(&*other).await, [sample::key_with_quota("key", 5)]);
    assert_eq!(code(&spend(&*other, "key", NOW).await), None);
}

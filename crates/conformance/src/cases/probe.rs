use std::sync::Arc;

use keymint_domain::Policy;
use keymint_ports::{KeyStore as _, ServerKeyStore as _};

use crate::Engine;
use crate::sample::{self, NOW};
use crate::support::{accepted, at_once, found, open_two, settle};

pub async fn a_probe_succeeds_with_and_without_keys_and_changes_nothing<E: Engine>(engine: &E) {
    let [store, other] = open_two(engine).await;
    store.probe().await.unwrap();
    let key = sample::key_with_quota("key", 9);
    store.insert(&key, None, &sample::UNRECORDED).await.unwrap();
    for store in [&store, &other] {
        store.probe().await.unwrap();
        assert_eq!(found(&**store, &key.details.id).await, key);
        assert_eq!(store.list_server_keys().await.unwrap(), []);
    }
}

pub async fn probes_hinder_neither_one_another_nor_verifications<E: Engine>(engine: &E) {
    let stores = open_two(engine).await;
    stores[0].insert(&sample::key_with_quota("key", 99), None, &sample::UNRECORDED).await.unwrap();
    let attempts = [sample::attempt("key")];
    let calls = (0..20).map(|turn| {
        let (store, attempts) = (Arc::clone(&stores[turn % 2]), attempts.clone());
        async move {
            store.probe().await.unwrap();
            accepted(&settle(&*store, &attempts, &Policy::default(), NOW).await)
        }
    });
    assert_eq!(at_once(calls).await, [1; 20]);
}

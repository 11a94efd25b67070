//! The cost of a request whose key several guards and extractors verify.

use std::sync::Arc;

use keymint_domain::{Configuration, Permissions, Policy, Timestamp};
use keymint_guard::KeyCheck;
use keymint_ports::{FakeClock, MockKeyStore, StoreError};
use keymint_store_memory::MemoryStore;

use crate::frameworks::Framework;
use crate::support::{QUOTA, app, checks, get, left, mint, service, service_with, status};

pub async fn a_request_pays_once_however_many_look<F: Framework>() {
    for (number, name) in ["embedded", "remote"].into_iter().enumerate() {
        let keys = service(MemoryStore::default());
        let (id, key) = mint(&keys, |new| new.rate_limit_enabled = Some(false)).await;
        let check = checks(&keys)[number].1.clone();
        let address = app::<F>(check);
        let mut expected = QUOTA;
        for (path, answer, cost) in [
            ("/bare", 200, 1),
            ("/report", 200, 5),
            ("/in/report", 200, 2),
            ("/open", 200, 1),
            ("/in/write", 403, 2),
            ("/in/other", 401, 2),
            ("/write", 403, 0),
            ("/other", 401, 0),
        ] {
            expected -= cost;
            assert_eq!(status(address, path, &key).await, answer, "{name} {path}");
            assert_eq!(left(&keys, &id).await, expected, "{name} {path}");
        }
    }
}

pub async fn a_call_that_failed_is_not_made_again_for_the_same_request<F: Framework>() {
    let mut store = MockKeyStore::new();
    store.expect_spend().times(1).returning(|_, _, _| Err(StoreError::unavailable("it may have been paid")));
    let address = app::<F>(KeyCheck::embedded(service(store)));
    let answer = get(address, "/open", &[("x-api-key", "any")]).await;
    assert_eq!(answer.text().await.unwrap(), "unverified", "two guards and two extractors");
}

pub async fn a_star_passes_every_guard_unless_its_configuration_takes_it_for_a_name<F: Framework>() {
    for (wildcards, expected) in [(true, 200), (false, 403)] {
        let policy = Policy::new(vec![Configuration { wildcards, ..Configuration::default() }]).unwrap();
        let clock = Arc::new(FakeClock::at(Timestamp::from_millis(1_700_000_000_000)));
        let keys = service_with(MemoryStore::default(), clock, policy);
        let (_, key) = mint(&keys, |new| new.permissions = Some(Permissions::of(&[("*", &["read"])]))).await;
        let address = app::<F>(KeyCheck::embedded(keys));
        for path in ["/report", "/in/report"] {
            assert_eq!(status(address, path, &key).await, expected, "{path}");
        }
    }
}

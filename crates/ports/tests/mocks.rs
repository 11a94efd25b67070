//! The generated mocks, used as a contributor would: to inject a fault, and to prove that a call did not happen.

#![cfg(feature = "mock")]

use std::sync::Arc;

use keymint_domain::{KeyId, Timestamp};
use keymint_ports::{Clock, KeyStore, MockClock, MockKeyStore, StoreError};

/// Example code of a contributor: it calls the store only if the id can exist.
async fn exists(store: &dyn KeyStore, id: &str) -> Result<bool, StoreError> {
    match KeyId::parse(id) {
        Ok(id) => Ok(store.find(&id).await?.is_some()),
        Err(_) => Ok(false),
    }
}

#[tokio::test]
async fn a_mock_injects_a_fault() {
    let mut store = MockKeyStore::new();
    store.expect_find().returning(|_| Err(StoreError::unavailable("the cable is out")));
    let store: Arc<dyn KeyStore> = Arc::new(store);
    assert!(matches!(exists(&*store, "k1").await, Err(StoreError::Unavailable(_))));
}

#[tokio::test]
async fn a_mock_proves_that_a_call_did_not_happen() {
    let mut store = MockKeyStore::new();
    store.expect_find().never();
    assert!(!exists(&store, "").await.unwrap());
}

#[test]
fn a_mock_clock_stands_still() {
    let mut clock = MockClock::new();
    clock.expect_now().return_const(Timestamp::from_millis(7));
    assert_eq!(clock.now(), Timestamp::from_millis(7));
}

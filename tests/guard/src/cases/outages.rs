//! Keys that cannot be verified.

use std::sync::Arc;
use std::time::Duration;

use keymint_guard::{KeyCheck, Remote, RemoteOptions};
use keymint_ports::{MockKeyStore, StoreError};
use keymint_store_memory::MemoryStore;

use crate::frameworks::Framework;
use crate::support::{SERVER_KEY, app, get, header, listener, mint, refusal, service};

const UNAVAILABLE: (u16, &str, &str) = (503, "SERVICE_UNAVAILABLE", "1");
const BROKEN: (u16, &str, &str) = (500, "INTERNAL_SERVER_ERROR", "");

async fn assert_refused(address: std::net::SocketAddr, path: &str, expected: (u16, &str, &str)) {
    let (status, code, retry) = refusal(address, path, &[("x-api-key", "any")]).await;
    assert_eq!((status, code.as_str(), retry.as_str()), expected, "{path}");
}

pub async fn a_store_that_is_down_is_503_and_one_that_is_broken_500<F: Framework>() {
    let down: fn() -> StoreError = || StoreError::unavailable("down");
    for (error, expected) in [(down, UNAVAILABLE), (|| StoreError::Duplicate, BROKEN)] {
        let mut store = MockKeyStore::new();
        store.expect_spend().returning(move |_, _, _| Err(error()));
        let address = app::<F>(KeyCheck::embedded(service(store)));
        for path in ["/report", "/bare", "/in/report"] {
            assert_refused(address, path, expected).await;
        }
        let answer = get(address, "/report", &[("x-api-key", "any")]).await;
        assert_eq!(header(&answer, "www-authenticate"), "", "another key would not help");
        if expected == BROKEN {
            assert_refused(address, "/open", BROKEN).await;
        }
    }
}

pub async fn a_remote_keymint_that_does_not_answer_is_503_after_the_deadline<F: Framework>() {
    // It accepts connections, and that is all.
    let (_silent, address) = listener();
    let options = RemoteOptions { deadline: Duration::from_millis(50), ..RemoteOptions::default() };
    let remote = Remote::new(&format!("http://{address}/api/auth"), SERVER_KEY, options).unwrap();
    let address = app::<F>(KeyCheck::by(Arc::new(remote)));
    let answered = tokio::time::timeout(Duration::from_mins(1), assert_refused(address, "/report", UNAVAILABLE));
    assert!(answered.await.is_ok(), "no answer within the deadline");
    assert_eq!(get(address, "/open", &[("x-api-key", "any")]).await.text().await.unwrap(), "unverified");
}

pub async fn a_handler_of_verified_keys_stays_closed_behind_a_guard_that_fails_open<F: Framework>() {
    let mut store = MockKeyStore::new();
    store.expect_spend().returning(|_, _, _| Err(StoreError::unavailable("down")));
    let address = app::<F>(KeyCheck::embedded(service(store)));
    let open = get(address, "/open", &[("x-api-key", "any")]).await;
    assert_eq!((open.status().as_u16(), header(&open, "ratelimit")), (200, String::new()));
    assert_eq!(open.text().await.unwrap(), "unverified");
    assert_refused(address, "/closed", UNAVAILABLE).await;
    let found = refusal(address, "/open", &[]).await;
    assert_eq!(found, (401, "MISSING_API_KEY".to_owned(), String::new()), "failing open needs a key all the same");
    // With a store, both are verified.
    let keys = service(MemoryStore::default());
    let (_, key) = mint(&keys, |_| ()).await;
    let address = app::<F>(KeyCheck::embedded(keys));
    let open = get(address, "/open", &[("x-api-key", key.expose())]).await;
    assert_eq!(open.text().await.unwrap(), "verified");
}

pub async fn an_application_without_a_check_lets_nobody_in<F: Framework>() {
    let (listener, address) = listener();
    F::serve_without_check(listener);
    assert_refused(address, "/bare", BROKEN).await;
}

//! A store that fails fails its requests, clearly, and nothing else.

use std::time::Duration;

use keymint_actix::ApiOptions;
use keymint_domain::listing::{Page, Total, Unreadable};
use keymint_domain::verify::{Refusal, Verdict};
use keymint_domain::{ErrorCode, KeyId};
use keymint_ports::{KeyStub, MockKeyStore, StoreError};
use reqwest::Method;
use serde_json::json;

use crate::support::{SERVER_KEY, Setup, TestServer, answer, assert_error};

#[tokio::test]
async fn a_store_that_is_down_is_503_with_a_time_to_retry_until_it_is_back() {
    let mut store = MockKeyStore::new();
    store.expect_spend().times(2).returning(|_, _, _| Err(StoreError::unavailable("secret-host refused")));
    store
        .expect_spend()
        .returning(|_, _, _| Ok(vec![Ok(Verdict::Refused(Refusal::of_unknown(ErrorCode::InvalidApiKey)))]));
    store.expect_probe().returning(|| Ok(()));
    store.expect_find().returning(|_| Err(StoreError::unavailable("secret-host refused")));
    let server = TestServer::over(store);
    let responses = [
        server.plain("/readyz").await,
        server.request(Method::POST, "verify").json(&json!({ "key": "k" })).send().await.unwrap(),
        server.request(Method::GET, "get?id=a").send().await.unwrap(),
    ];
    for response in responses {
        assert_eq!(response.headers()["retry-after"], "1");
        let found = answer(response).await;
        assert_error(&found, 503, "SERVICE_UNAVAILABLE", "The store is unavailable. Try again later.");
    }
    server.clock.advance(1000);
    for path in ["/readyz", "/healthz"] {
        assert_eq!(server.plain(path).await.status(), 200);
        let head = reqwest::Client::new().head(format!("http://{}{path}", server.address)).send().await.unwrap();
        assert_eq!(head.status(), 200);
    }
}

#[tokio::test]
async fn a_corrupt_row_is_500_and_says_nothing_about_it() {
    let mut store = MockKeyStore::new();
    store.expect_find().returning(|_| Err(StoreError::Corrupt { table: "apikey", column: "createdAt", id: None }));
    let found = TestServer::over(store).get("get?id=a").await;
    assert_error(&found, 500, "INTERNAL_SERVER_ERROR", "Internal server error");
}

#[tokio::test]
async fn a_row_that_cannot_be_read_is_named_revoked_and_removed() {
    let mut store = MockKeyStore::new();
    let unreadable = || Unreadable { id: KeyId::parse("a").ok(), column: "createdAt" };
    store
        .expect_list()
        .returning(move |_| Ok(Page { unreadable: vec![unreadable()], total: Total::Exactly(1), ..Page::default() }));
    store
        .expect_find_stub()
        .times(2)
        .returning(|_| Ok(Some(KeyStub { owner: None, config_id: None, stored: Vec::new() })));
    let corrupt = || StoreError::Corrupt { table: "apikey", column: "createdAt", id: None };
    store.expect_update().once().returning(move |_, _, _, _| Err(corrupt()));
    store.expect_revoke_unreadable().once().returning(|_, _, _| Ok(true));
    store.expect_remove().once().returning(|_, _| Ok(true));
    let server = TestServer::over(store);
    let named = json!({ "id": "a", "column": "createdAt" });
    let (status, list) = server.get("list").await;
    assert_eq!((status.as_u16(), &list), (200, &json!({ "apiKeys": [], "unreadable": [named], "total": 1 })));
    let (status, revoked) = server.post("revoke", json!({ "id": "a" })).await;
    assert_eq!((status.as_u16(), &revoked), (200, &named));
    assert_eq!(server.post("delete", json!({ "keyId": "a" })).await.0, 200);
}

#[tokio::test]
async fn a_key_to_which_another_table_refers_is_a_conflict() {
    let mut store = MockKeyStore::new();
    store.expect_find_stub().returning(|_| Ok(Some(KeyStub { owner: None, config_id: None, stored: Vec::new() })));
    store.expect_remove().returning(|_, _| Err(StoreError::Referenced));
    let found = TestServer::over(store).post("delete", json!({ "keyId": "a" })).await;
    let message = "Another table of the database refers to the API key. Remove what refers to it, or revoke the key.";
    assert_error(&found, 409, "KEY_REFERENCED", message);
}

#[tokio::test]
async fn a_number_that_the_store_cannot_hold_is_the_callers_mistake() {
    let mut store = MockKeyStore::new();
    store.expect_insert().returning(|_, _, _| Err(StoreError::OutOfRange { column: "remaining" }));
    let found = TestServer::over(store).post("create", json!({ "userId": "ada" })).await;
    assert_error(&found, 400, "VALIDATION_ERROR", "[body.remaining] Too big: expected number to be <=2147483647");
}

/// A store that never answers.
struct Stuck;

keymint_ports::delegate_key_store! {
    impl KeyStore for Stuck {
        otherwise |_this, _method| std::future::pending().await;
    }
}

#[tokio::test]
async fn a_store_that_never_answers_costs_a_request_its_time_limit_and_no_more() {
    let options = ApiOptions { request_timeout: Duration::from_millis(100), ..ApiOptions::default() };
    let store = std::sync::Arc::new(Stuck);
    let server = TestServer::with(Setup { store, options, ..Setup::default() });
    let response = server.request(Method::POST, "verify").json(&json!({ "key": "k" })).send().await.unwrap();
    assert_eq!(response.headers()["retry-after"], "1");
    let found = answer(response).await;
    assert_error(&found, 503, "TIMEOUT", "The request took too long. Try again later.");

    let asked = reqwest::Client::new().get(format!("http://{}/authorize/a?deny=403", server.address));
    let response = asked.header("x-api-key", "k").header("x-authz-server-key", SERVER_KEY).send().await.unwrap();
    assert_eq!(response.headers()["content-type"], "application/problem+json");
    assert_eq!(response.headers()["retry-after"], "1");
    let (status, problem) = answer(response).await;
    assert_eq!((status.as_u16(), &problem["status"], &problem["code"]), (503, &json!(503), &json!("TIMEOUT")));
}

#[tokio::test]
async fn a_store_that_never_answers_is_not_ready_after_a_second() {
    let server = TestServer::over(Stuck);
    let found = answer(server.plain("/readyz").await).await;
    assert_error(&found, 503, "SERVICE_UNAVAILABLE", "The store is unavailable. Try again later.");
    assert_eq!(server.plain("/healthz").await.status(), 200);
}

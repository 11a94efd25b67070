//! Deleted keys are restored over HTTP.

use std::num::NonZeroU32;

use keymint_domain::{Configuration, Policy};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{ORIGIN, Setup, TestServer, answer, assert_error, cookie_header, cookies};

fn keeping() -> TestServer {
    let max_keys_per_user = NonZeroU32::new(2);
    let configuration = Configuration { undelete_ms: 86_400_000, max_keys_per_user, ..Configuration::default() };
    TestServer::with(Setup { policy: Policy::new(vec![configuration]).unwrap(), ..Setup::default() })
}

/// Asks as a user, by the cookie of their session.
async fn as_user(server: &TestServer, cookie: &str, path: &str, body: Value) -> (reqwest::StatusCode, Value) {
    let request = server.anonymous(Method::POST, path).header("cookie", cookie).header("origin", ORIGIN);
    answer(request.json(&body).send().await.unwrap()).await
}

async fn sign_up(server: &TestServer, name: &str) -> String {
    let body = json!({ "name": name, "email": format!("{name}@example.com"), "password": "password" });
    cookie_header(&cookies(&server.auth(Method::POST, "sign-up/email").json(&body).send().await.unwrap()))
}

#[tokio::test]
async fn a_user_restores_an_own_key_as_it_was_and_no_other() {
    let server = keeping();
    let (ada, bob) = (sign_up(&server, "ada").await, sign_up(&server, "bob").await);
    let key = as_user(&server, &ada, "create", json!({ "name": "ci" })).await.1;
    assert_eq!(server.verify(&key).await["valid"], true);
    let id = key["id"].as_str().unwrap();
    let before = server.get(&format!("get?id={id}")).await.1;
    let body = json!({ "keyId": id });
    assert_eq!(as_user(&server, &ada, "delete", body.clone()).await.1, json!({ "success": true }));
    assert_eq!(server.verify(&key).await["error"]["code"], "INVALID_API_KEY");
    let missing = (404, "KEY_NOT_FOUND", "API Key not found");
    let gone = server.get(&format!("get?id={id}")).await;
    assert_error(&gone, missing.0, missing.1, missing.2);
    assert_error(&as_user(&server, &bob, "restore", body.clone()).await, missing.0, missing.1, missing.2);
    let anonymous = server.anonymous(Method::POST, "restore").json(&body).send().await.unwrap();
    assert_error(&answer(anonymous).await, 401, "UNAUTHORIZED", "Unauthorized");
    let undefined = as_user(&server, &ada, "restore", json!({})).await;
    assert_error(
        &undefined,
        400,
        "VALIDATION_ERROR",
        "[body.keyId] Invalid input: expected string, received undefined",
    );
    let (status, restored) = as_user(&server, &ada, "restore", body.clone()).await;
    assert_eq!((status.as_u16(), restored), (200, before));
    assert_eq!(server.verify(&key).await["valid"], true);
    assert_error(&as_user(&server, &ada, "restore", body).await, missing.0, missing.1, missing.2);
}

#[tokio::test]
async fn a_key_that_has_no_place_any_more_stays_deleted() {
    let server = keeping();
    let key = server.create(json!({ "userId": "ada" })).await;
    let body = json!({ "keyId": key["id"], "configId": "default" });
    server.post("delete", body.clone()).await;
    for _ in 0..2 {
        server.create(json!({ "userId": "ada" })).await;
    }
    let full = server.post("restore", body).await;
    assert_eq!((full.0.as_u16(), &full.1["code"]), (403, &json!("MAX_KEYS_REACHED")));
}

#[tokio::test]
async fn without_a_time_for_it_a_deleted_key_is_gone() {
    let server = TestServer::new();
    let key = server.create(json!({ "userId": "ada" })).await;
    server.post("delete", json!({ "keyId": key["id"] })).await;
    let gone = server.post("restore", json!({ "keyId": key["id"] })).await;
    assert_error(&gone, 404, "KEY_NOT_FOUND", "API Key not found");
}

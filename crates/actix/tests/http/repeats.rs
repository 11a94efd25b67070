//! A gateway that asks about one request twice, and clients who would like to pay once for many.

use std::time::Duration;

use futures_util::future::join_all;
use keymint_actix::ApiOptions;
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};

use crate::support::{SERVER_KEY, Setup, TestServer};

/// A server that trusts gateways on this machine, or none, and knows requests for ten seconds.
fn server(is_trusting: bool) -> TestServer {
    let trusted_proxies = if is_trusting { vec!["127.0.0.0/8".parse().unwrap()] } else { Vec::new() };
    let options = ApiOptions { trusted_proxies, ..ApiOptions::default() };
    let access = keymint_service::Access::Public;
    TestServer::with(Setup { options, access, idempotency_window: Duration::from_secs(10), ..Setup::default() })
}

async fn key(server: &TestServer) -> Value {
    server.create(json!({ "userId": "ada", "remaining": 1000, "rateLimitEnabled": false })).await
}

/// A question of a gateway about a request that it calls `id`.
fn ask(server: &TestServer, key: &Value, path: &str, id: &str) -> RequestBuilder {
    let request = Client::new().request(Method::GET, format!("http://{}/authorize{path}", server.address));
    request.header("x-api-key", key["key"].as_str().unwrap()).header("x-request-id", id)
}

/// Returns the calls that the key has left after a request that may pass.
async fn left(request: RequestBuilder) -> u64 {
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 200);
    response.headers()["x-key-remaining"].to_str().unwrap().parse().unwrap()
}

#[tokio::test]
async fn fifty_questions_about_one_request_are_paid_once() {
    let server = server(true);
    let key = key(&server).await;
    let all = join_all((0..50).map(|_| left(ask(&server, &key, "/files?a=1", "one")))).await;
    assert_eq!(all, [999; 50]);
    server.clock.advance(9999);
    assert_eq!(left(ask(&server, &key, "/files?a=1", "one")).await, 999);
    server.clock.advance(1);
    assert_eq!(left(ask(&server, &key, "/files?a=1", "one")).await, 998, "the window is over");
}

#[tokio::test]
async fn whatever_is_another_request_pays_for_itself() {
    let server = server(true);
    let key = key(&server).await;
    let first = |path: &str| ask(&server, &key, path, "one");
    let mut expected = 1000;
    for request in [
        first(""),
        first("/"),
        first("/files"),
        first("/files?a=1"),
        first("?cost=1"),
        first("?config=default"),
        ask(&server, &key, "", "two"),
        Client::new()
            .post(format!("http://{}/authorize", server.address))
            .header("x-api-key", key["key"].as_str().unwrap())
            .header("x-request-id", "one"),
        first("").header("x-forwarded-uri", "/a"),
        first("").header("x-forwarded-uri", "/b"),
        first("").header("x-original-uri", "/a"),
        first("").header("x-forwarded-method", "/a"),
        first("").header("x-forwarded-host", "/a"),
        first("").header("x-original-method", "POST"),
    ] {
        expected -= 1;
        for _ in 0..2 {
            assert_eq!(left(request.try_clone().unwrap()).await, expected, "{request:?}");
        }
    }
}

#[tokio::test]
async fn an_id_that_is_not_one_that_the_gateway_has_given_is_none() {
    let (trusting, wary) = (server(true), server(false));
    let (key, other) = (key(&trusting).await, key(&wary).await);
    let mut expected = 1000;
    for id in ["", "not fit", &"x".repeat(129), "\u{e9}"] {
        for _ in 0..2 {
            expected -= 1;
            assert_eq!(left(ask(&trusting, &key, "", id)).await, expected, "{id}");
        }
    }
    for _ in 0..2 {
        expected -= 1;
        let two = ask(&trusting, &key, "", "the-clients").header("x-request-id", "the-gateways");
        assert_eq!(left(two).await, expected, "of two ids one is the client's");
    }
    for expected in [999, 998] {
        let request = ask(&wary, &other, "", "one").header("x-forwarded-for", "127.0.0.1");
        assert_eq!(left(request).await, expected, "anybody may write an id");
    }
    for expected in [997, 997] {
        let request = ask(&wary, &other, "", "one").header("x-authz-server-key", SERVER_KEY);
        assert_eq!(left(request).await, expected, "a gateway by its key");
    }
}

#[tokio::test]
async fn a_key_that_is_stopped_stops_repeated_requests_at_once() {
    let server = server(true);
    let key = key(&server).await;
    assert_eq!(left(ask(&server, &key, "", "one")).await, 999);
    server.post("revoke", json!({ "id": key["id"] })).await;
    let response = ask(&server, &key, "", "one").send().await.unwrap();
    assert_eq!(response.status(), 401);
    let problem: Value = response.json().await.unwrap();
    assert_eq!(problem["code"], "KEY_DISABLED");
}

#[tokio::test]
async fn verify_knows_no_repetition() {
    let server = server(true);
    let key = key(&server).await;
    for expected in [999, 998] {
        let request = server.request(Method::POST, "verify").header("x-request-id", "one");
        let verdict: Value = request.json(&json!({ "key": key["key"] })).send().await.unwrap().json().await.unwrap();
        assert_eq!(verdict["key"]["remaining"], expected);
    }
}

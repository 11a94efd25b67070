//! `X-Key-Assertion` and `/.well-known/jwks.json`: what is signed, and by which keys. `tests/assertions` verifies it as
//! applications do.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::VerifyingKey;
use keymint_actix::AssertionOptions;
use keymint_domain::{Configuration, Policy};
use keymint_service::Access;
use reqwest::{Method, RequestBuilder, Response};
use serde_json::{Value, json};

use crate::authorize::{ask, raw, setup, untrusting};
use crate::support::{NOW, ORIGIN, SERVER_KEY, Setup, TestServer};

const PERIOD_MS: i64 = 30 * 24 * 60 * 60 * 1000;

fn options() -> AssertionOptions {
    AssertionOptions {
        issuer: ORIGIN.to_owned(),
        audience: "files".to_owned(),
        lifetime: Duration::from_mins(1),
        has_metadata: false,
    }
}

fn signing() -> Setup {
    Setup { assertions: Some(options()), ..setup() }
}

async fn send(request: RequestBuilder, key: &Value) -> Response {
    request.header("x-api-key", key["key"].as_str().unwrap()).send().await.unwrap()
}

fn assertion(response: &Response) -> String {
    response.headers()["x-key-assertion"].to_str().unwrap().to_owned()
}

async fn key_set(server: &TestServer) -> Vec<Value> {
    let response = server.plain("/.well-known/jwks.json").await;
    assert_eq!(
        (response.status().as_u16(), &response.headers()["content-type"]),
        (200, &"application/json".parse().unwrap())
    );
    assert_eq!(response.headers()["cache-control"], "public, max-age=300");
    let set: Value = response.json().await.unwrap();
    set["keys"].as_array().unwrap().clone()
}

fn decoded(part: &str) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

/// The claims, once the key of the set that the assertion names has verified it.
fn verified(assertion: &str, keys: &[Value]) -> Value {
    let (signed, signature) = assertion.rsplit_once('.').unwrap();
    let (header, claims) = signed.split_once('.').unwrap();
    let header = decoded(header);
    let key = keys.iter().find(|key| key["kid"] == header["kid"]).unwrap();
    assert_eq!(header, json!({ "alg": "EdDSA", "typ": "JWT", "kid": key["kid"] }));
    let public = URL_SAFE_NO_PAD.decode(key["x"].as_str().unwrap()).unwrap();
    let public = VerifyingKey::from_bytes(&public.try_into().unwrap()).unwrap();
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap().try_into().unwrap();
    public.verify_strict(signed.as_bytes(), &ed25519_dalek::Signature::from_bytes(&signature)).unwrap();
    decoded(claims)
}

#[tokio::test]
async fn whose_a_request_is_is_signed_for_a_minute_and_bound_to_the_request() {
    let server = TestServer::with(signing());
    let permissions = json!({ "files": ["read", "write"], "urn:acme": ["a,b"] });
    let key = server.create(json!({ "userId": "ada", "permissions": permissions })).await;
    let request = ask(&server, Method::GET, "").header("x-key-assertion", "forged");
    let request = request.header("x-forwarded-method", "DELETE").header("x-forwarded-host", "api.example.com");
    let response = send(request.header("x-forwarded-uri", "/api/files/1?name=a"), &key).await;
    let now = NOW.as_millis() / 1000;
    let expected = json!({
        "iss": ORIGIN, "aud": "files", "sub": "ada", "iat": now, "exp": now + 60, "keyId": key["id"], "configId": "default",
        "permissions": permissions,
        "request": { "method": "DELETE", "host": "api.example.com", "path": "/api/files/1" },
    });
    assert_eq!(verified(&assertion(&response), &key_set(&server).await), expected);
    let bare = server.create(json!({ "userId": "ada" })).await;
    let claims = verified(&assertion(&send(ask(&server, Method::GET, ""), &bare).await), &key_set(&server).await);
    assert_eq!((&claims["permissions"], &claims["request"]), (&json!({}), &json!({})));
}

#[tokio::test]
async fn a_look_and_a_repeat_are_signed_anew_and_a_refusal_is_not_signed() {
    let server = TestServer::with(Setup { idempotency_window: Duration::from_mins(1), ..signing() });
    let key = server.create(json!({ "userId": "ada", "remaining": 5 })).await;
    let keys = key_set(&server).await;
    let mut seen = Vec::new();
    for (path, left) in [("", "4"), ("", "4"), ("?cost=0", "4")] {
        let response = send(ask(&server, Method::GET, path).header("x-request-id", "one"), &key).await;
        assert_eq!(response.headers()["x-key-remaining"], left);
        seen.push(verified(&assertion(&response), &keys)["iat"].as_i64().unwrap() - NOW.as_millis() / 1000);
        server.clock.advance(1000);
    }
    assert_eq!(seen, [0, 1, 2]);
    let refused = send(ask(&server, Method::GET, "?permissions=files:read"), &key).await;
    assert_eq!(refused.status(), 403);
    assert!(!refused.headers().contains_key("x-key-assertion"));
}

#[tokio::test]
async fn nothing_is_signed_for_those_who_are_no_gateway_or_where_nobody_asked_for_it() {
    let public = TestServer::with(Setup { assertions: Some(options()), access: Access::Public, ..untrusting() });
    let key = public.create(json!({ "userId": "ada" })).await;
    assert_eq!(assertion(&send(ask(&public, Method::GET, ""), &key).await), "-");
    let as_server = ask(&public, Method::GET, "").header("x-authz-server-key", SERVER_KEY);
    verified(&assertion(&send(as_server, &key).await), &key_set(&public).await);
    let silent = TestServer::with(setup());
    let key = silent.create(json!({ "userId": "ada" })).await;
    assert_eq!(assertion(&send(ask(&silent, Method::GET, ""), &key).await), "-");
    assert_eq!(key_set(&silent).await, [Value::Null; 0]);
}

#[tokio::test]
async fn a_part_of_the_request_that_a_client_may_have_written_or_that_is_too_long_is_not_signed() {
    let server = TestServer::with(signing());
    let key = server.create(json!({ "userId": "ada", "rateLimitEnabled": false })).await;
    let keys = key_set(&server).await;
    let long = format!("/{}", "x".repeat(512));
    let shown = format!("X-Api-Key: {}\r\n", key["key"].as_str().unwrap());
    for (method, path, lines, expected) in [
        (
            "GET",
            "",
            "X-Original-Method: PUT\r\nX-Original-URI: /a%20b?c\r\n",
            json!({ "method": "PUT", "path": "/a%20b" }),
        ),
        ("GET", "", "X-Original-Method: PUT\r\nX-Forwarded-Method: GET\r\n", json!({})),
        ("GET", "", "X-Original-URI: /a\r\nX-Forwarded-Uri: /a\r\n", json!({ "path": "/a" })),
        ("GET", "", "X-Forwarded-Host: a\r\nX-Forwarded-Host: b\r\n", json!({})),
        ("GET", "", "X-Forwarded-Uri: ?a\r\nX-Forwarded-Method: \r\n", json!({})),
        ("GET", "", &format!("X-Forwarded-Uri: {long}\r\n"), json!({})),
        (
            "PUT",
            "/api/a%2fb?c=1",
            "X-Forwarded-Uri: /x\r\n",
            json!({ "method": "PUT", "host": "k", "path": "/api/a%2fb" }),
        ),
        ("PUT", &long, "", json!({ "method": "PUT", "host": "k" })),
        ("GET", "/", "", json!({ "method": "GET", "host": "k", "path": "/" })),
    ] {
        let answer = raw(&server, method, path, &format!("{shown}{lines}"), "").await;
        let assertion = answer.split("\r\nx-key-assertion: ").nth(1).unwrap().split("\r\n").next().unwrap();
        assert_eq!(verified(assertion, &keys)["request"], expected, "{method} {path} {lines}");
    }
}

#[tokio::test]
async fn metadata_is_signed_where_that_is_asked_for_and_nothing_that_is_long() {
    let policy = Policy::new(vec![Configuration { enable_metadata: true, ..Configuration::default() }]).unwrap();
    let setup = |has_metadata| Setup {
        policy: policy.clone(),
        assertions: Some(AssertionOptions { has_metadata, ..options() }),
        ..setup()
    };
    let plan = json!({ "plan": "pro" });
    let long = "x".repeat(1024);
    for (has_metadata, metadata, expected) in
        [(true, plan.clone(), plan.clone()), (false, plan, Value::Null), (true, json!({ "plan": long }), Value::Null)]
    {
        let server = TestServer::with(setup(has_metadata));
        let body = json!({ "userId": "y".repeat(513), "metadata": metadata, "permissions": { "files": [long] } });
        let response = send(ask(&server, Method::GET, ""), &server.create(body).await).await;
        let claims = verified(&assertion(&response), &key_set(&server).await);
        assert_eq!(claims["metadata"], expected);
        assert!(claims.get("sub").is_none() && claims.get("permissions").is_none(), "{claims}");
    }
}

#[tokio::test]
async fn keys_change_every_thirty_days_and_are_known_before_and_after() {
    let server = TestServer::with(signing());
    let key = server.create(json!({ "userId": "ada", "rateLimitEnabled": false })).await;
    let signed = async || assertion(&send(ask(&server, Method::GET, ""), &key).await);
    // To the last millisecond of a period.
    server.clock.advance(u64::try_from(PERIOD_MS - 1 - NOW.as_millis() % PERIOD_MS).unwrap());
    let (last, before) = (signed().await, key_set(&server).await);
    server.clock.advance(1);
    let (first, after) = (signed().await, key_set(&server).await);
    assert_eq!((before.len(), &before[1..]), (3, &after[..2]));
    for (assertion, key) in [(&last, &before[1]), (&first, &before[2])] {
        assert_eq!(decoded(assertion.split('.').next().unwrap())["kid"], key["kid"]);
        verified(assertion, &before);
        verified(assertion, &after);
    }
}

//! `POST /api-key/verify`: 200 whatever the verdict, with Better Auth's body.

use keymint_domain::{Configuration, Policy};
use keymint_service::Access;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Setup, TestServer, answer, assert_error};

fn refusal(code: &str, message: &str) -> Value {
    json!({ "valid": false, "error": { "message": message, "code": code }, "key": null })
}

#[tokio::test]
async fn a_valid_key_is_shown_as_it_is_after_the_call() {
    let server = TestServer::new();
    let created = server.create(json!({ "userId": "ada", "remaining": 2 })).await;
    server.clock.advance(5);
    let mut expected = created.clone();
    let members = expected.as_object_mut().unwrap();
    members.remove("key");
    members["remaining"] = json!(1);
    members["requestCount"] = json!(1);
    members["lastRequest"] = json!("2023-11-14T22:13:20.005Z");
    members["updatedAt"] = json!("2023-11-14T22:13:20.005Z");
    assert_eq!(server.verify(&created).await, json!({ "valid": true, "error": null, "key": expected }));
}

#[tokio::test]
async fn every_refusal_has_its_code_and_message() {
    let server = TestServer::new();
    let unknown = server.post("verify", json!({ "key": "nonsense" })).await;
    assert_eq!((unknown.0.as_u16(), unknown.1), (200, refusal("INVALID_API_KEY", "Invalid API key.")));

    let disabled = server.create(json!({ "userId": "ada" })).await;
    server.post("update", json!({ "keyId": disabled["id"], "enabled": false })).await;
    assert_eq!(server.verify(&disabled).await, refusal("KEY_DISABLED", "API Key is disabled"));

    let exhausted = server.create(json!({ "userId": "ada", "remaining": 0 })).await;
    let spent = refusal("USAGE_EXCEEDED", "API Key has reached its usage limit");
    assert_eq!(server.verify(&exhausted).await, spent);

    let expired = server.create(json!({ "userId": "ada", "expiresIn": 86_400 })).await;
    server.clock.advance(86_400_001);
    assert_eq!(server.verify(&expired).await, refusal("KEY_EXPIRED", "API Key has expired"));
}

#[tokio::test]
async fn a_limited_key_says_exactly_when_to_try_again() {
    let server = TestServer::new();
    let body = json!({ "userId": "ada", "rateLimitMax": 1, "rateLimitTimeWindow": 1000, "remaining": 9 });
    let key = server.create(body).await;
    assert_eq!(server.verify(&key).await["valid"], true);
    server.clock.advance(400);
    let limited = json!({
        "valid": false,
        "error": { "message": "Rate limit exceeded.", "code": "RATE_LIMITED", "details": { "tryAgainIn": 600 } },
        "key": null,
    });
    assert_eq!(server.verify(&key).await, limited);
    server.clock.advance(599);
    assert_eq!(server.verify(&key).await["error"]["details"]["tryAgainIn"], 1);
    server.clock.advance(1);
    let admitted = server.verify(&key).await;
    assert_eq!((&admitted["valid"], &admitted["key"]["remaining"]), (&json!(true), &json!(7)), "refusals were free");
}

#[tokio::test]
async fn permissions_scope_and_cost_are_the_callers_to_choose() {
    let server = TestServer::new();
    let body =
        json!({ "userId": "ada", "permissions": {"files": ["read"]}, "remaining": 5, "rateLimitEnabled": false });
    let key = server.create(body).await["key"].clone();
    for (members, valid, left) in [
        (json!({ "permissions": {"files": ["read"]}, "cost": 3 }), true, json!(2)),
        (json!({ "cost": 0 }), true, json!(2)),
        (json!({ "cost": 3 }), false, Value::Null),
        (json!({ "permissions": {"files": ["write"]} }), false, Value::Null),
        (json!({ "permissions": {} }), false, Value::Null),
        (json!({ "configId": "other" }), false, Value::Null),
        (json!({ "configId": "default" }), true, json!(1)),
        (json!({ "configId": "" }), true, json!(0)),
        (json!({ "cost": 0 }), false, Value::Null),
    ] {
        let mut body = members.clone();
        body["key"] = key.clone();
        let (_, verdict) = server.post("verify", body).await;
        assert_eq!((verdict["valid"].as_bool().unwrap(), &verdict["key"]["remaining"]), (valid, &left), "{members}");
    }
}

#[tokio::test]
async fn a_malformed_verification_is_told_so() {
    let server = TestServer::new();
    for (body, message) in [
        (json!({}), "[body.key] Invalid input: expected string, received undefined"),
        (json!({ "key": null }), "[body.key] Invalid input: expected string, received null"),
        (json!({ "key": "k", "cost": -1 }), "[body.cost] Too small: expected number to be >=0"),
        (json!({ "key": "k", "cost": 1.5 }), "[body.cost] Invalid input: expected int, received number"),
        (json!({ "key": "k", "cost": 4_294_967_296_u64 }), "[body.cost] Too big: expected number to be <=4294967295"),
        (
            json!({ "key": "k", "permissions": {"a": "b"} }),
            "[body.permissions.a] Invalid input: expected array, received string",
        ),
        (json!([]), "[body] Invalid input: expected object, received array"),
    ] {
        assert_error(&server.post("verify", body).await, 400, "VALIDATION_ERROR", message);
    }
    for odd in ["", "\u{0}", "🔑", &"k".repeat(100_000)] {
        assert_eq!(server.post("verify", json!({ "key": odd })).await.1["error"]["code"], "INVALID_API_KEY");
    }
}

#[tokio::test]
async fn anyone_verifies_where_that_is_configured() {
    let server = TestServer::with(Setup { access: Access::Public, ..Setup::default() });
    let key = server.create(json!({ "userId": "ada" })).await;
    let body = json!({ "key": key["key"] });
    let found = answer(server.anonymous(Method::POST, "verify").json(&body).send().await.unwrap()).await;
    assert_eq!(found.1["valid"], true);
}

#[tokio::test]
async fn a_configuration_without_limits_never_limits() {
    let mut configuration = Configuration::default();
    configuration.rate_limit.enabled = false;
    let server = TestServer::with(Setup { policy: Policy::new(vec![configuration]).unwrap(), ..Setup::default() });
    let body = json!({ "userId": "ada", "rateLimitEnabled": true, "rateLimitMax": 1, "rateLimitTimeWindow": 1000 });
    let key = server.create(body).await;
    for _ in 0..3 {
        assert_eq!(server.verify(&key).await["valid"], true);
    }
}

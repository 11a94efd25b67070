//! Requests that show a key and count as its owner's, and keys that are validated and revoked.

use keymint_domain::{ConfigId, Configuration, Policy};
use keymint_service::Access;
use keymint_store_memory::MemoryStore;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{NOW, ORIGIN, Setup, TestServer, answer, assert_error, cookie_header, cookies};

fn opening(edit: impl FnOnce(&mut Configuration)) -> Setup {
    let mut configuration = Configuration { enable_session_for_api_keys: true, ..Configuration::default() };
    edit(&mut configuration);
    Setup { policy: Policy::new(vec![configuration]).unwrap(), ..Setup::default() }
}

/// A key of ada, who signed up, with a quota of 5.
async fn key_of_ada(server: &TestServer) -> (Value, Value) {
    let ada = server.sign_up("ada").await["user"].clone();
    let key = server.create(json!({ "userId": ada["id"], "remaining": 5, "rateLimitEnabled": false })).await;
    (ada, key)
}

fn text(key: &Value) -> &str {
    key["key"].as_str().unwrap()
}

async fn remaining(server: &TestServer, key: &Value) -> Value {
    server.get(&format!("get?id={}", key["id"].as_str().unwrap())).await.1["remaining"].clone()
}

#[tokio::test]
async fn a_key_is_its_owners_session_for_as_long_as_it_lives() {
    let server = TestServer::with(opening(|_| ()));
    let (ada, key) = key_of_ada(&server).await;
    for method in [Method::GET, Method::POST] {
        let request = server.auth(method, "get-session").header("x-api-key", text(&key)).header("user-agent", "curl");
        let (status, body) = answer(request.send().await.unwrap()).await;
        assert_eq!((status.as_u16(), &body["user"]), (200, &ada));
        let week = NOW.plus_millis(7 * 86_400_000).to_string();
        let session = json!({
            "id": key["id"], "token": key["key"], "userId": ada["id"], "userAgent": "curl", "ipAddress": "127.0.0.1",
            "createdAt": NOW.to_string(), "updatedAt": NOW.to_string(), "expiresAt": week,
        });
        assert_eq!(body["session"], session);
    }
    assert_eq!(remaining(&server, &key).await, 3, "each request pays once");
    let mortal = server.create(json!({ "userId": ada["id"], "expiresIn": 86_400 })).await;
    let request = server.auth(Method::GET, "get-session").header("x-api-key", text(&mortal));
    let body = answer(request.send().await.unwrap()).await.1;
    assert_eq!(body["session"]["expiresAt"], mortal["expiresAt"]);
}

#[tokio::test]
async fn a_key_goes_before_a_cookie_and_is_looked_at_before_the_request_is() {
    let server = TestServer::with(opening(|_| ()));
    let (_, key) = key_of_ada(&server).await;
    let bob = server.auth(Method::POST, "sign-up/email");
    let bob =
        bob.json(&json!({ "name": "bob", "email": "bob@example.com", "password": "password" })).send().await.unwrap();
    let cookie = cookie_header(&cookies(&bob));
    let both = server.auth(Method::GET, "get-session").header("cookie", &cookie).header("x-api-key", text(&key));
    assert_eq!(answer(both.send().await.unwrap()).await.1["user"]["name"], "ada");
    let empty = server.auth(Method::GET, "get-session").header("cookie", &cookie).header("x-api-key", "");
    assert_eq!(answer(empty.send().await.unwrap()).await.1["user"]["name"], "bob");

    let malformed = server.anonymous(Method::POST, "update").header("x-api-key", "k".repeat(43)).json(&json!({}));
    assert_error(&answer(malformed.send().await.unwrap()).await, 401, "INVALID_API_KEY", "Invalid API key.");
    let short = server.auth(Method::POST, "sign-in/email").header("x-api-key", "short").json(&json!({}));
    assert_error(&answer(short.send().await.unwrap()).await, 403, "INVALID_API_KEY", "Invalid API key.");
    let odd = server.auth(Method::GET, "get-session").header("x-api-key", &b"\xff"[..]);
    assert_error(&answer(odd.send().await.unwrap()).await, 403, "INVALID_API_KEY", "Invalid API key.");
}

#[tokio::test]
async fn refused_keys_have_better_auths_statuses_and_say_when_to_come_again() {
    let server = TestServer::with(opening(|_| ()));
    let ada = server.sign_up("ada").await["user"].clone();
    let limited = server.create(json!({ "userId": ada["id"], "rateLimitMax": 1, "rateLimitTimeWindow": 1500 })).await;
    let open = |key: &Value| server.auth(Method::GET, "get-session").header("x-api-key", text(key)).send();
    assert_eq!(open(&limited).await.unwrap().status(), 200);
    let refused = open(&limited).await.unwrap();
    assert_eq!(refused.headers()["retry-after"], "2");
    let (status, body) = answer(refused).await;
    let expected =
        json!({ "code": "RATE_LIMITED", "message": "Rate limit exceeded.", "details": { "tryAgainIn": 1500 } });
    assert_eq!((status.as_u16(), body), (429, expected));

    let spent = server.create(json!({ "userId": ada["id"], "remaining": 0 })).await;
    let message = "API Key has reached its usage limit";
    assert_error(&answer(open(&spent).await.unwrap()).await, 429, "USAGE_EXCEEDED", message);
    let of_nobody = server.create(json!({ "userId": "nobody" })).await;
    let message = "The reference id from the API key is invalid.";
    assert_error(&answer(open(&of_nobody).await.unwrap()).await, 401, "INVALID_REFERENCE_ID_FROM_API_KEY", message);
}

#[tokio::test]
async fn a_keys_session_may_not_change_keys_unless_that_is_allowed() {
    for (allowed, status) in [(false, 403), (true, 200)] {
        let server = TestServer::with(opening(|configuration| configuration.allow_key_management = allowed));
        let (_, key) = key_of_ada(&server).await;
        let created = server.anonymous(Method::POST, "create").header("x-api-key", text(&key)).json(&json!({}));
        let (found, body) = answer(created.send().await.unwrap()).await;
        assert_eq!(found.as_u16(), status, "{body}");
        if !allowed {
            assert_eq!(body["code"], "KEY_MANAGEMENT_NOT_ALLOWED");
        }
        let list = server.anonymous(Method::GET, "list").header("x-api-key", text(&key)).send().await.unwrap();
        assert_eq!(list.status(), 200);
    }
}

#[tokio::test]
async fn a_verification_pays_once_whatever_headers_come_with_it() {
    let server = TestServer::with(opening(|_| ()));
    let (ada, key) = key_of_ada(&server).await;
    let request = server.request(Method::POST, "verify").header("x-api-key", text(&key));
    let verdict = answer(request.json(&json!({ "key": key["key"] })).send().await.unwrap()).await.1;
    assert_eq!((&verdict["valid"], &verdict["key"]["remaining"]), (&json!(true), &json!(4)));
    let request = server.request(Method::POST, "validate").header("x-api-key", text(&key));
    let validated = answer(request.json(&json!({ "apiKey": key["key"] })).send().await.unwrap()).await.1;
    assert_eq!((&validated["user"], &validated["apiKey"]["remaining"]), (&ada, &json!(3)));
    let request = server.request(Method::GET, "list").header("x-api-key", text(&key));
    assert_eq!(request.send().await.unwrap().status(), 200);
    assert_eq!(remaining(&server, &key).await, 3, "a server's request needs no key");
}

#[tokio::test]
async fn validate_answers_with_the_owner_or_with_an_error_of_its_own() {
    let server = TestServer::with(Setup { access: Access::Public, ..Setup::on(MemoryStore::default()) });
    let validate = async |key: Value| {
        let request = server.anonymous(Method::POST, "validate").json(&json!({ "apiKey": key }));
        answer(request.send().await.unwrap()).await
    };
    let (ada, key) = key_of_ada(&server).await;
    let (status, body) = validate(key["key"].clone()).await;
    assert_eq!((status.as_u16(), &body["user"], &body["apiKey"]["id"]), (200, &ada, &key["id"]));
    let of_nobody = server.create(json!({ "userId": "nobody" })).await;
    assert_eq!(validate(of_nobody["key"].clone()).await.1["user"], Value::Null);

    assert_error(&validate(json!("unknown")).await, 401, "API_KEY_INVALID", "Invalid API key.");
    let undefined = answer(server.anonymous(Method::POST, "validate").json(&json!({})).send().await.unwrap()).await;
    let message = "[body.apiKey] Invalid input: expected string, received undefined";
    assert_error(&undefined, 400, "VALIDATION_ERROR", message);
    let spent = server.create(json!({ "userId": "ada", "remaining": 0 })).await;
    let message = "API Key has reached its usage limit";
    assert_error(&validate(spent["key"].clone()).await, 429, "API_KEY_RATE_LIMITED", message);
    let disabled = server.create(json!({ "userId": "ada" })).await;
    server.post("update", json!({ "keyId": disabled["id"], "enabled": false })).await;
    assert_error(&validate(disabled["key"].clone()).await, 401, "API_KEY_REVOKED", "API Key is disabled");
    let mortal = server.create(json!({ "userId": "ada", "expiresIn": 86_400 })).await;
    server.clock.advance(86_400_001);
    assert_error(&validate(mortal["key"].clone()).await, 401, "API_KEY_EXPIRED", "API Key has expired");

    let closed = TestServer::new();
    let refused = closed.anonymous(Method::POST, "validate").json(&json!({ "apiKey": "k" })).send().await.unwrap();
    assert_error(&answer(refused).await, 401, "UNAUTHORIZED", "Unauthorized");
}

#[tokio::test]
async fn a_user_revokes_a_key_for_good() {
    let server = TestServer::new();
    let signed_up = server.auth(Method::POST, "sign-up/email");
    let body = json!({ "name": "ada", "email": "ada@example.com", "password": "password" });
    let signed_up = signed_up.json(&body).send().await.unwrap();
    let cookie = cookie_header(&cookies(&signed_up));
    let ada = answer(signed_up).await.1["user"]["id"].as_str().unwrap().to_owned();
    let post = async |path: &str, body: Value| {
        let request = server.anonymous(Method::POST, path).header("cookie", &cookie).header("origin", ORIGIN);
        answer(request.json(&body).send().await.unwrap()).await
    };
    let key = post("create", json!({ "name": "ci" })).await.1;
    let (status, revoked) = post("revoke", json!({ "id": key["id"] })).await;
    assert_eq!(status, 200, "{revoked}");
    assert_eq!(revoked["revokedAt"], NOW.to_string());
    assert_eq!((&revoked["revokedBy"], &revoked["enabled"]), (&json!(format!("user:{ada}")), &json!(false)));
    assert_eq!(server.verify(&key).await["error"]["code"], "KEY_DISABLED");
    let listed = server.anonymous(Method::GET, "list").header("cookie", &cookie).send().await.unwrap();
    let mut shown = revoked;
    shown["createdBy"] = json!(format!("user:{ada}"));
    assert_eq!(answer(listed).await.1["apiKeys"], json!([shown]));
    let again = post("update", json!({ "keyId": key["id"], "enabled": true })).await;
    assert_error(&again, 403, "KEY_REVOKED", "API Key has been revoked");
    let missing = post("revoke", json!({ "id": "missing" })).await;
    assert_error(&missing, 404, "KEY_NOT_FOUND", "API Key not found");
    let undefined = post("revoke", json!({})).await;
    assert_error(&undefined, 400, "VALIDATION_ERROR", "[body.id] Invalid input: expected string, received undefined");
    let anonymous = server.anonymous(Method::POST, "revoke").json(&json!({ "id": key["id"] })).send().await.unwrap();
    assert_error(&answer(anonymous).await, 401, "UNAUTHORIZED", "Unauthorized");
    let restored = server.post("update", json!({ "keyId": key["id"], "enabled": true })).await.1;
    assert_eq!((&restored["enabled"], restored.get("revokedAt")), (&json!(true), None));
}

#[tokio::test]
async fn a_server_revokes_all_keys_of_an_owner_and_a_repeat_changes_nothing() {
    let configuration = |id: &str| Configuration { id: ConfigId::parse(id).unwrap(), ..Configuration::default() };
    let policy = Policy::new(vec![configuration("default"), configuration("ci")]).unwrap();
    let server = TestServer::with(Setup { policy, ..Setup::default() });
    let mut keys = Vec::new();
    for (owner, config_id) in [("bob", "default"), ("bob", "ci"), ("bob", "ci"), ("Bob", "ci")] {
        keys.push(server.create(json!({ "userId": owner, "configId": config_id })).await);
    }
    let outcome = |revoked, unchanged| json!({ "owner": "bob", "revoked": revoked, "unchanged": unchanged, "unreadable": 0, "next": null });
    let of_one = server.post("revoke", json!({ "owner": "bob", "configId": "ci" })).await;
    assert_eq!((of_one.0.as_u16(), of_one.1), (200, outcome(2, 0)));
    assert_eq!(server.post("revoke", json!({ "owner": "bob" })).await.1, outcome(1, 2));
    assert_eq!(server.post("revoke", json!({ "owner": "bob" })).await.1, outcome(0, 3));
    for key in &keys[..3] {
        assert_eq!(server.verify(key).await["error"]["code"], "KEY_DISABLED");
    }
    assert_eq!(server.verify(&keys[3]).await["valid"], true);
    let shown = server.get(&format!("get?id={}", keys[0]["id"].as_str().unwrap())).await.1;
    assert_eq!((&shown["revokedAt"], &shown["revokedBy"]), (&json!(NOW.to_string()), &json!("server")));
}

#[tokio::test]
async fn the_keys_of_an_owner_are_revoked_by_servers_only_and_named_in_one_way() {
    let server = TestServer::new();
    let signed_up = server.auth(Method::POST, "sign-up/email");
    let body = json!({ "name": "ada", "email": "ada@example.com", "password": "password" });
    let cookie = cookie_header(&cookies(&signed_up.json(&body).send().await.unwrap()));
    let own = server.anonymous(Method::POST, "revoke").header("cookie", &cookie).header("origin", ORIGIN);
    let own = answer(own.json(&json!({ "owner": "ada" })).send().await.unwrap()).await;
    let message = "The property you're trying to set can only be set from the server auth instance only.";
    assert_error(&own, 400, "SERVER_ONLY_PROPERTY", message);
    let anonymous = server.anonymous(Method::POST, "revoke").json(&json!({ "owner": "ada" })).send().await.unwrap();
    assert_error(&answer(anonymous).await, 401, "UNAUTHORIZED", "Unauthorized");
    for (body, message) in [
        (json!({ "id": "a", "owner": "ada" }), "[body.owner] Invalid input: cannot stand beside id"),
        (json!({ "id": "a", "after": "0:a" }), "[body.after] Invalid input: needs owner"),
        (json!({ "owner": "" }), "[body.owner] Invalid string: must have 1 or more characters"),
        (
            json!({ "owner": "ada", "after": "a" }),
            "[body.after] Invalid string: must be the `next` of an earlier answer",
        ),
        (json!({ "owner": 7 }), "[body.owner] Invalid input: expected string, received number"),
    ] {
        assert_error(&server.post("revoke", body).await, 400, "VALIDATION_ERROR", message);
    }
}

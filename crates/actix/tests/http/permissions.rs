//! Permissions of keys: stars, bare lists, and the report of missing ones.

use keymint_domain::{Configuration, Policy};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Setup, TestServer, answer, assert_error};

/// Returns true if a key with `granted` is valid for `asked`.
async fn is_valid(server: &TestServer, granted: &Value, asked: &Value) -> bool {
    let key = server.create(json!({ "userId": "ada", "permissions": granted })).await;
    let (_, verdict) = server.post("verify", json!({ "key": key["key"], "permissions": asked })).await;
    verdict["valid"].as_bool().unwrap()
}

#[tokio::test]
async fn a_star_stands_for_all_and_a_bare_list_for_the_actions_of_a_star() {
    let server = TestServer::new();
    for (granted, asked, valid) in [
        (json!({ "*": ["read"] }), json!({ "files": ["read"], "users": ["read"] }), true),
        (json!({ "*": ["read"] }), json!({ "files": ["write"] }), false),
        (json!({ "files": ["*"] }), json!({ "files": ["anything"] }), true),
        (json!({ "files": ["*"] }), json!({ "users": ["read"] }), false),
        (json!({ "*": ["*"] }), json!({ "files": ["read"], "users": ["*"] }), true),
        (json!(["read"]), json!({ "files": ["read"] }), true),
        (json!(["read"]), json!(["read"]), true),
        (json!({ "files": ["read"] }), json!(["read"]), false),
        (json!({ "files": ["read"] }), json!({ "files": ["*"] }), false),
        (json!(["*"]), json!(["read"]), true),
        (json!([]), json!({ "files": ["read"] }), false),
        (json!(["*"]), json!([]), false),
    ] {
        assert_eq!(is_valid(&server, &granted, &asked).await, valid, "{granted} {asked}");
    }
}

#[tokio::test]
async fn where_a_star_is_a_name_it_grants_nothing_else() {
    let configuration = Configuration { wildcards: false, ..Configuration::default() };
    let server = TestServer::with(Setup { policy: Policy::new(vec![configuration]).unwrap(), ..Setup::default() });
    let star = json!({ "*": ["read"] });
    assert!(is_valid(&server, &star, &star).await);
    assert!(!is_valid(&server, &star, &json!({ "files": ["read"] })).await);
}

#[tokio::test]
async fn a_bare_list_is_kept_as_the_object_that_it_means() {
    let server = TestServer::new();
    let key = server.create(json!({ "userId": "ada", "permissions": ["read", "write"] })).await;
    assert_eq!(key["permissions"], json!({ "*": ["read", "write"] }));
    let (_, updated) = server.post("update", json!({ "keyId": key["id"], "permissions": ["list"] })).await;
    assert_eq!(updated["permissions"], json!({ "*": ["list"] }));
    let (_, found) = server.get(&format!("get?id={}", key["id"].as_str().unwrap())).await;
    assert_eq!(found["permissions"], json!({ "*": ["list"] }));
    for path in ["create", "verify"] {
        let body = json!({ "userId": "ada", "key": "any", "permissions": ["read", 5] });
        let message = "[body.permissions.1] Invalid input: expected string, received number";
        assert_error(&server.post(path, body).await, 400, "VALIDATION_ERROR", message);
    }
}

#[tokio::test]
async fn a_refusal_names_what_is_missing() {
    let server = TestServer::new();
    let reader = server.create(json!({ "userId": "ada", "permissions": { "files": ["read"] } })).await;
    let bare = server.create(json!({ "userId": "ada" })).await;
    let asked = json!({ "files": ["read", "write"], "users": ["list"] });
    let missing = json!({ "files": ["write"], "users": ["list"] });
    for (key, asked, missing) in
        [(&reader, &asked, &missing), (&bare, &asked, &asked), (&reader, &json!({}), &json!({}))]
    {
        let (_, verdict) = server.post("verify", json!({ "key": key["key"], "permissions": asked })).await;
        let error = json!({
            "message": "API Key not found", "code": "KEY_NOT_FOUND", "details": { "missing": missing },
        });
        assert_eq!(verdict, json!({ "valid": false, "error": error, "key": null }));

        let (status, body) = server.post("validate", json!({ "apiKey": key["key"], "permissions": asked })).await;
        let expected = json!({
            "code": "INSUFFICIENT_PERMISSIONS", "message": "The API key lacks a permission that is asked for.",
            "details": { "missing": missing },
        });
        assert_eq!((status.as_u16(), body), (403, expected));
    }
    let url = format!("http://{}/authorize?permissions=files:write,users:list", server.address);
    let request = reqwest::Client::new().get(url).header("x-authz-server-key", crate::support::SERVER_KEY);
    let denied = request.header("x-api-key", reader["key"].as_str().unwrap()).send().await.unwrap();
    let (status, problem) = answer(denied).await;
    assert_eq!((status.as_u16(), &problem["code"]), (403, &json!("INSUFFICIENT_PERMISSIONS")));
    assert_eq!(problem["missing"], missing);
}

#[tokio::test]
async fn a_gateway_asks_for_every_resource_by_a_star() {
    let server = TestServer::new();
    let any = server.create(json!({ "userId": "ada", "permissions": ["read"] })).await;
    let one = server.create(json!({ "userId": "ada", "permissions": { "files": ["*"] } })).await;
    for (key, asked, status) in [
        (&any, "*:read", 200),
        (&any, "files:read,users:read", 200),
        (&any, "files:*", 403),
        (&one, "*:read", 403),
        (&one, "files:*", 200),
        (&any, "read", 400),
    ] {
        let url = format!("http://{}/authorize?permissions={asked}", server.address);
        let request = reqwest::Client::new().get(url).header("x-authz-server-key", crate::support::SERVER_KEY);
        let response = request.header("x-api-key", key["key"].as_str().unwrap()).send().await.unwrap();
        assert_eq!(response.status(), status, "{asked}");
    }
}

#[tokio::test]
async fn validate_takes_what_verify_takes() {
    let server = TestServer::new();
    let body = json!({ "userId": "ada", "remaining": 5, "permissions": { "files": ["read"] } });
    let key = server.create(body).await["key"].clone();
    for (members, status, left) in [
        (json!({ "permissions": { "files": ["read"] }, "cost": 3 }), 200, json!(2)),
        (json!({ "cost": 0 }), 200, json!(2)),
        (json!({ "permissions": ["read"] }), 403, Value::Null),
        (json!({ "cost": 3 }), 429, Value::Null),
        (json!({ "configId": "other" }), 401, Value::Null),
        (json!({ "configId": "default" }), 200, json!(1)),
    ] {
        let mut body = members.clone();
        body["apiKey"] = key.clone();
        let (found, validated) = server.post("validate", body).await;
        assert_eq!((found.as_u16(), &validated["apiKey"]["remaining"]), (status, &left), "{members}");
    }
    for (members, message) in [
        (json!({ "cost": -1 }), "[body.cost] Too small: expected number to be >=0"),
        (json!({ "permissions": "read" }), "[body.permissions] Invalid input: expected record, received string"),
        (json!({ "configId": 5 }), "[body.configId] Invalid input: expected string, received number"),
    ] {
        let mut body = members;
        body["apiKey"] = key.clone();
        assert_error(&server.post("validate", body).await, 400, "VALIDATION_ERROR", message);
    }
    let unknown = server.anonymous(Method::POST, "validate").json(&json!({ "apiKey": key })).send().await.unwrap();
    assert_eq!(unknown.status(), 401);
}

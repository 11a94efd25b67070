//! The permissions that users may give to their own keys, and the catalogue of options.

use std::num::NonZeroU32;

use keymint_domain::{Configuration, Permissions, Policy};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Setup, TestServer, answer, assert_error};

const DAY: u64 = 86_400;

fn server() -> TestServer {
    let mut configuration = Configuration {
        grantable: Some(Permissions::of(&[("files", &["read", "write"])])),
        permission_descriptions: vec![("files:read".to_owned(), "Read files".to_owned())],
        ..Configuration::default()
    };
    configuration.expiration.max_lifetime_days = NonZeroU32::new(90);
    TestServer::with(Setup { policy: Policy::new(vec![configuration]).unwrap(), ..Setup::default() })
}

#[tokio::test]
async fn a_user_grants_what_is_grantable_and_no_action_more() {
    let server = server();
    let ada = server.sign_up("ada").await;
    let as_ada = async |path: &str, body: Value| {
        let request = server.anonymous(Method::POST, path).bearer_auth(ada["token"].as_str().unwrap());
        answer(request.json(&body).send().await.unwrap()).await
    };
    let (status, key) = as_ada("create", json!({ "permissions": { "files": ["read"] } })).await;
    assert_eq!((status.as_u16(), &key["permissions"]), (200, &json!({ "files": ["read"] })));
    let message = "The key would have a permission that you may not grant.";
    let more = json!({ "files": ["read", "delete"], "users": ["read"] });
    for (path, mut body) in [("create", json!({})), ("update", json!({ "keyId": key["id"] }))] {
        body["permissions"] = more.clone();
        let refused = as_ada(path, body).await;
        assert_eq!(refused.1["details"]["missing"], json!({ "files": ["delete"], "users": ["read"] }));
        assert_eq!((refused.0.as_u16(), &refused.1["code"]), (403, &json!("INSUFFICIENT_PERMISSIONS")));
        assert_eq!(refused.1["message"], message);
    }
    let star = as_ada("create", json!({ "permissions": ["read"] })).await;
    assert_eq!(star.1["details"]["missing"], json!({ "*": ["read"] }), "more than is named");
    let write = json!({ "keyId": key["id"], "permissions": { "files": ["write"] } });
    assert_eq!(as_ada("update", write).await.1["permissions"], json!({ "files": ["write"] }));
    let none = json!({ "keyId": key["id"], "permissions": null });
    assert_eq!(as_ada("update", none).await.1["permissions"], Value::Null);
    let others = as_ada("create", json!({ "permissions": { "files": ["read"] }, "remaining": 5 })).await;
    assert_eq!((others.0.as_u16(), &others.1["code"]), (400, &json!("SERVER_ONLY_PROPERTY")));
    let nobody = server.anonymous(Method::POST, "create").json(&json!({ "permissions": { "files": ["read"] } }));
    assert_eq!(answer(nobody.send().await.unwrap()).await.1["code"], "SERVER_ONLY_PROPERTY");
    // A server is bound by no ceiling of permissions.
    let all = server.create(json!({ "userId": ada["user"]["id"], "permissions": { "*": ["*"] } })).await;
    assert_eq!(all["permissions"], json!({ "*": ["*"] }));
}

#[tokio::test]
async fn without_a_ceiling_only_servers_grant() {
    let server = TestServer::new();
    let ada = server.sign_up("ada").await;
    let request = server.anonymous(Method::POST, "create").bearer_auth(ada["token"].as_str().unwrap());
    let refused = request.json(&json!({ "permissions": { "files": ["read"] } })).send().await.unwrap();
    let message = "The property you're trying to set can only be set from the server auth instance only.";
    assert_error(&answer(refused).await, 400, "SERVER_ONLY_PROPERTY", message);
}

#[tokio::test]
async fn no_key_outlives_the_longest_life_whoever_makes_or_changes_it() {
    let server = server();
    let key = server.create(json!({ "userId": "ada" })).await;
    assert_eq!(key["expiresAt"], "2024-02-12T22:13:20.000Z", "90 days, since nothing else is said");
    let too_large = "The expiresIn is larger than the predefined maximum value.";
    let longer = server.post("create", json!({ "userId": "ada", "expiresIn": 90 * DAY + 1 })).await;
    assert_error(&longer, 400, "EXPIRES_IN_IS_TOO_LARGE", too_large);
    for expires_in in [Value::Null, json!(90 * DAY + 1)] {
        let body = json!({ "keyId": key["id"], "expiresIn": expires_in });
        assert_error(&server.post("update", body).await, 400, "EXPIRES_IN_IS_TOO_LARGE", too_large);
    }
    server.clock.advance(10 * DAY * 1000);
    let body = json!({ "keyId": key["id"], "expiresIn": 81 * DAY });
    assert_error(&server.post("update", body).await, 400, "EXPIRES_IN_IS_TOO_LARGE", too_large);
    let body = json!({ "keyId": key["id"], "expiresIn": 80 * DAY });
    assert_eq!(server.post("update", body).await.1["expiresAt"], key["expiresAt"], "counted from its creation");
}

#[tokio::test]
async fn the_options_say_what_may_be_set() {
    let server = server();
    let ada = server.sign_up("ada").await;
    let token = ada["token"].as_str().unwrap();
    let of_ada = server.anonymous(Method::GET, "options").bearer_auth(token).send().await.unwrap();
    let (status, of_ada) = answer(of_ada).await;
    assert_eq!(status, 200);
    assert_eq!(of_ada["settable"], json!(["name", "prefix", "expiresIn", "permissions"]));
    assert_eq!(of_ada["permissions"]["grantable"], json!({ "files": ["read", "write"] }));
    assert_eq!(of_ada["permissions"]["descriptions"], json!({ "files:read": "Read files" }));
    let lifetimes = json!({
        "default": 90 * DAY, "min": DAY, "max": 90 * DAY, "presets": [DAY, 7 * DAY, 30 * DAY, 90 * DAY],
        "mayBeEndless": false
    });
    assert_eq!(of_ada["expiresIn"], lifetimes);
    let (_, of_server) = server.get("options?configId=unknown").await;
    assert_eq!((&of_server["configId"], &of_server["references"]), (&json!("default"), &json!("user")));
    let settable = of_server["settable"].as_array().unwrap();
    assert!(settable.contains(&json!("remaining")) && settable.contains(&json!("refill")), "{settable:?}");
    assert_eq!(of_server["rateLimit"]["defaultMax"], 10);
    // Whatever is offered is accepted.
    for preset in lifetimes["presets"].as_array().unwrap() {
        let body = json!({ "expiresIn": preset, "permissions": of_ada["permissions"]["grantable"] });
        let made = server.anonymous(Method::POST, "create").bearer_auth(token).json(&body).send().await.unwrap();
        assert_eq!(made.status(), 200, "{preset}");
    }
    let nobody = server.anonymous(Method::GET, "options").send().await.unwrap();
    assert_error(&answer(nobody).await, 401, "UNAUTHORIZED", "Unauthorized");
    let unknown = server.get("options?config=x").await;
    assert_error(&unknown, 400, "VALIDATION_ERROR", "[query] Unrecognized key: \"config\"");
}

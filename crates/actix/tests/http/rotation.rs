//! `POST /api-key/rotate` and the end of a rotation: by each caller, with each wrong value, and as verifications tell it.

use std::num::NonZeroU32;
use std::sync::Arc;

use keymint_domain::policy::References;
use keymint_domain::{Configuration, Policy};
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};

use crate::support::{ORIGIN, SERVER_KEY, Setup, TestServer, answer, assert_error, cookie_header, cookies};

const DAY_MS: u64 = 86_400_000;
const OPEN: &str = "A rotation of the API key is under way. Finish or cancel it first.";

fn with(edit: impl FnOnce(&mut Configuration)) -> TestServer {
    let mut configuration = Configuration::default();
    edit(&mut configuration);
    TestServer::with(Setup { policy: Policy::new(vec![configuration]).unwrap(), ..Setup::default() })
}

/// Rotates a key with these members beside its id, and returns the answer.
async fn rotate(server: &TestServer, key: &Value, members: &Value) -> (StatusCode, Value) {
    let mut body = json!({ "keyId": key["id"] });
    body.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    server.post("rotate", body).await
}

async fn get(server: &TestServer, key: &Value) -> Value {
    server.get(&format!("get?id={}", key["id"].as_str().unwrap())).await.1
}

fn header(response: &Response, name: &str) -> Option<String> {
    response.headers().get(name).map(|value| value.to_str().unwrap().to_owned())
}

#[tokio::test]
async fn a_key_gets_a_new_secret_and_keeps_everything_else() {
    let server = TestServer::new();
    let key = server.create(json!({ "userId": "ada", "remaining": 9, "prefix": "sk_" })).await;
    let (status, rotated) = rotate(&server, &key, &json!({ "graceSeconds": 3600 })).await;
    assert_eq!(status, 200, "{rotated}");
    let text = rotated["key"].as_str().unwrap();
    assert!(text.starts_with("sk_") && rotated["key"] != key["key"]);
    let rotation = json!({
        "stage": "pending", "start": &text[..6], "since": "2023-11-14T22:13:20.000Z",
        "cancelledAt": "2023-11-21T22:13:20.000Z", "graceSeconds": 3600,
    });
    assert_eq!(rotated["rotation"], rotation);
    let mut expected = key.clone();
    expected["rotation"] = rotation;
    expected["key"] = rotated["key"].clone();
    assert_eq!(rotated, expected, "all else stays");

    // The curl line of a reveal page is a dry run, and a look pays nothing.
    for members in [json!({ "dryRun": true }), json!({ "cost": 0 })] {
        let mut body = json!({ "key": text });
        body.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        let verdict = server.post("verify", body).await.1;
        assert_eq!((&verdict["valid"], verdict.get("secret")), (&json!(true), None));
    }
    let verdict = server.verify(&key).await;
    assert_eq!((&verdict["key"]["rotation"]["stage"], verdict.get("secret")), (&json!("pending"), None));

    server.clock.advance(1000);
    let verdict = server.verify(&rotated).await;
    assert_eq!((&verdict["key"]["remaining"], verdict.get("secret")), (&json!(7), None));
    let response = server.request(Method::POST, "verify").json(&json!({ "key": key["key"] })).send().await.unwrap();
    assert_eq!(header(&response, "sunset").as_deref(), Some("Tue, 14 Nov 2023 23:13:21 GMT"));
    let verdict = answer(response).await.1;
    let end = "2023-11-14T23:13:21.000Z";
    assert_eq!((&verdict["secret"], &verdict["formerSecretEndsAt"]), (&json!("former"), &json!(end)));
    assert_eq!(verdict["key"]["remaining"], 6, "one quota for both");
    let dry = server.post("verify", json!({ "key": key["key"], "dryRun": true })).await.1;
    assert_eq!((&dry["secret"], &dry["formerSecretEndsAt"]), (&json!("former"), &json!(end)));
    let shown = get(&server, &key).await;
    let rotation = json!({
        "stage": "grace", "formerSecretEndsAt": end, "formerSecretUsedAt": "2023-11-14T22:13:21.000Z",
    });
    assert_eq!((&shown["rotation"], &shown["rotatedAt"]), (&rotation, &json!("2023-11-14T22:13:21.000Z")));
    assert_eq!(shown["start"], text[..6]);

    server.clock.advance(3_600_000);
    assert_eq!(get(&server, &key).await.get("rotation"), None, "it is over before a use has ended it");
    assert_eq!(server.verify(&key).await["error"]["code"], "INVALID_API_KEY");
    assert_eq!(server.verify(&rotated).await["valid"], true);
}

#[tokio::test]
async fn gateways_are_told_of_a_former_secret() {
    let server = TestServer::new();
    let key = server.create(json!({ "userId": "ada", "rateLimitEnabled": false })).await;
    let rotated = rotate(&server, &key, &json!({})).await.1;
    let client = reqwest::Client::new();
    let ask = async |key: &Value| {
        let request = client.get(format!("http://{}/authorize", server.address));
        let request = request.header("x-authz-server-key", SERVER_KEY);
        let response = request.header("x-api-key", key["key"].as_str().unwrap()).send().await.unwrap();
        assert_eq!(response.status(), 200);
        (header(&response, "x-key-secret").unwrap(), header(&response, "sunset"))
    };
    assert_eq!(ask(&key).await, ("-".to_owned(), None));
    assert_eq!(ask(&rotated).await, ("-".to_owned(), None));
    assert_eq!(ask(&key).await, ("former".to_owned(), Some("Wed, 15 Nov 2023 22:13:20 GMT".to_owned())));
}

#[tokio::test]
async fn a_validation_tells_of_a_former_secret_as_a_verification_does() {
    let server = TestServer::new();
    let key = server.create(json!({ "userId": "ada", "rateLimitEnabled": false })).await;
    let rotated = rotate(&server, &key, &json!({ "graceSeconds": 3600 })).await.1;
    let validate = async |key: &Value| {
        let body = json!({ "apiKey": key["key"] });
        let response = server.request(Method::POST, "validate").json(&body).send().await.unwrap();
        assert_eq!(response.status(), 200);
        (header(&response, "sunset"), answer(response).await.1)
    };
    for ordinary in [&key, &rotated] {
        let (sunset, told) = validate(ordinary).await;
        assert_eq!((sunset, told.get("secret"), told.get("formerSecretEndsAt")), (None, None, None));
    }
    let (sunset, told) = validate(&key).await;
    assert_eq!(sunset.as_deref(), Some("Tue, 14 Nov 2023 23:13:20 GMT"));
    let end = json!("2023-11-14T23:13:20.000Z");
    assert_eq!((&told["secret"], &told["formerSecretEndsAt"]), (&json!("former"), &end));
    assert_eq!(told["apiKey"]["id"], key["id"]);
}

#[tokio::test]
async fn wrong_values_are_refused_by_name_and_change_nothing() {
    let server = TestServer::new();
    let key = server.create(json!({ "userId": "ada", "expiresIn": 86_400 })).await;
    for (members, message) in [
        (json!({ "graceSeconds": -1 }), "[body.graceSeconds] Too small: expected number to be >=0"),
        (json!({ "graceSeconds": 7_776_001 }), "[body.graceSeconds] Too big: expected number to be <=7776000"),
        (json!({ "graceSeconds": 1.5 }), "[body.graceSeconds] Invalid input: expected int, received number"),
        (json!({ "graceSeconds": "1" }), "[body.graceSeconds] Invalid input: expected number, received string"),
        (json!({ "deadlineSeconds": 59 }), "[body.deadlineSeconds] Too small: expected number to be >=60"),
        (json!({ "deadlineSeconds": 7_776_001 }), "[body.deadlineSeconds] Too big: expected number to be <=7776000"),
        (json!({ "now": "yes" }), "[body.now] Invalid input: expected boolean, received string"),
        (json!({ "endFormer": 1 }), "[body.endFormer] Invalid input: expected boolean, received number"),
        (
            json!({ "now": true, "graceSeconds": 1, "deadlineSeconds": 60 }),
            "[body.graceSeconds] has no meaning beside now; [body.deadlineSeconds] has no meaning beside now",
        ),
        (json!({ "keyId": "" }), "[body.keyId] must not be empty"),
    ] {
        let found = rotate(&server, &key, &members).await;
        assert_eq!((found.0.as_u16(), &found.1["code"]), (400, &json!("VALIDATION_ERROR")), "{members}");
        let text = found.1["message"].as_str().unwrap();
        if members.get("keyId").is_none() {
            assert_eq!(text, message);
        }
    }
    let missing = rotate(&server, &json!({ "id": "none" }), &json!({})).await;
    assert_error(&missing, 404, "KEY_NOT_FOUND", "API Key not found");
    for path in ["rotation/cancel", "rotation/finish"] {
        let found = server.post(path, json!({ "keyId": key["id"] })).await;
        assert_error(&found, 409, "ROTATION_NOT_OPEN", "No rotation of the API key is under way.");
    }
    assert_eq!(server.verify(&key).await["valid"], true);
    server.clock.advance(2 * DAY_MS);
    assert_error(&rotate(&server, &key, &json!({})).await, 401, "KEY_EXPIRED", "API Key has expired");
    assert_eq!(get(&server, &key).await.get("rotation"), None);
    let revoked = server.create(json!({ "userId": "ada" })).await;
    server.post("revoke", json!({ "id": revoked["id"] })).await;
    assert_error(&rotate(&server, &revoked, &json!({})).await, 403, "KEY_REVOKED", "API Key has been revoked");
}

#[tokio::test]
async fn a_rotation_is_replaced_cancelled_and_finished() {
    let server = TestServer::new();
    let key = server.create(json!({ "userId": "ada" })).await;
    let first = rotate(&server, &key, &json!({})).await.1;
    let second = rotate(&server, &key, &json!({})).await.1;
    assert_eq!(server.verify(&first).await["valid"], false, "one that waits is replaced");
    let (status, cancelled) = server.post("rotation/cancel", json!({ "keyId": key["id"] })).await;
    assert_eq!((status.as_u16(), cancelled.get("rotation"), &cancelled["start"]), (200, None, &key["start"]));
    assert_eq!(server.verify(&second).await["valid"], false);

    let third = rotate(&server, &key, &json!({})).await.1;
    assert_eq!(server.verify(&third).await["valid"], true);
    assert_error(&rotate(&server, &key, &json!({})).await, 409, "ROTATION_OPEN", OPEN);
    let found = server.post("rotation/cancel", json!({ "keyId": key["id"] })).await;
    let in_use = "The new secret of the API key is in use. Finish the rotation instead.";
    assert_error(&found, 409, "ROTATION_CONFIRMED", in_use);
    assert_eq!(server.verify(&key).await["secret"], "former", "a refusal has changed nothing");
    let fourth = rotate(&server, &key, &json!({ "endFormer": true })).await.1;
    assert_eq!(server.verify(&key).await["valid"], false);
    let (status, finished) = server.post("rotation/finish", json!({ "keyId": key["id"] })).await;
    assert_eq!((status.as_u16(), finished.get("rotation")), (200, None));
    assert_eq!(server.verify(&third).await["valid"], false);
    assert_eq!(server.verify(&fourth).await["valid"], true);

    let (_, fifth) = rotate(&server, &key, &json!({ "now": true })).await;
    assert_eq!((fifth.get("rotation"), fifth["rotatedAt"].is_string()), (None, true));
    assert_eq!(server.verify(&fourth).await["valid"], false);
    assert_eq!(server.verify(&fifth).await["valid"], true);
    let (_, sixth) = rotate(&server, &key, &json!({ "deadlineSeconds": 60 })).await;
    assert_eq!(sixth["rotation"]["deadline"], "2023-11-14T22:14:20.000Z");
    server.clock.advance(60_000);
    assert_eq!(server.verify(&fifth).await["valid"], false);
    assert_eq!(server.verify(&sixth).await["valid"], true);
}

#[tokio::test]
async fn users_rotate_their_own_keys_and_no_other() {
    let server = TestServer::new();
    let sign_up = async |name: &str| {
        let body = json!({ "name": name, "email": format!("{name}@example.com"), "password": "password" });
        let response = server.auth(Method::POST, "sign-up/email").json(&body).send().await.unwrap();
        cookie_header(&cookies(&response))
    };
    let (ada, bob) = (sign_up("ada").await, sign_up("bob").await);
    let send = async |path: &str, cookie: &str, body: Value| {
        let request = server.anonymous(Method::POST, path).header("origin", ORIGIN).header("cookie", cookie);
        answer(request.json(&body).send().await.unwrap()).await
    };
    let key = send("create", &ada, json!({})).await.1;
    let body = json!({ "keyId": key["id"] });
    for path in ["rotate", "rotation/cancel", "rotation/finish"] {
        assert_error(&send(path, &bob, body.clone()).await, 404, "KEY_NOT_FOUND", "API Key not found");
        let found = answer(server.anonymous(Method::POST, path).json(&body).send().await.unwrap()).await;
        assert_error(&found, 401, "UNAUTHORIZED_SESSION", "Unauthorized or invalid session");
    }
    assert_eq!(get(&server, &key).await.get("rotation"), None);
    let (status, rotated) = send("rotate", &ada, body.clone()).await;
    assert_eq!(status, 200, "{rotated}");
    assert_eq!(send("rotation/finish", &ada, body).await.0, 200);
    assert_eq!(server.verify(&key).await["valid"], false);
    assert_eq!(server.verify(&rotated).await["valid"], true);
}

#[tokio::test]
async fn a_members_role_decides_about_an_organizations_keys() {
    let configuration = Configuration { references: References::Organization, ..Configuration::default() };
    let store = keymint_store_memory::MemoryStore::default();
    let setup = Setup { policy: Policy::new(vec![configuration]).unwrap(), ..Setup::on(store) };
    let server = TestServer::with(setup);
    let key = server.create(json!({ "organizationId": "acme" })).await;
    let body = json!({ "name": "eve", "email": "eve@example.com", "password": "password" });
    let response = server.auth(Method::POST, "sign-up/email").json(&body).send().await.unwrap();
    let request = server.anonymous(Method::POST, "rotate").header("cookie", cookie_header(&cookies(&response)));
    let request = request.header("origin", ORIGIN).json(&json!({ "keyId": key["id"] }));
    let found = answer(request.send().await.unwrap()).await;
    assert_eq!((found.0.as_u16(), &found.1["code"]), (403, &json!("USER_NOT_MEMBER_OF_ORGANIZATION")));
    assert_eq!(get(&server, &key).await.get("rotation"), None);
}

#[tokio::test]
async fn a_keys_own_session_rotates_it_where_it_may_and_ends_no_rotation() {
    for may in [false, true] {
        let server = with(|configuration| {
            configuration.enable_session_for_api_keys = true;
            configuration.allow_key_management = true;
            configuration.allow_self_rotation = may;
        });
        let ada = server.sign_up("ada").await["user"]["id"].clone();
        let key = server.create(json!({ "userId": ada, "rateLimitEnabled": false })).await;
        let by = async |secret: &Value, path: &str, body: Value| {
            let request = server.anonymous(Method::POST, path).header("x-api-key", secret["key"].as_str().unwrap());
            answer(request.json(&body).send().await.unwrap()).await
        };
        let own = json!({ "keyId": key["id"] });
        let (status, rotated) = by(&key, "rotate", own.clone()).await;
        let refusal = "The session of an API key may not create, change or remove API keys.";
        if !may {
            assert_error(&(status, rotated), 403, "KEY_MANAGEMENT_NOT_ALLOWED", refusal);
            assert_eq!(get(&server, &key).await.get("rotation"), None);
            continue;
        }
        assert_eq!(status, 200, "{rotated}");
        // Whoever has the leaked secret must not end the rotation by which the owner gets rid of it.
        for body in
            [own.clone(), json!({ "keyId": key["id"], "endFormer": true }), json!({ "keyId": key["id"], "now": true })]
        {
            assert_error(&by(&key, "rotate", body).await, 409, "ROTATION_OPEN", OPEN);
        }
        for path in ["rotation/cancel", "rotation/finish"] {
            let found = by(&key, path, own.clone()).await;
            assert_error(&found, 403, "KEY_MANAGEMENT_NOT_ALLOWED", refusal);
        }
        assert_eq!(server.verify(&rotated).await["valid"], true);
        let body = json!({ "keyId": key["id"], "endFormer": true });
        assert_error(&by(&rotated, "rotate", body).await, 409, "ROTATION_OPEN", OPEN);
        server.clock.advance(DAY_MS);
        assert_eq!(by(&rotated, "rotate", own).await.0, 200);
    }
}

#[tokio::test]
async fn keys_say_when_their_secret_is_due() {
    let server = with(|configuration| configuration.notices.rotation_days = NonZeroU32::new(30));
    let key = server.create(json!({ "userId": "ada" })).await;
    assert_eq!(key["rotationDueAt"], "2023-12-14T22:13:20.000Z");
    server.clock.advance(DAY_MS);
    let rotated = rotate(&server, &key, &json!({ "now": true })).await.1;
    let due = json!("2023-12-15T22:13:20.000Z");
    assert_eq!(rotated["rotationDueAt"], due);
    assert_eq!(get(&server, &key).await["rotationDueAt"], due);
    assert_eq!(server.get("list").await.1["apiKeys"][0]["rotationDueAt"], due);
    let revoked = server.post("revoke", json!({ "id": key["id"] })).await.1;
    assert_eq!((&revoked["rotationDueAt"], &revoked), (&due, &get(&server, &key).await), "it is shown in full");
    let (_, options) = server.get("options").await;
    let bounds = json!({
        "defaultGraceSeconds": 86_400, "maxGraceSeconds": 7_776_000, "minDeadlineSeconds": 60,
        "maxDeadlineSeconds": 7_776_000, "maxPendingDays": 7,
    });
    assert_eq!((&options["rotation"], &options["rotationDays"]), (&bounds, &json!(30)));
}

#[tokio::test]
async fn a_deferred_key_is_rotated_exactly() {
    let store = keymint_store_memory::MemoryStore::default();
    let configuration = Configuration { defer_usage: true, ..Configuration::default() };
    let setup = Setup { policy: Policy::new(vec![configuration]).unwrap(), ..Setup::on(store) };
    let server = Arc::new(TestServer::with(setup));
    let key = server.create(json!({ "userId": "ada", "rateLimitEnabled": false })).await;
    assert_eq!(server.verify(&key).await["valid"], true);
    let rotated = rotate(&server, &key, &json!({ "graceSeconds": 0 })).await.1;
    assert_eq!(server.verify(&key).await["valid"], true);
    assert_eq!(server.verify(&rotated).await["valid"], true);
    assert_eq!(server.verify(&key).await["error"]["code"], "INVALID_API_KEY", "no copy keeps it alive");
    assert_eq!(server.verify(&rotated).await["valid"], true);
    assert_eq!(rotate(&server, &key, &json!({ "now": true })).await.0, 200);
    assert_eq!(server.verify(&rotated).await["error"]["code"], "INVALID_API_KEY");
}

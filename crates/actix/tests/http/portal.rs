//! `/portal/sessions`, for servers, and the addresses of operators at sign-up.

use std::sync::Arc;

use keymint_domain::identity::{Email, Operators};
use keymint_domain::link::{LinkPurpose, SecretToken};
use keymint_ports::IdentityStore as _;
use keymint_store_memory::MemoryStore;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{NOW, ORIGIN, SERVER_KEY, Setup, TestServer, answer, assert_error};

async fn create(server: &TestServer, body: &Value) -> (StatusCode, Value) {
    let request = server.auth(Method::POST, "portal/sessions").bearer_auth(SERVER_KEY).json(body);
    answer(request.send().await.unwrap()).await
}

#[tokio::test]
async fn a_server_makes_a_url_and_the_store_knows_its_hash_alone() {
    let store = MemoryStore::default();
    let server = TestServer::with(Setup { users: Arc::new(store.clone()), ..Setup::default() });
    let body = json!({
        "owner": "ada", "may": ["revoke", "create"], "returnUrl": "https://app.example.com", "expiresInSeconds": 60
    });
    let (status, made) = create(&server, &body).await;
    assert_eq!(status, StatusCode::OK, "{made}");
    assert_eq!(
        (&made["expiresAt"], &made["sessionExpiresInSeconds"]),
        (&json!("2023-11-14T22:18:20.000Z"), &json!(60))
    );
    let url = made["url"].as_str().unwrap();
    let token = url.strip_prefix(&format!("{ORIGIN}/console/portal/")).unwrap();
    let link = store.find_link(&SecretToken::parse(token).unwrap().hash()).await.unwrap().unwrap();
    let LinkPurpose::Portal(grant) = &link.purpose else { panic!("{link:?}") };
    assert_eq!((grant.owner.as_str(), grant.may.to_string().as_str()), ("ada", "create,revoke"));
    assert_eq!(grant.return_url.as_ref().unwrap().as_str(), "https://app.example.com/");
    assert_eq!((grant.lifetime_seconds, link.created_at), (60, NOW));
    let (_, least) = create(&server, &json!({ "owner": "ada", "may": [] })).await;
    assert_eq!(least["sessionExpiresInSeconds"], 3600);
    assert_ne!(least["url"], made["url"]);
}

#[tokio::test]
async fn nobody_but_a_server_makes_one() {
    let server = TestServer::new();
    let body = json!({ "owner": "ada", "may": [] });
    for key in [None, Some("a-server-key-of-nobody-of-32-letters")] {
        let request = server.auth(Method::POST, "portal/sessions").json(&body);
        let request = key.into_iter().fold(request, reqwest::RequestBuilder::bearer_auth);
        assert_error(&answer(request.send().await.unwrap()).await, 401, "UNAUTHORIZED", "Unauthorized");
    }
    let without = TestServer::with(Setup { portal: None, ..Setup::default() });
    assert_error(&create(&without, &body).await, 404, "NOT_FOUND", "Not found");
}

#[tokio::test]
async fn bad_members_are_named_with_what_is_allowed() {
    let server = TestServer::new();
    let url = "[body.returnUrl] Invalid string: must be an absolute http or https URL of 2048 bytes or fewer, without \
               user and password";
    let options = "Invalid option: expected one of \"create\"|\"rotate\"|\"revoke\"";
    let long = format!("https://a.example/{}", "a".repeat(2048));
    for (member, value, message) in [
        ("owner", json!(""), "[body.owner] Invalid string: must have 1 or more characters".to_owned()),
        ("owner", Value::Null, "[body.owner] Invalid input: expected string, received null".to_owned()),
        ("may", json!("create"), "[body.may] Invalid input: expected array, received string".to_owned()),
        ("may", json!(["create", "delete", 7]), format!("[body.may.1] {options}; [body.may.2] {options}")),
        (
            "may",
            json!(["create", "create", "create", "create"]),
            "[body.may] Too big: expected array to have <=3 items".to_owned(),
        ),
        ("returnUrl", json!("/settings"), url.to_owned()),
        ("returnUrl", json!("javascript:alert(1)"), url.to_owned()),
        ("returnUrl", json!("https://u:p@a.example"), url.to_owned()),
        ("returnUrl", json!(long), url.to_owned()),
        ("expiresInSeconds", json!(59), "[body.expiresInSeconds] Too small: expected number to be >=60".to_owned()),
        (
            "expiresInSeconds",
            json!(86_401),
            "[body.expiresInSeconds] Too big: expected number to be <=86400".to_owned(),
        ),
    ] {
        let mut body = json!({ "owner": "ada", "may": [] });
        body[member] = value;
        assert_error(&create(&server, &body).await, 400, "VALIDATION_ERROR", &message);
    }
}

#[tokio::test]
async fn nobody_signs_up_with_the_address_of_an_operator() {
    let operators = Operators::new([Email::parse("root@example.com").unwrap()]);
    let server = TestServer::with(Setup { operators, ..Setup::default() });
    for email in ["root@example.com", "Root@Example.COM"] {
        let body = json!({ "name": "Eve", "email": email, "password": "correct horse" });
        let found = answer(server.auth(Method::POST, "sign-up/email").json(&body).send().await.unwrap()).await;
        let message = "User already exists. Use another email.";
        assert_error(&found, 422, "USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL", message);
    }
    let body = json!({ "name": "Ada", "email": "ada@example.com", "password": "correct horse" });
    let (status, _) = answer(server.auth(Method::POST, "sign-up/email").json(&body).send().await.unwrap()).await;
    assert_eq!(status, StatusCode::OK);
}

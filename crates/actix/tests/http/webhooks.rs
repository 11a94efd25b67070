//! `/webhooks/*`, for servers.

use std::sync::Arc;

use keymint_domain::address::{Network, Networks};
use keymint_domain::webhook::{ForbiddenAddress, OutboundRules};
use keymint_ports::{MockWebhookSender, SendFailure};
use keymint_service::WebhookOptions;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{Setup, TestServer, answer, assert_error};

const ALL: [(Method, &str); 9] = [
    (Method::POST, "create"),
    (Method::GET, "list"),
    (Method::POST, "rotate-secret"),
    (Method::POST, "test"),
    (Method::POST, "pause"),
    (Method::POST, "resume"),
    (Method::POST, "delete"),
    (Method::GET, "deliveries"),
    (Method::POST, "replay"),
];

async fn create(server: &TestServer, body: Value) -> (StatusCode, Value) {
    server.webhooks(Method::POST, "create", Some(body)).await
}

async fn made(server: &TestServer) -> Value {
    let (status, webhook) = create(server, json!({ "url": "https://example.com/hooks" })).await;
    assert_eq!(status, StatusCode::OK, "{webhook}");
    webhook
}

#[tokio::test]
async fn only_servers_manage_webhooks() {
    let server = TestServer::new();
    for (method, path) in ALL {
        for key in [None, Some("a-server-key-of-nobody-of-32-letters")] {
            let request = server.auth(method.clone(), &format!("webhooks/{path}"));
            let request = key.into_iter().fold(request, reqwest::RequestBuilder::bearer_auth);
            let request = if method == Method::POST { request.json(&json!({ "id": "w" })) } else { request };
            let found = answer(request.send().await.unwrap()).await;
            assert_error(&found, 401, "UNAUTHORIZED", "Unauthorized");
        }
    }
}

#[tokio::test]
async fn without_webhooks_there_are_no_such_paths() {
    let server = TestServer::with(Setup { webhooks: None, ..Setup::default() });
    for (method, path) in ALL {
        let body = (method == Method::POST).then(|| json!({ "id": "w" }));
        assert_error(&server.webhooks(method, path, body).await, 404, "NOT_FOUND", "Not found");
    }
}

#[tokio::test]
async fn a_secret_is_shown_once_when_it_is_made() {
    let server = TestServer::new();
    let webhook = made(&server).await;
    let secret = webhook["secret"].as_str().unwrap().to_owned();
    assert!(secret.starts_with("whsec_"), "{webhook}");
    let (_, listed) = server.webhooks(Method::GET, "list", None).await;
    assert_eq!(listed["webhooks"][0]["id"], webhook["id"]);
    assert!(!listed.to_string().contains("secret\""), "{listed}");
    assert!(!listed.to_string().contains(&secret[6..]), "{listed}");

    let body = json!({ "id": webhook["id"], "overlapSeconds": 60 });
    let (status, rotated) = server.webhooks(Method::POST, "rotate-secret", Some(body)).await;
    assert_eq!(status, StatusCode::OK);
    assert_ne!(rotated["secret"], webhook["secret"]);
    assert_eq!(rotated["oldSecretEndsAt"], "2023-11-14T22:14:20.000Z");
    let body = json!({ "id": webhook["id"], "overlapSeconds": 2_592_001 });
    let (status, problem) = server.webhooks(Method::POST, "rotate-secret", Some(body)).await;
    assert_eq!((status.as_u16(), &problem["code"]), (400, &json!("VALIDATION_ERROR")), "{problem}");
}

#[tokio::test]
async fn a_webhook_is_paused_resumed_tested_replayed_and_deleted() {
    let server = TestServer::new();
    let id = made(&server).await["id"].clone();
    let state = async || server.webhooks(Method::GET, "list", None).await.1["webhooks"][0]["state"].clone();
    for (path, expected) in [("pause", "paused"), ("pause", "paused"), ("resume", "active")] {
        let (status, done) = server.webhooks(Method::POST, path, Some(json!({ "id": id }))).await;
        assert_eq!((status, &done), (StatusCode::OK, &json!({ "success": true })));
        assert_eq!(state().await, expected);
    }
    let (_, tested) = server.webhooks(Method::POST, "test", Some(json!({ "id": id }))).await;
    assert_eq!((&tested["success"], &tested["status"], &tested["error"]), (&json!(true), &json!(204), &json!(null)));
    let replay = json!({ "id": id, "from": "2023-11-14T22:13:20Z" });
    assert_eq!(server.webhooks(Method::POST, "replay", Some(replay)).await.0, StatusCode::OK);
    let path = format!("deliveries?id={}", id.as_str().unwrap());
    let (status, page) = server.webhooks(Method::GET, &path, None).await;
    assert_eq!((status, page), (StatusCode::OK, json!({ "deliveries": [], "next": null })));
    assert_eq!(server.webhooks(Method::POST, "delete", Some(json!({ "id": id }))).await.0, StatusCode::OK);

    let missing = "There is no webhook with this id.";
    for path in ["rotate-secret", "test", "pause", "resume", "delete"] {
        let found = server.webhooks(Method::POST, path, Some(json!({ "id": id }))).await;
        assert_error(&found, 404, "WEBHOOK_NOT_FOUND", missing);
    }
    let replay = json!({ "id": id, "from": "2023-11-14T22:13:20Z" });
    assert_error(&server.webhooks(Method::POST, "replay", Some(replay)).await, 404, "WEBHOOK_NOT_FOUND", missing);
    assert_error(&server.webhooks(Method::GET, &path, None).await, 404, "WEBHOOK_NOT_FOUND", missing);
}

#[tokio::test]
async fn what_is_malformed_is_told() {
    let server = TestServer::new();
    let malformed = |text: &str| (StatusCode::BAD_REQUEST, json!({ "code": "VALIDATION_ERROR", "message": text }));
    for (path, body, message) in [
        ("create", json!({}), "[body.url] Invalid input: expected string, received undefined"),
        (
            "create",
            json!({ "url": "https://a.example/", "kinds": "*" }),
            "[body.kinds] Invalid input: expected array, received string",
        ),
        (
            "create",
            json!({ "url": "https://a.example/", "ownerId": "" }),
            "[body.ownerId] Invalid string: must have 1 or more characters",
        ),
        ("pause", json!({}), "[body.id] Invalid input: expected string, received undefined"),
        (
            "replay",
            json!({ "id": "w", "from": "yesterday" }),
            "[body.from] Invalid date-time: must be RFC 3339, or a date",
        ),
    ] {
        assert_eq!(server.webhooks(Method::POST, path, Some(body)).await, malformed(message));
    }
    for (query, message) in [
        ("limit=1", "[query.id] Invalid input: expected string, received undefined"),
        ("id=w&limit=0", "[query.limit] Too small: expected number to be >=1"),
        ("id=w&limit=1001", "[query.limit] Too big: expected number to be <=1000"),
        ("id=w&before=-1", "[query.before] Too small: expected number to be >=0"),
        ("id=w&status=lost", r#"[query.status] Invalid option: expected one of "pending"|"delivered"|"failed""#),
    ] {
        assert_eq!(server.webhooks(Method::GET, &format!("deliveries?{query}"), None).await, malformed(message));
    }
}

#[tokio::test]
async fn every_url_that_must_not_be_called_is_refused_with_its_reason() {
    let server = TestServer::new();
    for (url, reason) in [
        ("nonsense", "must be a URL"),
        ("ftp://example.com/", "must begin with https://"),
        ("http://example.com/", "allow_http admits http://"),
        ("https://user:secret@example.com/", "neither a user nor a password"),
        ("https://example.com/#x", "no fragment"),
        ("https://example.com:0/", "port 0"),
        ("https://localhost/", "this machine"),
        ("https://127.0.0.1/", "127.0.0.1 is loopback"),
        ("https://2130706433/", "127.0.0.1 is loopback"),
        ("https://10.0.0.1/", "10.0.0.1 is private"),
        ("https://169.254.169.254/", "169.254.169.254 is link-local"),
        ("https://100.100.100.200/", "shared"),
        ("https://[::ffff:192.168.0.1]/", "192.168.0.1 is private"),
        ("https://[fd00:ec2::254]/", "unique-local"),
        ("https://[64:ff9b::127.0.0.1]/", "loopback"),
        ("https://[2002:7f00:1::]/", "6to4"),
    ] {
        let (status, problem) = create(&server, json!({ "url": url })).await;
        assert_eq!((status.as_u16(), &problem["code"]), (400, &json!("INVALID_WEBHOOK_URL")), "{url}");
        assert!(problem["message"].as_str().unwrap().contains(reason), "{url}: {problem}");
    }
    let (status, problem) = create(&server, json!({ "url": "https://example.com/", "kinds": ["Key!"] })).await;
    assert_eq!((status.as_u16(), &problem["code"]), (400, &json!("INVALID_WEBHOOK_KINDS")), "{problem}");
    assert_eq!(server.webhooks(Method::GET, "list", None).await.1, json!({ "webhooks": [] }));
}

#[tokio::test]
async fn a_host_with_a_forbidden_address_is_refused_and_one_without_any_is_not() {
    let mut sender = MockWebhookSender::new();
    sender.expect_check().returning(|url| match url.host() {
        "inside.example" => {
            let forbidden = ForbiddenAddress { address: "10.0.0.1".parse().unwrap(), reason: "private" };
            Err(SendFailure::Forbidden(forbidden))
        }
        _ => Err(SendFailure::NoAddress),
    });
    let server = TestServer::with(Setup { sender: Arc::new(sender), ..Setup::default() });
    let found = create(&server, json!({ "url": "https://inside.example/" })).await;
    let message =
        "The url must not be called: the address 10.0.0.1 is private; only [webhooks] allow_networks admits it.";
    assert_error(&found, 400, "INVALID_WEBHOOK_URL", message);
    assert_eq!(create(&server, json!({ "url": "https://not-yet.example/" })).await.0, StatusCode::OK);
}

#[tokio::test]
async fn networks_that_are_allowed_may_be_called_without_tls_and_there_are_so_many_webhooks_and_no_more() {
    let networks = Networks::new(vec![Network::parse("10.0.0.0/8").unwrap()]).unwrap();
    let options =
        WebhookOptions { rules: OutboundRules::new(networks, true), max_endpoints: 2, ..WebhookOptions::default() };
    let server = TestServer::with(Setup { webhooks: Some(options), ..Setup::default() });
    for url in ["http://10.0.0.1/", "https://10.0.0.1/"] {
        assert_eq!(create(&server, json!({ "url": url })).await.0, StatusCode::OK, "{url}");
    }
    let message = "There are 2 webhooks, which is the maximum ([webhooks] max_endpoints).";
    assert_error(&create(&server, json!({ "url": "http://10.0.0.2/" })).await, 409, "TOO_MANY_WEBHOOKS", message);
}

#[tokio::test]
async fn a_test_that_nobody_answers_tells_why() {
    let mut sender = MockWebhookSender::new();
    sender.expect_check().returning(|_| Ok(()));
    sender.expect_send().returning(|_| Err(SendFailure::NoConnection));
    let server = TestServer::with(Setup { sender: Arc::new(sender), ..Setup::default() });
    let id = made(&server).await["id"].clone();
    let (status, tested) = server.webhooks(Method::POST, "test", Some(json!({ "id": id }))).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!((&tested["success"], &tested["status"]), (&json!(false), &json!(null)));
    assert_eq!(tested["error"], "no connection");
}

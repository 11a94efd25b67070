//! `GET /api-key/list` with filters: each filter, each wrong value, each caller.

use std::sync::Arc;

use keymint_domain::KeyId;
use keymint_domain::event::Origin;
use keymint_ports::KeyStore as _;
use keymint_store_memory::MemoryStore;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{Setup, TestServer, answer, assert_error, cookie_header, cookies};

const DAY_MS: u64 = 86_400_000;

fn names(page: &Value) -> Vec<&str> {
    page["apiKeys"].as_array().unwrap().iter().map(|key| key["name"].as_str().unwrap()).collect()
}

/// Returns a server with a key in each state, made a day apart from 14 November 2023 on, and the time of the last.
async fn with_a_key_in_each_state() -> TestServer {
    let server = TestServer::new();
    for name in ["active", "disabled", "expired", "exhausted", "revoked", "used"] {
        let mut body = json!({ "userId": "ada", "name": name });
        match name {
            "expired" => body["expiresIn"] = 86_400.into(),
            "exhausted" => body["remaining"] = 0.into(),
            _ => {}
        }
        let key = server.create(body).await;
        let id = &key["id"];
        let done = match name {
            "disabled" => server.post("update", json!({ "keyId": id, "enabled": false })).await.0,
            "revoked" => server.post("revoke", json!({ "id": id })).await.0,
            _ => StatusCode::OK,
        };
        assert_eq!(done, StatusCode::OK, "{name}");
        server.clock.advance(DAY_MS);
        if name == "used" {
            assert_eq!(server.verify(&key).await["valid"], true);
        }
    }
    server
}

#[tokio::test]
async fn a_list_is_narrowed_by_what_is_asked_for() {
    let server = with_a_key_in_each_state().await;
    let all = ["active", "disabled", "expired", "exhausted", "revoked", "used"];
    let (_, everything) = server.get("list").await;
    let used = everything["apiKeys"][5].clone();
    let (id, start) = (used["id"].as_str().unwrap(), used["start"].as_str().unwrap());
    let (by_id, by_start) = (format!("search={id}"), format!("search={start}"));
    let cases: [(&str, &[&str]); 19] = [
        ("", &all),
        (&by_id, &["used"]),
        (&by_start, &["used"]),
        ("search=EX", &["expired", "exhausted"]),
        ("search=xp", &[]),
        ("enabled=false", &["disabled", "revoked"]),
        ("enabled=true", &["active", "expired", "exhausted", "used"]),
        ("state=active", &["active", "used"]),
        ("state=disabled", &["disabled"]),
        ("state=expired", &["expired"]),
        ("state=exhausted", &["exhausted"]),
        ("state=revoked", &["revoked"]),
        ("expiresBefore=2023-11-18", &["expired"]),
        ("expiresBefore=2023-11-17", &[]),
        ("createdBefore=2023-11-16", &["active", "disabled"]),
        ("unusedSince=2023-11-20&state=active", &["active"]),
        ("unusedSince=2023-11-21&state=active", &["active", "used"]),
        ("userId=ada&state=revoked", &["revoked"]),
        ("userId=eve&state=active", &[]),
    ];
    for (query, expected) in cases {
        let (status, page) = server.get(&format!("list?{query}")).await;
        assert_eq!(status, StatusCode::OK, "{query}: {page}");
        assert_eq!(names(&page), expected, "{query}");
        assert_eq!((&page["total"], page.get("totalIsMinimum")), (&json!(expected.len()), None), "{query}");
    }
    let (_, page) = server.get("list?state=active&limit=1&offset=1&sortBy=name&sortDirection=desc").await;
    assert_eq!((names(&page), &page["total"]), (vec!["active"], &json!(2)));
}

#[tokio::test]
async fn a_use_that_only_the_statistics_know_is_a_use() {
    let server = TestServer::new();
    let key = server.create(json!({ "userId": "ada", "name": "first" })).await;
    server.clock.advance(40 * DAY_MS);
    assert_eq!(names(&server.get("list?unusedSince=2023-12-01").await.1), ["first"]);
    server.verify(&key).await;
    server.usage.flush().await.unwrap();
    assert!(names(&server.get("list?unusedSince=2023-12-01").await.1).is_empty());
    let since = "unusedSince=2023-11-14T22:13:20Z";
    assert!(names(&server.get(&format!("list?{since}")).await.1).is_empty(), "it was made at that instant");
}

#[tokio::test]
async fn a_wrong_filter_is_refused_with_its_name() {
    let server = TestServer::new();
    let cases = [
        ("search=", "[query.search] Invalid string: must have 1 or more characters"),
        ("search=%00", "[query.search] Invalid string: must not contain U+0000"),
        ("search=a&search=b", "[query.search] Invalid input: expected string, received array"),
        ("enabled=yes", "[query.enabled] Invalid option: expected one of \"true\"|\"false\""),
        (
            "state=lost",
            "[query.state] Invalid option: expected one of \
             \"active\"|\"disabled\"|\"expired\"|\"exhausted\"|\"revoked\"",
        ),
        ("expiresBefore=soon", "[query.expiresBefore] Invalid date-time: must be RFC 3339, or a date"),
        ("unusedSince=2023-02-30", "[query.unusedSince] Invalid date-time: must be RFC 3339, or a date"),
        ("createdBefore=1", "[query.createdBefore] Invalid date-time: must be RFC 3339, or a date"),
        ("unusedsince=2023-11-01", "[query] Unrecognized key: \"unusedsince\""),
        (
            "limit=x&owner=ada",
            "[query.limit] Invalid input: expected number, received NaN; \
          [query] Unrecognized key: \"owner\"",
        ),
    ];
    for (query, message) in cases {
        let found = server.get(&format!("list?{query}")).await;
        assert_error(&found, 400, "VALIDATION_ERROR", message);
    }
    let long = "a".repeat(2049);
    let found = server.get(&format!("list?search={long}")).await;
    assert_error(&found, 400, "VALIDATION_ERROR", "[query.search] Invalid string: must have 2048 bytes or fewer");
}

#[tokio::test]
async fn a_user_finds_only_their_own_keys() {
    let server = TestServer::new();
    server.create(json!({ "userId": "ada", "name": "first" })).await;
    let body = json!({ "name": "eve", "email": "eve@example.com", "password": "password" });
    let signed_up = server.auth(Method::POST, "sign-up/email").json(&body).send().await.unwrap();
    let cookie = cookie_header(&cookies(&signed_up));
    let list =
        |query: &str| server.anonymous(Method::GET, &format!("list?{query}")).header("cookie", cookie.clone()).send();
    let (status, page) = answer(list("search=first&disableRefresh=true&disableCookieCache=true").await.unwrap()).await;
    assert_eq!((status, page), (StatusCode::OK, json!({ "apiKeys": [], "total": 0 })));
    let found = answer(list("search=first&userId=ada").await.unwrap()).await;
    assert_error(&found, 401, "UNAUTHORIZED", "Unauthorized");
    let nobody = answer(server.anonymous(Method::GET, "list?state=active").send().await.unwrap()).await;
    assert_error(&nobody, 401, "UNAUTHORIZED", "Unauthorized");
}

#[tokio::test]
async fn counting_stops_at_ten_thousand_unless_the_list_is_one_owners() {
    let store = MemoryStore::default();
    let server = TestServer::with(Setup::on(store.clone()));
    let first = server.create(json!({ "userId": "ada", "name": "many" })).await;
    let first = store.find(&KeyId::parse(first["id"].as_str().unwrap()).unwrap()).await.unwrap().unwrap();
    for number in 0..10_000 {
        let mut key = first.clone();
        Arc::make_mut(&mut key.details).id = KeyId::parse(number.to_string()).unwrap();
        store.insert(&key, None, &Origin::unrecorded()).await.unwrap();
    }
    for (query, total, is_minimum) in [
        ("", 10_000, Some(&Value::Bool(true))),
        ("&userId=ada", 10_001, None),
        ("&userId=ada&search=many", 10_000, Some(&Value::Bool(true))),
        ("&offset=10000", 10_000, Some(&Value::Bool(true))),
        ("&search=100", 1, None),
    ] {
        let (_, page) = server.get(&format!("list?limit=1{query}")).await;
        assert_eq!((&page["total"], page.get("totalIsMinimum")), (&json!(total), is_minimum), "{query}");
        assert_eq!((page["apiKeys"].as_array().unwrap().len(), page.get("truncated")), (1, None), "{query}");
    }
}

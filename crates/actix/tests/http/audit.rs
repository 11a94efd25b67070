//! The log of changes, for those who may see it.

use keymint_domain::event::Origin;
use keymint_domain::organization::{Member, Organization, RoleName, Slug};
use keymint_domain::policy::References;
use keymint_domain::value::KeyName;
use keymint_domain::{Configuration, Policy, UserId};
use keymint_service::Recorder;
use keymint_store_memory::MemoryStore;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{NOW, ORIGIN, SERVER_KEY, Setup, TestServer, answer, assert_error, cookie_header, cookies};

fn recorded(store: MemoryStore) -> Setup {
    Setup { recorder: Recorder::on(), ..Setup::on(store) }
}

fn recording() -> TestServer {
    TestServer::with(recorded(MemoryStore::default()))
}

/// Asks as a server, after all events were sealed.
async fn ask(server: &TestServer, query: &str) -> (StatusCode, Value) {
    server.audit.seal().await.unwrap();
    let request = server.auth(Method::GET, &format!("audit{query}")).bearer_auth(SERVER_KEY);
    answer(request.send().await.unwrap()).await
}

async fn page(server: &TestServer, query: &str) -> Value {
    let (status, page) = ask(server, query).await;
    assert_eq!(status, StatusCode::OK, "{page}");
    page
}

fn positions(page: &Value) -> Vec<u64> {
    page["events"].as_array().unwrap().iter().map(|event| event["position"].as_u64().unwrap()).collect()
}

async fn found(server: &TestServer, query: &str) -> Vec<u64> {
    positions(&page(server, query).await)
}

#[tokio::test]
async fn a_server_pages_through_all_events_the_newest_first() {
    let server = recording();
    for _ in 0..5 {
        server.create(json!({ "userId": "ada" })).await;
    }
    let first = page(&server, "?limit=2").await;
    assert_eq!(positions(&first), [5, 4]);
    server.create(json!({ "userId": "ada" })).await;
    let cursor = first["nextCursor"].as_str().unwrap();
    let second = page(&server, &format!("?limit=2&cursor={cursor}")).await;
    assert_eq!(positions(&second), [3, 2], "new events do not move the pages");
    let cursor = second["nextCursor"].as_str().unwrap();
    let last = page(&server, &format!("?limit=2&cursor={cursor}")).await;
    assert_eq!((positions(&last), &last["nextCursor"]), (vec![1], &Value::Null));
    let whole = page(&server, "?limit=6").await;
    assert_eq!((positions(&whole), &whole["nextCursor"]), ((1..=6).rev().collect(), &Value::Null));
}

#[tokio::test]
async fn an_event_tells_who_changed_what_from_where() {
    let server = recording();
    let key = server.create(json!({ "userId": "ada", "name": "first" })).await;
    let request = server.request(Method::POST, "revoke").json(&json!({ "id": key["id"] }));
    request.header("x-request-id", "the-revocation").send().await.unwrap();
    let page = page(&server, "").await;
    let mut event = page["events"][0].clone();
    let (id, seal) = (event["id"].take(), event["seal"].take());
    assert_eq!((id.as_str().unwrap().len(), seal.as_str().unwrap().len()), (36, 43));
    let expected = json!({
        "position": 2, "id": null, "type": "keymint.key.revoked", "time": NOW.to_string(), "actor": "server",
        "keyId": key["id"], "ownerId": "ada", "configId": "default", "requestId": "the-revocation", "erased": false,
        "details": {
            "changed": ["enabled", "revokedAt", "revokedBy"],
            "old": { "enabled": true, "revokedAt": null, "revokedBy": null },
            "new": { "enabled": false, "revokedAt": NOW.to_string(), "revokedBy": "server" }
        },
        "personal": { "name": "first", "client": "127.0.0.1" }, "seal": null
    });
    assert_eq!(event, expected);
    let text = page.to_string();
    assert!(!text.contains(key["key"].as_str().unwrap()) && !text.contains("salt"), "{text}");
}

#[tokio::test]
async fn events_are_found_by_key_owner_kind_actor_and_time() {
    let server = recording();
    let one = server.create(json!({ "userId": "ada" })).await;
    server.create(json!({ "userId": "bob" })).await;
    server.clock.advance(1000);
    let id = one["id"].as_str().unwrap();
    server.post("update", json!({ "keyId": id, "enabled": false })).await;
    server.post("delete", json!({ "keyId": id })).await;
    let [now, later] = [NOW, NOW.plus_millis(1000)].map(|at| at.to_string());
    for (query, positions) in [
        (String::new(), &[4, 3, 2, 1][..]),
        (format!("?keyId={id}"), &[4, 3, 1]),
        ("?userId=bob".to_owned(), &[2]),
        ("?organizationId=".to_owned(), &[]),
        ("?organizationId=acme".to_owned(), &[]),
        ("?configId=default".to_owned(), &[4, 3, 2, 1]),
        ("?configId=other".to_owned(), &[]),
        ("?type=keymint.key.created".to_owned(), &[2, 1]),
        ("?type=keymint.key.d*".to_owned(), &[4, 3]),
        ("?type=keymint.key.disabled,keymint.key.created".to_owned(), &[3, 2, 1]),
        ("?type=keymint.user.*".to_owned(), &[]),
        ("?actor=server&userId=ada".to_owned(), &[4, 3, 1]),
        ("?actor=cli:root".to_owned(), &[]),
        (format!("?from={later}"), &[4, 3]),
        (format!("?to={later}"), &[2, 1]),
        (format!("?from={now}&to={later}&userId=ada"), &[1]),
        ("?from=2023-11-14&to=2023-11-15".to_owned(), &[4, 3, 2, 1]),
        ("?to=2023-11-14".to_owned(), &[]),
    ] {
        assert_eq!(found(&server, &query).await, positions, "{query}");
    }
}

#[tokio::test]
async fn a_query_that_is_wrong_is_refused_with_a_reason() {
    let server = recording();
    for _ in 0..3 {
        server.create(json!({ "userId": "ada" })).await;
    }
    for (query, problem) in [
        ("?from=2026-02-02&to=2026-02-01", "[query.to] must be later than from"),
        ("?from=2026-02-02&to=2026-02-02", "[query.to] must be later than from"),
        ("?from=yesterday", "[query.from] Invalid date-time: must be RFC 3339, or a date"),
        ("?limit=0", "[query.limit] Too small: expected number to be >=1"),
        ("?limit=1001", "[query.limit] Too big: expected number to be <=1000"),
        ("?kind=keymint.key.created", "[query] Unrecognized key: \"kind\""),
        (
            "?type=Key",
            "[query.type] Invalid kind: must have 1 to 64 characters of a-z, 0-9, `.` and `_`, and may end in `*`, as in `keymint.key.*`",
        ),
        ("?type=a&type=b", "[query.type] Invalid input: expected string, received array"),
        ("?keyId=", "[query.keyId] Invalid string: must have 1 or more characters"),
    ] {
        assert_error(&ask(&server, query).await, 400, "VALIDATION_ERROR", problem);
    }
    let (status, body) = ask(&server, "?actor=nobody").await;
    assert!(
        status == 400
            && body["message"].as_str().unwrap().starts_with("[query.actor] Invalid actor: must be `user:ID`"),
        "{body}"
    );

    let first = page(&server, "?limit=1").await;
    let cursor = first["nextCursor"].as_str().unwrap();
    let message = "The cursor does not belong to this list. Ask for the first page.";
    for query in [
        format!("?cursor={cursor}&userId=ada"),
        format!("?cursor={cursor}&type=keymint.key.created"),
        format!("?cursor={cursor}&from=2020-01-01"),
        format!("?cursor=A{cursor}"),
        "?cursor=3".to_owned(),
        "?cursor=".to_owned(),
    ] {
        assert_error(&ask(&server, &query).await, 400, "INVALID_CURSOR", message);
    }
    assert_eq!(found(&server, &format!("?cursor={cursor}")).await, [2, 1]);
}

/// Signs somebody up, and returns their id and their cookie.
async fn sign_up(server: &TestServer, name: &str) -> (String, String) {
    let body = json!({ "name": name, "email": format!("{name}@example.com"), "password": "password" });
    let response = server.auth(Method::POST, "sign-up/email").json(&body).send().await.unwrap();
    let cookie = cookie_header(&cookies(&response));
    let id = answer(response).await.1["user"]["id"].as_str().unwrap().to_owned();
    (id, cookie)
}

async fn as_user(server: &TestServer, cookie: &str, query: &str) -> (StatusCode, Value) {
    server.audit.seal().await.unwrap();
    let request = server.auth(Method::GET, &format!("audit{query}")).header("cookie", cookie);
    answer(request.send().await.unwrap()).await
}

fn kinds(page: &Value) -> Vec<&str> {
    page["events"].as_array().unwrap().iter().map(|event| event["type"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn users_see_their_own_events_and_no_address_but_their_own() {
    let server = recording();
    let (ada, ada_cookie) = sign_up(&server, "ada").await;
    let (bob, bob_cookie) = sign_up(&server, "bob").await;
    let key = server.create(json!({ "userId": ada })).await;
    server.create(json!({ "userId": bob })).await;
    let update = server.anonymous(Method::POST, "update").header("cookie", &ada_cookie).header("origin", ORIGIN);
    update.json(&json!({ "keyId": key["id"], "name": "mine" })).send().await.unwrap();

    let (status, page) = as_user(&server, &ada_cookie, "").await;
    assert_eq!(status, StatusCode::OK, "{page}");
    assert_eq!(kinds(&page), ["keymint.key.updated", "keymint.key.created", "keymint.user.created"]);
    let clients: Vec<_> = (0..3).map(|place| &page["events"][place]["personal"]["client"]).collect();
    assert_eq!(clients, [&json!("127.0.0.1"), &Value::Null, &json!("127.0.0.1")], "a server's address is not shown");
    let same = as_user(&server, &ada_cookie, &format!("?userId={ada}&keyId={}", key["id"].as_str().unwrap())).await;
    assert_eq!(kinds(&same.1), ["keymint.key.updated", "keymint.key.created"]);
    let bobs_view = as_user(&server, &bob_cookie, &format!("?keyId={}", key["id"].as_str().unwrap())).await;
    assert_eq!((bobs_view.0, kinds(&bobs_view.1)), (StatusCode::OK, vec![]));
    let refused = as_user(&server, &bob_cookie, &format!("?userId={ada}")).await;
    assert_error(&refused, 401, "UNAUTHORIZED", "Unauthorized");
    assert_error(&as_user(&server, "", "").await, 401, "UNAUTHORIZED", "Unauthorized");

    let (_, first) = as_user(&server, &ada_cookie, "?limit=1").await;
    let cursor = first["nextCursor"].as_str().unwrap();
    let message = "The cursor does not belong to this list. Ask for the first page.";
    assert_error(&as_user(&server, &bob_cookie, &format!("?cursor={cursor}")).await, 400, "INVALID_CURSOR", message);
}

#[tokio::test]
async fn members_see_an_organizations_events_as_their_roles_allow() {
    let organizations = Configuration { references: References::Organization, ..Configuration::default() };
    let policy = Policy::new(vec![organizations]).unwrap();
    let store = MemoryStore::default();
    let setup = Setup { policy, ..recorded(store) };
    let organizations = std::sync::Arc::clone(&setup.organizations);
    let server = TestServer::with(setup);
    let (ada, ada_cookie) = sign_up(&server, "ada").await;
    let (bob, bob_cookie) = sign_up(&server, "bob").await;
    let (_, eve_cookie) = sign_up(&server, "eve").await;
    let mut fill = |bytes: &mut [u8]| bytes.fill(5);
    let user = |id: &str| UserId::parse(id).unwrap();
    let acme = Organization::new(KeyName::parse("Acme").unwrap(), Slug::parse("acme").unwrap(), &mut fill, NOW);
    let role = |name: &str| RoleName::parse(name).unwrap();
    let first = Member::new(acme.id.clone(), user(&ada), role("owner"), &mut fill, NOW);
    organizations.insert_organization(&acme, &first, &Origin::unrecorded()).await.unwrap();
    let second = Member::new(acme.id.clone(), user(&bob), role("other"), &mut |bytes: &mut [u8]| bytes.fill(6), NOW);
    organizations.insert_member(&second, &Origin::unrecorded()).await.unwrap();
    server.create(json!({ "organizationId": acme.id.as_str() })).await;
    let query = format!("?organizationId={}", acme.id.as_str());
    let (status, page) = as_user(&server, &ada_cookie, &query).await;
    assert_eq!((status, kinds(&page)), (StatusCode::OK, vec!["keymint.key.created"]));
    for (cookie, code) in
        [(&bob_cookie, "INSUFFICIENT_API_KEY_PERMISSIONS"), (&eve_cookie, "USER_NOT_MEMBER_OF_ORGANIZATION")]
    {
        let (status, body) = as_user(&server, cookie, &query).await;
        assert_eq!((status, &body["code"]), (StatusCode::FORBIDDEN, &json!(code)));
    }
}

#[tokio::test]
async fn reading_is_recorded_where_that_is_asked_for() {
    let server = TestServer::with(Setup { log_reads: true, ..recorded(MemoryStore::default()) });
    server.create(json!({ "userId": "ada" })).await;
    page(&server, "?userId=ada&type=keymint.key.*&from=2020-01-01&limit=7").await;
    let seen = page(&server, "").await;
    let event = &seen["events"][0];
    assert_eq!((&event["type"], &event["actor"]), (&json!("keymint.audit.read"), &json!("server")));
    let asked = json!({
        "owners": ["ada"], "kinds": ["keymint.key.*"], "actor": null, "from": "2020-01-01T00:00:00.000Z",
        "to": "9999-12-31T23:59:59.999Z", "after": null, "limit": 7
    });
    assert_eq!((&event["details"], &event["personal"]["client"]), (&asked, &json!("127.0.0.1")));
    assert_eq!(found(&server, "?type=keymint.audit.read").await, [3, 2]);
}

#[tokio::test]
async fn a_server_without_a_log_has_nothing_to_show() {
    let server = TestServer::with(Setup { has_log: false, ..Setup::default() });
    let request = server.auth(Method::GET, "audit").bearer_auth(SERVER_KEY);
    assert_eq!(request.send().await.unwrap().status(), StatusCode::NOT_FOUND);
}

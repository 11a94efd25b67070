//! Reports of leaked keys, by holders and by GitHub.

use std::fmt::Write as _;
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use keymint_domain::policy::LeakAction;
use keymint_domain::{Configuration, Policy};
use keymint_ports::{FetchFailure, FetchedKeys, GithubKey, GithubKeys};
use keymint_service::{HolderReportsOptions, Recorder, ThrottleOptions};
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::support::{SAMPLE_KEY, SAMPLE_SIGNATURE, Setup, TestServer, answer, assert_error, digest};

fn unsigned(server: &TestServer, body: &str) -> RequestBuilder {
    let request = Client::new().post(format!("http://{}/leaks/github", server.address));
    request.header("content-type", "application/json").body(body.to_owned())
}

fn signed_by(server: &TestServer, key_id: &str, body: &str) -> RequestBuilder {
    let signature = STANDARD.encode(digest(key_id, body.as_bytes()));
    let request = unsigned(server, body).header("Github-Public-Key-Identifier", key_id);
    request.header("Github-Public-Key-Signature", signature)
}

async fn github(server: &TestServer, body: &Value) -> (StatusCode, Value) {
    answer(signed_by(server, "listed", &body.to_string()).send().await.unwrap()).await
}

fn finding(token: &str) -> Value {
    json!({ "token": token, "type": "my_key", "url": "https://example.com/1", "source": "commit" })
}

async fn holder(server: &TestServer, body: &Value) -> Response {
    server.anonymous(Method::POST, "report-leak").json(body).send().await.unwrap()
}

fn text(key: &Value) -> &str {
    key["key"].as_str().unwrap()
}

async fn is_valid(server: &TestServer, key: &Value) -> bool {
    server.verify(key).await["valid"].as_bool().unwrap()
}

/// Asks again until a key is refused. A report is applied while its answer waits, and may take longer.
async fn until_refused(server: &TestServer, key: &Value) {
    let refused = async { while is_valid(server, key).await {} };
    tokio::time::timeout(Duration::from_secs(20), refused).await.unwrap();
}

/// The server ends the connection of a body that is too large, so that a client that still sends may miss the answer.
async fn assert_too_large(request: RequestBuilder, bytes: usize) {
    match request.send().await {
        Ok(response) => assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE, "{bytes}"),
        Err(error) => assert!(bytes > 4 << 20 && error.is_request(), "{bytes}: {error:?}"),
    }
}

#[tokio::test]
async fn anybody_who_holds_a_key_ends_it_and_is_told_nothing() {
    let server = TestServer::new();
    let [reported, other] =
        [server.create(json!({ "userId": "ada" })).await, server.create(json!({ "userId": "ada" })).await];
    let mut answers = Vec::new();
    for keys in [json!([text(&reported)]), json!(["sk_unknown"]), json!([]), json!([text(&reported), "", "é\u{0}"])] {
        let response = holder(&server, &json!({ "keys": keys })).await;
        let mut headers: Vec<_> =
            response.headers().iter().map(|(name, value)| (name.clone(), value.clone())).collect();
        headers.retain(|(name, _)| !["x-request-id", "date"].contains(&name.as_str()));
        answers.push((response.status(), headers, response.text().await.unwrap()));
    }
    assert_eq!((answers[0].0, answers[0].2.as_str()), (StatusCode::ACCEPTED, r#"{"accepted":true}"#));
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    until_refused(&server, &reported).await;
    assert!(is_valid(&server, &other).await);
    let (_, key) = server.get(&format!("get?id={}", reported["id"].as_str().unwrap())).await;
    assert_eq!((&key["revokedBy"], &key["enabled"]), (&json!("leak_report"), &json!(false)));
}

#[tokio::test]
async fn a_report_is_no_use_of_a_key_whatever_it_shows() {
    let open =
        Configuration { enable_session_for_api_keys: true, on_leak: LeakAction::Notify, ..Configuration::default() };
    let server = TestServer::with(Setup { policy: Policy::new(vec![open]).unwrap(), ..Setup::default() });
    let user = server.sign_up("ada").await;
    let key = server.create(json!({ "userId": user["user"]["id"], "remaining": 5 })).await;
    for _ in 0..3 {
        let request = server.anonymous(Method::POST, "report-leak").header("x-api-key", text(&key));
        let response = request.json(&json!({ "keys": [text(&key)] })).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::ACCEPTED);
        assert_eq!(github(&server, &json!([finding(text(&key))])).await.1[0]["label"], "true_positive");
    }
    let (_, found) = server.get(&format!("get?id={}", key["id"].as_str().unwrap())).await;
    assert_eq!(
        (&found["remaining"], &found["requestCount"], &found["lastRequest"]),
        (&json!(5), &json!(0), &json!(null))
    );
}

#[tokio::test]
async fn a_wrong_report_of_a_holder_is_told_by_its_place_and_changes_nothing() {
    let server = TestServer::new();
    let key = server.create(json!({ "userId": "ada" })).await;
    let many: Vec<_> = (0..1001).map(|_| text(&key)).collect();
    for (body, message) in [
        (json!({}), "[body.keys] Invalid input: expected array, received undefined"),
        (json!({ "keys": text(&key) }), "[body.keys] Invalid input: expected array, received string"),
        (json!({ "keys": null }), "[body.keys] Invalid input: expected array, received null"),
        (json!({ "keys": [text(&key), 7] }), "[body.keys.1] Invalid input: expected string, received number"),
        (json!({ "keys": many }), "[body.keys] Too big: expected array to have <=1000 items"),
        (json!([text(&key)]), "[body] Invalid input: expected object, received array"),
    ] {
        assert_error(&answer(holder(&server, &body).await).await, 400, "VALIDATION_ERROR", message);
    }
    for bytes in [256 << 10, 10 << 20] {
        let body = json!({ "keys": [text(&key), "x".repeat(bytes)] });
        assert_too_large(server.anonymous(Method::POST, "report-leak").json(&body), bytes).await;
    }
    assert!(is_valid(&server, &key).await);
}

#[tokio::test]
async fn an_address_that_reports_too_often_waits_as_at_the_sign_in() {
    let throttle = ThrottleOptions { max_requests: 2.try_into().unwrap(), window: Duration::from_hours(1) };
    let server = TestServer::with(Setup { throttle: Some(throttle), ..Setup::default() });
    for _ in 0..2 {
        assert_eq!(holder(&server, &json!({ "keys": ["a"] })).await.status(), StatusCode::ACCEPTED);
    }
    let refused = holder(&server, &json!({ "keys": ["a"] })).await;
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    assert!(refused.headers().contains_key("retry-after"));
}

#[tokio::test]
async fn reports_are_not_found_where_they_are_switched_off_and_refused_where_too_many_are_applied() {
    let server = TestServer::with(Setup { holders: None, github: None, ..Setup::default() });
    assert_eq!(holder(&server, &json!({ "keys": [] })).await.status(), StatusCode::NOT_FOUND);
    assert_eq!(github(&server, &json!([])).await.0, StatusCode::NOT_FOUND);
    let holders = Some(HolderReportsOptions { answer_after: Duration::ZERO, at_once: 0 });
    let server = TestServer::with(Setup { holders, ..Setup::default() });
    let found = answer(holder(&server, &json!({ "keys": [] })).await).await;
    assert_error(&found, 503, "OVERLOADED", "Too many requests are waiting. Try again later.");
}

#[tokio::test]
async fn github_learns_which_tokens_are_keys_and_the_keys_end() {
    let server = TestServer::with(Setup { recorder: Recorder::on(), ..Setup::default() });
    let [one, two] = [server.create(json!({ "userId": "ada" })).await, server.create(json!({ "userId": "bob" })).await];
    let body = json!([
        finding(text(&one)),
        { "token": "sk_unknown", "type": "other", "url": null },
        { "token": text(&two), "type": "my_key", "more": 1 },
        finding(text(&one)),
    ]);
    let hash = |text: &str| {
        Sha256::digest(text).iter().fold(String::new(), |mut hex, byte| {
            write!(hex, "{byte:02x}").unwrap();
            hex
        })
    };
    let verdict =
        |token: &str, kind: &str, label: &str| json!({ "token_hash": hash(token), "token_type": kind, "label": label });
    let expected = json!([
        verdict(text(&one), "my_key", "true_positive"),
        verdict("sk_unknown", "other", "false_positive"),
        verdict(text(&two), "my_key", "true_positive"),
        verdict(text(&one), "my_key", "true_positive"),
    ]);
    for _ in 0..2 {
        assert_eq!(github(&server, &body).await, (StatusCode::OK, expected.clone()));
        assert!(!is_valid(&server, &one).await && !is_valid(&server, &two).await);
    }
    assert_eq!(github(&server, &json!([])).await, (StatusCode::OK, json!([])));
    let page = server.auth(Method::GET, "audit?type=keymint.key.leaked").bearer_auth(crate::support::SERVER_KEY);
    server.audit.seal().await.unwrap();
    let (status, page) = answer(page.send().await.unwrap()).await;
    assert_eq!(status, StatusCode::OK, "{page}");
    let events = page["events"].as_array().unwrap();
    assert_eq!(events.len(), 2, "{page}");
    assert!(events.iter().all(|event| event["actor"] == "leak_report"));
    let details = json!({ "secret": "in use", "reporter": "github", "action": "revoke", "source": "commit", "url": "https://example.com/1" });
    assert!(events.iter().any(|event| event["details"] == details), "{page}");
}

#[tokio::test]
async fn a_leaked_key_that_still_works_is_found() {
    let notify = Configuration { on_leak: LeakAction::Notify, ..Configuration::default() };
    let policy = Policy::new(vec![notify]).unwrap();
    let server = TestServer::with(Setup { policy, recorder: Recorder::on(), ..Setup::default() });
    let key = server.create(json!({ "userId": "ada" })).await;
    let found = || async { server.get("health?finding=leaked").await.1["findings"].clone() };
    assert_eq!(found().await, json!([]));
    github(&server, &json!([finding(text(&key))])).await;
    let findings = found().await;
    assert_eq!((&findings[0]["severity"], &findings[0]["keyIds"]), (&json!("critical"), &json!([key["id"]])));
    let (status, _) = server.post("revoke", json!({ "id": key["id"] })).await;
    assert_eq!((status, found().await), (StatusCode::OK, json!([])));
}

#[tokio::test]
async fn a_report_that_github_did_not_sign_is_refused_and_changes_nothing() {
    let server = TestServer::new();
    let key = server.create(json!({ "userId": "ada" })).await;
    let body = json!([finding(text(&key))]).to_string();
    let signature = STANDARD.encode(digest("listed", body.as_bytes()));
    let (id, sign) = ("Github-Public-Key-Identifier", "Github-Public-Key-Signature");
    let missing = "The headers Github-Public-Key-Identifier and Github-Public-Key-Signature are required: \
                   an identifier, and a signature in base64.";
    let wrong = "The signature is not of this body.";
    let by = |key_id: &str, signature: &str| unsigned(&server, &body).header(id, key_id).header(sign, signature);
    for (request, code, message) in [
        (unsigned(&server, &body), "MISSING_SIGNATURE", missing),
        (unsigned(&server, &body).header(id, "listed"), "MISSING_SIGNATURE", missing),
        (unsigned(&server, &body).header(sign, &signature), "MISSING_SIGNATURE", missing),
        (by("", &signature), "MISSING_SIGNATURE", missing),
        (by("listed", "no base64!"), "MISSING_SIGNATURE", missing),
        (by("unknown", &signature), "UNKNOWN_PUBLIC_KEY", "GitHub lists no public key with this identifier."),
        (by("listed", "AAAA"), "INVALID_SIGNATURE", wrong),
        (by(SAMPLE_KEY, SAMPLE_SIGNATURE), "INVALID_SIGNATURE", wrong),
        (signed_by(&server, "listed", &body).body(format!("{body} ")), "INVALID_SIGNATURE", wrong),
    ] {
        assert_error(&answer(request.send().await.unwrap()).await, 401, code, message);
    }
    assert!(is_valid(&server, &key).await);
}

#[tokio::test]
async fn a_wrong_report_of_github_is_told_by_its_place_and_changes_nothing() {
    let server = TestServer::new();
    let key = server.create(json!({ "userId": "ada" })).await;
    let good = finding(text(&key));
    let many: Vec<_> = (0..1001).map(|_| good.clone()).collect();
    for (body, message) in [
        (json!({}), "[body] Invalid input: expected array, received object"),
        (json!([good, 7]), "[body.1] Invalid input: expected object, received number"),
        (json!([good, { "type": "a" }]), "[body.1.token] Invalid input: expected string, received undefined"),
        (json!([good, { "token": 7, "type": "a" }]), "[body.1.token] Invalid input: expected string, received number"),
        (json!([good, { "token": "a", "type": null }]), "[body.1.type] Invalid input: expected string, received null"),
        (
            json!([good, { "token": "a", "type": "a", "url": [] }]),
            "[body.1.url] Invalid input: expected string, received array",
        ),
        (json!(many), "[body] Too big: expected array to have <=1000 items"),
        (
            json!(many.iter().cycle().take(10_000).collect::<Vec<_>>()),
            "[body] Too big: expected array to have <=1000 items",
        ),
    ] {
        assert_error(&github(&server, &body).await, 400, "VALIDATION_ERROR", message);
    }
    let broken = answer(signed_by(&server, "listed", "[{").send().await.unwrap()).await;
    assert_error(&broken, 400, "BAD_REQUEST", "Invalid JSON in request body");
    for bytes in [4 << 20, 10 << 20] {
        let body = json!([good, { "token": "x".repeat(bytes), "type": "a" }]).to_string();
        assert_too_large(signed_by(&server, "listed", &body), bytes).await;
    }
    assert!(is_valid(&server, &key).await);
}

/// Cannot be reached.
struct NoGithub;

#[async_trait]
impl GithubKeys for NoGithub {
    async fn fetch(&self, _: Option<Box<str>>) -> Result<FetchedKeys, FetchFailure> {
        Err(FetchFailure::NoConnection)
    }

    fn verify(&self, _: &GithubKey, _: &[u8], _: &[u8]) -> bool {
        unreachable!("there is no key")
    }
}

#[tokio::test]
async fn a_report_may_come_again_when_githubs_keys_can_be_fetched() {
    let server = TestServer::with(Setup { github: Some(std::sync::Arc::new(NoGithub)), ..Setup::default() });
    let response = signed_by(&server, "listed", "[]").send().await.unwrap();
    assert_eq!(response.headers()["retry-after"], "60");
    let message = "GitHub's public keys cannot be fetched now. Try again later.";
    assert_error(&answer(response).await, 503, "SERVICE_UNAVAILABLE", message);
}

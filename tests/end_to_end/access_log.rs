//! The access log: the key's id and caller of each use, and never the key.

use reqwest::{Client, Method};
use serde_json::{Value, json};

use crate::process::{Place, SERVER_KEY};

/// Returns the lines of the access log in the whole log.
fn accesses(stderr: &str) -> Vec<Value> {
    let lines = stderr.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.filter(|line| line["target"] == "access").collect()
}

fn logging() -> Place {
    Place::on("memory:")
        .with("KEYMINT__LOG__ACCESS", "true")
        .with("KEYMINT__LOG__FORMAT", "json")
        // The access log has its own switch.
        .with("KEYMINT__LOG__LEVEL", "warn")
        .with("KEYMINT__SERVER__TRUSTED_PROXIES", r#"["127.0.0.0/8"]"#)
        .with("KEYMINT__API_KEY__0__ENABLE_SESSION_FOR_API_KEYS", "true")
}

#[tokio::test(flavor = "multi_thread")]
async fn every_request_has_one_line_that_names_the_key_by_its_id() {
    let server = logging().serve();
    let key = server.create(json!({ "userId": "ada", "remaining": 1 })).await;
    let (id, text) = (key["id"].as_str().unwrap(), key["key"].as_str().unwrap());
    let client = Client::new();
    let verify = client.post(server.url("verify")).bearer_auth(SERVER_KEY).json(&json!({ "key": text }));
    let verify = verify.header("x-request-id", "my-own").header("x-forwarded-for", "192.0.2.7");
    let body = verify.send().await.unwrap().bytes().await.unwrap();
    assert!(!server.is_valid(&key).await, "its quota was 1");
    let denied = client.get(format!("http://{}/authorize/a", server.address)).header("x-api-key", text);
    assert_eq!(denied.send().await.unwrap().status(), 429);
    assert_eq!(server.status_of("/nowhere").await, 404);
    server.terminate();
    let (_, _, stderr) = server.finish();

    let accesses = accesses(&stderr);
    let routes: Vec<_> = accesses.iter().map(|line| line["route"].as_str().unwrap()).collect();
    assert_eq!(routes, ["/api-key/create", "/api-key/verify", "/api-key/verify", "/authorize", "other"]);
    let accepted = &accesses[1];
    assert!(accepted["took_us"].is_u64());
    for (member, expected) in [
        ("request_id", json!("my-own")),
        ("client", json!("192.0.2.7")),
        ("method", json!("POST")),
        ("status", json!(200)),
        ("bytes", json!(body.len())),
        ("outcome", json!("valid")),
        ("key_id", json!(id)),
        ("config_id", json!("default")),
    ] {
        assert_eq!(accepted[member], expected, "{accepted}");
    }
    for refused in &accesses[2..4] {
        assert_eq!((&refused["outcome"], &refused["key_id"]), (&json!("usage_exceeded"), &json!(id)), "{refused}");
    }
    assert_eq!((&accesses[4]["key_id"], &accesses[4]["outcome"]), (&Value::Null, &Value::Null));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_a_key_has_its_id_its_owner_and_who_it_was() {
    let place = Place::new().with("KEYMINT__LOG__ACCESS", "true").with("KEYMINT__LOG__FORMAT", "json");
    let made = place.json(&["server-key", "create", "--json"]);
    let server = place.serve();
    let client = Client::new();
    let ada = json!({ "name": "Ada", "email": "ada@example.com", "password": "password" });
    let user = server.post("../sign-up/email", ada).await.1;
    let (token, ada) = (user["token"].as_str().unwrap(), user["user"]["id"].as_str().unwrap());
    let key = server.create(json!({ "userId": ada })).await;
    let id = key["id"].as_str().unwrap();
    for (path, bearer, body, status) in [
        ("update", made["key"].as_str().unwrap(), json!({ "keyId": id, "name": "new" }), 200),
        ("revoke", SERVER_KEY, json!({ "id": id }), 200),
        ("delete", token, json!({ "keyId": id }), 200),
        ("delete", SERVER_KEY, json!({ "keyId": id }), 404),
    ] {
        let answer = client.post(server.url(path)).bearer_auth(bearer).json(&body).send().await.unwrap();
        assert_eq!(answer.status(), status, "{path}");
    }
    server.terminate();
    let (_, _, stderr) = server.finish();
    let accesses = accesses(&stderr);
    let members = |line: &Value| ["actor", "changed_key_id", "owner_id"].map(|member| line[member].clone());
    let by = |actor: String| [json!(actor), json!(id), json!(ada)];
    let found: Vec<_> = accesses[1..].iter().map(members).collect();
    let server_key = format!("server:{}", made["id"].as_str().unwrap());
    let expected = [by("server".to_owned()), by(server_key), by("server".to_owned()), by(format!("user:{ada}"))];
    assert_eq!(found, [&expected[..], &[[Value::Null, Value::Null, Value::Null]]].concat());
    for secret in [SERVER_KEY, token, key["key"].as_str().unwrap(), made["key"].as_str().unwrap()] {
        assert!(!stderr.contains(secret), "a secret is in the log");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_line_holds_a_key_wherever_it_was_shown() {
    let server = logging().serve();
    let key = server.create(json!({ "userId": "ada" })).await;
    let text = key["key"].as_str().unwrap();
    let client = Client::new();
    let mut sent = 1;
    for path in ["/authorize", "/api/auth/get-session", "/api/auth/api-key/verify", "/healthz", "/metrics", "/"] {
        for method in [Method::GET, Method::POST] {
            let url = format!("http://{}{path}?key={text}&configId={text}", server.address);
            let request = || client.request(method.clone(), &url).header("x-request-id", "mine");
            request().header("x-api-key", text).send().await.unwrap();
            request().bearer_auth(text).send().await.unwrap();
            request().header("cookie", format!("better-auth.session_token={text}")).send().await.unwrap();
            request().header("user-agent", text).json(&json!({ "key": text })).send().await.unwrap();
            request().header("x-forwarded-for", text).send().await.unwrap();
            sent += 5;
        }
    }
    for path in [format!("/{text}"), format!("/authorize/{text}"), format!("/api/auth/api-key/{text}")] {
        client.get(format!("http://{}{path}", server.address)).send().await.unwrap();
        sent += 1;
    }
    server.terminate();
    let (_, _, stderr) = server.finish();
    assert_eq!(accesses(&stderr).len(), sent, "one line each");
    let secret = &text[text.len() - 20..];
    assert!(!stderr.contains(secret) && !stderr.contains(SERVER_KEY), "{stderr}");
}

#[tokio::test(flavor = "multi_thread")]
async fn there_is_no_access_log_unless_it_is_asked_for() {
    let server = Place::on("memory:").with("KEYMINT__LOG__FORMAT", "json").serve();
    server.create(json!({ "userId": "ada" })).await;
    server.terminate();
    let (_, _, stderr) = server.finish();
    assert!(stderr.contains("/api-key/create"), "the log itself tells of it: {stderr}");
    assert!(accesses(&stderr).is_empty(), "{stderr}");
}

//! Requests that are refused before any route sees them, and the headers of every answer.

use std::time::Duration;

use keymint_actix::ApiOptions;
use reqwest::Method;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::{SERVER_KEY, Setup, TestServer, answer, assert_error};

#[tokio::test]
async fn unknown_routes_and_wrong_methods_are_404() {
    let server = TestServer::new();
    for (method, path) in [
        (Method::GET, "create"),
        (Method::POST, "list"),
        (Method::PUT, "update"),
        (Method::DELETE, "delete"),
        (Method::GET, "verify"),
        (Method::POST, "unknown"),
        (Method::OPTIONS, "create"),
        (Method::POST, "create/"),
        (Method::POST, ""),
    ] {
        let found = answer(server.request(method.clone(), path).json(&json!({})).send().await.unwrap()).await;
        assert_error(&found, 404, "NOT_FOUND", "Not found");
    }
    assert_eq!(server.plain("/nothing").await.status(), 404);
}

#[tokio::test]
async fn bodies_must_be_json_of_a_json_type() {
    let server = TestServer::new();
    let send = async |media_type: Option<&str>, body: &str| {
        let mut request = server.request(Method::POST, "verify").body(body.to_owned());
        if let Some(media_type) = media_type {
            request = request.header("content-type", media_type);
        }
        answer(request.send().await.unwrap()).await
    };
    let undefined = "[body] Invalid input: expected object, received undefined";
    assert_error(&send(Some("application/json"), "").await, 400, "VALIDATION_ERROR", undefined);
    assert_error(&send(None, "").await, 400, "VALIDATION_ERROR", undefined);
    let required = "Content-Type is required. Allowed types: application/json";
    assert_error(&send(None, "{}").await, 415, "UNSUPPORTED_MEDIA_TYPE", required);
    let text = "Content-Type \"text/plain\" is not allowed. Allowed types: application/json";
    assert_error(&send(Some("text/plain"), "{}").await, 415, "UNSUPPORTED_MEDIA_TYPE", text);
    for broken in ["{", "{\"key\":}", "nonsense", "{\"key\":\"\\ud800\"}", &"[".repeat(10_000)] {
        let found = send(Some("application/json"), broken).await;
        assert_error(&found, 400, "BAD_REQUEST", "Invalid JSON in request body");
    }
    for (media_type, taken) in
        [("Application/JSON; charset=utf-8", "{\"key\":\"k\"}"), ("application/json", "\u{feff}{\"key\":\"k\"}")]
    {
        assert_eq!(send(Some(media_type), taken).await.0, 200, "{taken}");
    }
}

#[tokio::test]
async fn a_body_on_get_is_not_looked_at() {
    let server = TestServer::new();
    for (media_type, body) in [("text/plain", "hello"), ("application/json", "{"), ("application/json", "[]")] {
        let request = server.request(Method::GET, "list").header("content-type", media_type);
        assert_eq!(request.body(body).send().await.unwrap().status(), 200, "{body}");
    }
}

#[tokio::test]
async fn a_member_of_the_query_that_is_given_twice_is_no_text() {
    let server = TestServer::new();
    let found = server.get("list?sortBy=name&sortBy=id").await;
    assert_error(&found, 400, "VALIDATION_ERROR", "[query.sortBy] Invalid input: expected string, received array");
}

#[tokio::test]
async fn an_empty_owner_of_an_update_is_none() {
    let server = TestServer::new();
    let key = server.create(json!({ "userId": "ada" })).await;
    let (status, updated) = server.post("update", json!({ "keyId": key["id"], "userId": "", "name": "new" })).await;
    assert_eq!((status.as_u16(), &updated["name"]), (200, &json!("new")));
}

#[tokio::test]
async fn errors_of_a_session_are_not_stored_either() {
    let server = TestServer::new();
    let (get, post) = (server.auth(Method::GET, "get-session"), server.auth(Method::POST, "get-session"));
    for (request, status) in [(get, 200), (post.json(&json!({})), 405)] {
        let response = request.send().await.unwrap();
        assert_eq!(
            (response.status().as_u16(), &response.headers()["cache-control"]),
            (status, &"no-store".parse().unwrap())
        );
    }
}

#[tokio::test]
async fn a_body_above_the_limit_is_refused_and_one_at_it_is_not() {
    let server = TestServer::with(Setup {
        options: ApiOptions { body_limit: 100, ..ApiOptions::default() },
        ..Setup::default()
    });
    let body = |bytes: usize| format!("{{\"key\":\"{}\"}}", "k".repeat(bytes - 10));
    for (bytes, status) in [(100, 200), (101, 413), (1_000_000, 413)] {
        let request = server.request(Method::POST, "verify").header("content-type", "application/json");
        let found = answer(request.body(body(bytes)).send().await.unwrap()).await;
        assert_eq!(found.0.as_u16(), status, "{bytes} bytes");
        if status == 413 {
            assert_error(&found, 413, "PAYLOAD_TOO_LARGE", "The request body is larger than 100 bytes.");
        }
    }
}

#[tokio::test]
async fn every_answer_names_its_request() {
    let server = TestServer::new();
    let ask = async |id: Option<&str>| {
        let mut request = server.request(Method::GET, "list");
        if let Some(id) = id {
            request = request.header("x-request-id", id);
        }
        request.send().await.unwrap().headers()["x-request-id"].to_str().unwrap().to_owned()
    };
    assert_eq!(ask(Some("trace-7")).await, "trace-7");
    let (first, second) = (ask(None).await, ask(Some("not fit for a log")).await);
    assert!(first.starts_with("abababababababab-") && second.starts_with("abababababababab-"));
    assert_ne!(first, second);
    for unfit in ["https://h/?key=hush", "a\u{9b}2J", "{\"level\":\"ERROR\"}", SERVER_KEY, &"x".repeat(129)] {
        assert!(ask(Some(unfit)).await.starts_with("abababababababab-"), "{unfit}");
    }
}

async fn raw(server: &TestServer, text: &str) -> String {
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    // The server closes the connection; a reset after its answer is a close too.
    let _ = tokio::time::timeout(Duration::from_secs(10), stream.read_to_end(&mut answer)).await.unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn a_client_that_trickles_its_body_is_let_go() {
    let options = ApiOptions { body_timeout: Duration::from_millis(100), ..ApiOptions::default() };
    let server = TestServer::with(Setup { options, ..Setup::default() });
    let head = format!(
        "POST /api/auth/api-key/verify HTTP/1.1\r\nHost: k\r\nAuthorization: Bearer {SERVER_KEY}\r\n\
         Content-Type: application/json\r\nContent-Length: 50\r\n\r\n{{"
    );
    let answer = raw(&server, &head).await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(answer.contains("\"code\":\"REQUEST_TIMEOUT\""), "{answer}");
}

#[tokio::test]
async fn a_client_that_trickles_its_head_is_let_go() {
    let server = TestServer::new();
    let answer = raw(&server, "POST /api/auth/api-key/verify HTTP/1.1\r\nHost:").await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 408 "), "{answer}");
}

#[tokio::test]
async fn oversized_heads_and_garbage_are_refused() {
    let server = TestServer::new();
    let many = "x: y\r\n".repeat(200);
    let large = format!("x: {}\r\n", "y".repeat(200_000));
    for head in [
        many.as_str(),
        &large,
        "broken header\r\n",
        "Content-Length: -1\r\n",
        "Content-Length: 1\r\nContent-Length: 2\r\n",
    ] {
        let answer = raw(&server, &format!("GET /healthz HTTP/1.1\r\nHost: k\r\n{head}\r\n")).await;
        let refused = answer.is_empty() || answer.starts_with("HTTP/1.1 4");
        assert!(refused, "{}: {answer}", &head[..head.len().min(40)]);
    }
    assert_eq!(server.plain("/healthz").await.status(), 200);
}

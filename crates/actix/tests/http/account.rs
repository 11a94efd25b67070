//! The account of a user: name, password and sessions. The differential tests compare it with Better Auth.

use keymint_service::ThrottleOptions;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{SERVER_KEY, Setup, TestServer, answer, assert_error};

const ALL: [(Method, &str); 6] = [
    (Method::POST, "change-password"),
    (Method::POST, "update-user"),
    (Method::GET, "list-sessions"),
    (Method::POST, "revoke-session"),
    (Method::POST, "revoke-sessions"),
    (Method::POST, "revoke-other-sessions"),
];

/// Returns a body that every one of them takes.
fn body() -> Value {
    json!({ "newPassword": "battery staple", "currentPassword": "correct horse", "name": "Ada L.", "token": "x" })
}

/// Signs Ada up or in, and returns the token.
async fn sign(server: &TestServer, path: &str) -> String {
    let body = json!({ "name": "Ada", "email": "ada@example.com", "password": "correct horse" });
    let (status, signed) = answer(server.auth(Method::POST, path).json(&body).send().await.unwrap()).await;
    assert_eq!(status, StatusCode::OK, "{signed}");
    signed["token"].as_str().unwrap().to_owned()
}

async fn ask(server: &TestServer, method: Method, path: &str, token: &str, body: &Value) -> (StatusCode, Value) {
    let request = server.auth(method.clone(), path).bearer_auth(token);
    let request = if method == Method::POST { request.json(body) } else { request };
    answer(request.send().await.unwrap()).await
}

#[tokio::test]
async fn without_a_session_of_a_user_nothing_is_changed() {
    let server = TestServer::new();
    for (method, path) in ALL {
        for token in [SERVER_KEY, "nobodys", ""] {
            let found = ask(&server, method.clone(), path, token, &body()).await;
            assert_error(&found, 401, "UNAUTHORIZED", "Unauthorized");
        }
    }
}

#[tokio::test]
async fn a_changed_password_counts_at_once_and_the_other_sessions_end_if_asked() {
    let server = TestServer::new();
    let (first, second) = (sign(&server, "sign-up/email").await, sign(&server, "sign-in/email").await);
    let change = json!({
        "newPassword": "battery staple", "currentPassword": "correct horse", "revokeOtherSessions": true
    });
    let (status, changed) = ask(&server, Method::POST, "change-password", &first, &change).await;
    assert_eq!(status, StatusCode::OK, "{changed}");
    let third = changed["token"].as_str().unwrap();
    for (token, is_valid) in [(first.as_str(), false), (second.as_str(), false), (third, true)] {
        let (status, _) = ask(&server, Method::GET, "list-sessions", token, &Value::Null).await;
        assert_eq!(status.is_success(), is_valid);
    }
    let again = ask(&server, Method::POST, "change-password", third, &change).await;
    assert_error(&again, 400, "INVALID_PASSWORD", "Invalid password");
}

#[tokio::test]
async fn guesses_of_a_password_are_throttled_like_sign_ins() {
    let throttle = ThrottleOptions { max_requests: 3.try_into().unwrap(), ..ThrottleOptions::default() };
    let server = TestServer::with(Setup { throttle: Some(throttle), ..Setup::default() });
    let token = sign(&server, "sign-up/email").await;
    let guess = json!({ "newPassword": "battery staple", "currentPassword": "wrong horse" });
    for _ in 0..2 {
        let found = ask(&server, Method::POST, "change-password", &token, &guess).await;
        assert_error(&found, 400, "INVALID_PASSWORD", "Invalid password");
    }
    let (status, _) = ask(&server, Method::POST, "change-password", &token, &guess).await;
    assert_eq!(status, StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn a_session_of_a_day_lists_none() {
    let server = TestServer::new();
    let token = sign(&server, "sign-up/email").await;
    server.clock.advance(86_399_999);
    assert!(ask(&server, Method::GET, "list-sessions", &token, &Value::Null).await.0.is_success());
    server.clock.advance(1);
    let found = ask(&server, Method::GET, "list-sessions", &token, &Value::Null).await;
    assert_error(&found, 403, "SESSION_NOT_FRESH", "Session is not fresh");
}

#[tokio::test]
async fn bad_names_and_pictures_are_refused_and_nothing_changes() {
    let server = TestServer::new();
    let token = sign(&server, "sign-up/email").await;
    let string = "Invalid input: expected string, received number";
    let unseen = "must not contain U+202E, which is not seen";
    for (edit, message) in [
        (json!({ "name": 5, "image": 7 }), format!("[body.name] {string}; [body.image] {string}")),
        (json!({ "name": "Ada\u{202e}" }), format!("[body.name] {unseen}")),
        (json!({ "image": "a\0" }), "[body.image] must not contain U+0000".to_owned()),
    ] {
        let found = ask(&server, Method::POST, "update-user", &token, &edit).await;
        assert_error(&found, 400, "VALIDATION_ERROR", &message);
    }
    let (_, session) = ask(&server, Method::GET, "get-session", &token, &Value::Null).await;
    assert_eq!(session["user"]["name"], "Ada");
}

//! Requests from other origins: forged ones are refused, trusted ones may read the answers.

use keymint_actix::ApiOptions;
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};

use crate::support::{ORIGIN, Setup, TestServer, answer, assert_error, trusted};

fn server() -> TestServer {
    let trusted_origins = trusted(&[ORIGIN, "https://*.partner.example", "myapp://"]);
    let options = ApiOptions { trusted_origins, ..ApiOptions::default() };
    TestServer::with(Setup { options, ..Setup::default() })
}

async fn send(server: &TestServer, method: Method, path: &str, headers: &[(&str, &str)]) -> Response {
    let request = server.auth(method.clone(), path);
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    let request = if method == Method::POST { request.json(&json!({})) } else { request };
    request.send().await.unwrap()
}

fn code(answer: &(StatusCode, Value)) -> (u16, &str) {
    (answer.0.as_u16(), answer.1["code"].as_str().unwrap_or("-"))
}

#[tokio::test]
async fn whoever_sends_cookies_must_come_from_a_trusted_origin() {
    let server = server();
    let passed = (401, "UNAUTHORIZED_SESSION");
    let (missing, foreign) = ((403, "MISSING_OR_NULL_ORIGIN"), (403, "INVALID_ORIGIN"));
    for (headers, expected) in [
        (&[][..], passed),
        (&[("origin", "https://evil.example")], passed),
        (&[("cookie", "theme=dark")], missing),
        (&[("cookie", "x"), ("origin", "null")], missing),
        (&[("cookie", "x"), ("origin", "https://evil.example")], foreign),
        (&[("cookie", "x"), ("origin", "https://keys.example.com.evil.example")], foreign),
        (&[("cookie", "x"), ("origin", "http://keys.example.com")], foreign),
        (&[("cookie", "x"), ("origin", ORIGIN)], passed),
        (&[("cookie", "x"), ("origin", "https://a.partner.example")], passed),
        (&[("cookie", "x"), ("origin", "myapp://callback")], passed),
        (&[("cookie", "x"), ("referer", "https://keys.example.com/page?x")], passed),
        (&[("cookie", "x"), ("referer", "https://evil.example/https://keys.example.com")], foreign),
        (&[("cookie", "x"), ("origin", "https://evil.example"), ("referer", ORIGIN)], foreign),
    ] {
        let found = answer(send(&server, Method::POST, "api-key/create", headers).await).await;
        assert_eq!(code(&found), expected, "{headers:?}");
    }
    let read = answer(send(&server, Method::GET, "api-key/list", &[("cookie", "x")]).await).await;
    assert_eq!(code(&read), (401, "UNAUTHORIZED"), "reading changes nothing");
}

#[tokio::test]
async fn sign_in_is_looked_at_without_cookies_too() {
    let server = server();
    let passed = (401, "INVALID_EMAIL_OR_PASSWORD");
    let (missing, foreign) = ((403, "MISSING_OR_NULL_ORIGIN"), (403, "INVALID_ORIGIN"));
    for (headers, expected) in [
        (&[][..], passed),
        (&[("origin", ORIGIN)], passed),
        (&[("origin", "https://evil.example")], foreign),
        (&[("referer", "https://evil.example/x")], foreign),
        (&[("sec-fetch-site", "same-origin")], missing),
        (&[("sec-fetch-site", "same-origin"), ("origin", ORIGIN)], passed),
        (&[("sec-fetch-mode", "cors"), ("origin", "https://evil.example")], foreign),
        (
            &[("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate"), ("origin", ORIGIN)],
            (403, "CROSS_SITE_NAVIGATION_LOGIN_BLOCKED"),
        ),
        (&[("cookie", "x")], missing),
        (
            &[("cookie", "x"), ("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate"), ("origin", ORIGIN)],
            passed,
        ),
    ] {
        let body = json!({ "email": "ada@example.com", "password": "password" });
        let request = server.auth(Method::POST, "sign-in/email").json(&body);
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        let found = answer(request.send().await.unwrap()).await;
        assert_eq!(code(&found), expected, "{headers:?}");
    }
    let malformed = server.auth(Method::POST, "sign-in/email").header("origin", "https://evil.example");
    let found = answer(malformed.json(&json!({})).send().await.unwrap()).await;
    assert_eq!(code(&found), (400, "VALIDATION_ERROR"), "what is malformed is told first");
}

#[tokio::test]
async fn urls_to_be_sent_on_to_are_paths_or_trusted() {
    let server = server();
    for (member, status, code, message) in [
        ("callbackURL", 403, "INVALID_CALLBACK_URL", "Invalid callbackURL"),
        ("redirectTo", 403, "INVALID_REDIRECT_URL", "Invalid redirectURL"),
        ("errorCallbackURL", 403, "INVALID_ERROR_CALLBACK_URL", "Invalid errorCallbackURL"),
        ("newUserCallbackURL", 403, "INVALID_NEW_USER_CALLBACK_URL", "Invalid newUserCallbackURL"),
    ] {
        for url in [
            "https://evil.example",
            "//evil.example",
            "/\\evil.example",
            "/%2Fevil.example",
            "evil",
            "javascript:1",
            "javascript://a.partner.example/%0aalert(1)",
            "https://keys.example.com/a\nb",
            "https://keys.example.com/a\r\nSet-Cookie: x=y",
            "https://keys.example.com/\u{7f}",
            "https://keys.example.com\\@evil.example",
        ] {
            let request = server.anonymous(Method::POST, "create").json(&json!({ member: url }));
            assert_error(&answer(request.send().await.unwrap()).await, status, code, message);
        }
        for url in ["/a/b?c=https://evil.example", "https://keys.example.com/a", "https://a.partner.example", ""] {
            let request = server.anonymous(Method::POST, "create").json(&json!({ member: url }));
            assert_eq!(request.send().await.unwrap().status(), 401, "{member} {url}");
        }
    }
    let query = server.anonymous(Method::POST, "create?callbackURL=https://evil.example").json(&json!({}));
    assert_error(&answer(query.send().await.unwrap()).await, 403, "INVALID_CALLBACK_URL", "Invalid callbackURL");
}

#[tokio::test]
async fn a_trusted_page_reads_every_answer_and_a_stranger_none() {
    let server = server();
    let header =
        |response: &Response, name: &str| response.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
    for (path, origin, allowed) in [
        ("api-key/list", Some(ORIGIN), true),
        ("get-session", Some("https://a.partner.example"), true),
        ("nowhere", Some(ORIGIN), true),
        ("api-key/list", Some("https://evil.example"), false),
        ("api-key/list", Some("null"), false),
        ("api-key/list", None, false),
    ] {
        let headers: Vec<_> = origin.map(|origin| ("origin", origin)).into_iter().collect();
        let response = send(&server, Method::GET, path, &headers).await;
        assert_eq!(
            header(&response, "access-control-allow-origin").as_deref(),
            origin.filter(|_| allowed),
            "{origin:?}"
        );
        assert_eq!(header(&response, "access-control-allow-credentials").is_some(), allowed);
        let exposed = header(&response, "access-control-expose-headers");
        assert_eq!(exposed.is_some_and(|exposed| exposed.contains("Retry-After")), allowed);
        assert_eq!(header(&response, "vary").as_deref(), Some("Origin"));
    }
}

#[tokio::test]
async fn a_preflight_is_answered_for_trusted_pages_only() {
    let server = server();
    for (origin, allowed) in [(ORIGIN, true), ("https://evil.example", false)] {
        let headers = [
            ("origin", origin),
            ("access-control-request-method", "POST"),
            ("access-control-request-headers", "content-type,x-api-key"),
        ];
        let response = send(&server, Method::OPTIONS, "api-key/create", &headers).await;
        assert_eq!(response.status(), 204);
        assert_eq!(response.headers()["vary"], "Origin");
        let found = |name: &str| response.headers().get(name).map(|value| value.to_str().unwrap());
        let expected = |value: &'static str| allowed.then_some(value);
        assert_eq!(found("access-control-allow-origin"), allowed.then_some(origin));
        assert_eq!(found("access-control-allow-credentials"), expected("true"));
        assert_eq!(found("access-control-allow-methods"), expected("GET, POST"));
        assert_eq!(found("access-control-allow-headers"), expected("content-type,x-api-key"));
        assert_eq!(found("access-control-max-age"), expected("600"));
    }
    let plain = answer(send(&server, Method::OPTIONS, "api-key/create", &[("origin", ORIGIN)]).await).await;
    assert_eq!(code(&plain), (404, "NOT_FOUND"));
}

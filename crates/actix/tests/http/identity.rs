//! Signing up, in and out, and what the session is good for.

use keymint_domain::OwnerId;
use keymint_domain::verify::{Ban, Owner};
use keymint_service::{IdentityOptions, ThrottleOptions};
use keymint_store_memory::MemoryStore;
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};

use crate::support::{NOW, Setup, TestServer, answer, assert_error, cookie_header, cookies};

const DAY_MS: u64 = 86_400_000;

async fn post(server: &TestServer, path: &str, body: Value) -> Response {
    server.auth(Method::POST, path).json(&body).send().await.unwrap()
}

async fn session(server: &TestServer, cookie: &str) -> Response {
    server.auth(Method::GET, "get-session").header("cookie", cookie).send().await.unwrap()
}

fn ada() -> Value {
    json!({ "name": "Ada", "email": "Ada@Example.com", "password": "password" })
}

#[tokio::test]
async fn who_signs_up_has_a_session_until_they_sign_out() {
    let server = TestServer::new();
    let signed_up = post(&server, "sign-up/email", ada()).await;
    let lines = cookies(&signed_up);
    assert_eq!(lines.len(), 1);
    assert!(lines[0].ends_with("; Max-Age=604800; Path=/; HttpOnly; SameSite=Lax"), "{lines:?}");
    let cookie = cookie_header(&lines);
    assert_eq!(
        format!("better-auth.session_token={}", signed_up.headers()["set-auth-token"].to_str().unwrap()),
        cookie
    );
    let (status, body) = answer(signed_up).await;
    assert_eq!(status, 200);
    assert_eq!(body["user"]["email"], "ada@example.com");
    assert_eq!((&body["user"]["emailVerified"], &body["user"]["image"]), (&json!(false), &Value::Null));

    let found = session(&server, &cookie).await;
    assert_eq!(
        (&found.headers()["cache-control"], &found.headers()["pragma"]),
        (&"no-store".parse().unwrap(), &"no-cache".parse().unwrap())
    );
    let (_, found) = answer(found).await;
    assert_eq!(found["user"], body["user"]);
    assert_eq!((&found["session"]["token"], &found["session"]["userId"]), (&body["token"], &body["user"]["id"]));
    assert_eq!((&found["session"]["ipAddress"], &found["session"]["userAgent"]), (&json!("127.0.0.1"), &json!("")));

    let out = server.auth(Method::POST, "sign-out").header("cookie", &cookie).header("origin", crate::support::ORIGIN);
    let out = out.send().await.unwrap();
    let cleared = ["session_token", "session_data", "dont_remember"]
        .map(|name| format!("better-auth.{name}=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax"));
    assert_eq!(cookies(&out), cleared);
    assert_eq!(answer(out).await.1, json!({ "success": true }));
    let gone = session(&server, &cookie).await;
    assert_eq!(cookies(&gone), cleared);
    assert_eq!(answer(gone).await, (StatusCode::OK, Value::Null));
}

#[tokio::test]
async fn a_session_that_is_not_to_be_remembered_has_two_cookies_without_an_age() {
    let server = TestServer::with(Setup { is_secure: true, ..Setup::default() });
    server.sign_up("ada").await;
    let body = json!({ "email": "ada@example.com", "password": "password", "rememberMe": false });
    let signed_in = post(&server, "sign-in/email", body).await;
    let lines = cookies(&signed_in);
    for (line, name) in lines.iter().zip(["session_token", "dont_remember"]) {
        assert!(line.starts_with(&format!("__Secure-better-auth.{name}=")), "{line}");
        assert!(line.ends_with("; Path=/; HttpOnly; Secure; SameSite=Lax") && !line.contains("Max-Age"), "{line}");
    }
    let cookie = cookie_header(&lines);
    server.clock.advance(DAY_MS);
    let found = session(&server, &cookie).await;
    assert_eq!(cookies(&found), Vec::<String>::new(), "it is not refreshed");
    assert_eq!(answer(found).await.1["session"]["expiresAt"], NOW.plus_millis(DAY_MS).to_string());
    server.clock.advance(1);
    assert_eq!(answer(session(&server, &cookie).await).await.1, Value::Null);
}

#[tokio::test]
async fn a_session_keeps_the_beginning_of_a_long_user_agent() {
    let server = TestServer::new();
    let agent = format!("{}{}", "é".repeat(500), "x".repeat(10_000));
    let request = server.auth(Method::POST, "sign-up/email").header("user-agent", agent.as_bytes());
    let signed_up = request.json(&ada()).send().await.unwrap();
    let found = answer(session(&server, &cookie_header(&cookies(&signed_up))).await).await.1;
    assert_eq!(found["session"]["userAgent"], format!("{}{}", "é".repeat(500), "x".repeat(12)));
}

#[tokio::test]
async fn a_session_is_refreshed_wherever_it_is_shown_and_whatever_the_answer() {
    let server = TestServer::new();
    let signed_up = post(&server, "sign-up/email", ada()).await;
    let lines = cookies(&signed_up);
    let cookie = cookie_header(&lines);
    server.clock.advance(DAY_MS);
    let not_now = server.auth(Method::GET, "get-session?disableRefresh=true").header("cookie", &cookie);
    assert_eq!(cookies(&not_now.send().await.unwrap()), Vec::<String>::new());
    let missing = server.anonymous(Method::GET, "get?id=missing").header("cookie", &cookie).send().await.unwrap();
    assert_eq!(missing.status(), 404);
    assert_eq!(cookies(&missing), lines, "the same cookie, with a new week");
    let found = answer(session(&server, &cookie).await).await.1;
    assert_eq!(found["session"]["expiresAt"], NOW.plus_millis(8 * DAY_MS).to_string());
}

#[tokio::test]
async fn requests_that_make_no_sense_are_told_so_in_zods_words() {
    let server = TestServer::new();
    let undefined = "Invalid input: expected string, received undefined";
    let body = |text: &str| text.to_owned();
    for (path, request, message) in [
        (
            "sign-up/email",
            json!([]),
            body(
                "[body] Invalid input: expected object, received array; [body] Invalid input: expected record, received array",
            ),
        ),
        (
            "sign-up/email",
            json!({ "email": "ada", "password": "", "rememberMe": 1 }),
            format!(
                "[body.name] {undefined}; [body.email] Invalid email address; [body.password] Too small: expected string to \
                 have >=1 characters; [body.rememberMe] Invalid input: expected boolean, received number"
            ),
        ),
        (
            "sign-up/email",
            json!({ "name": "a\u{0}", "email": "a@b.co", "password": "password" }),
            body("[body.name] must not contain U+0000"),
        ),
        (
            "sign-up/email",
            json!({ "name": "nimda\u{202e}", "email": "a@b.co", "password": "password" }),
            body("[body.name] must not contain U+202E, which is not seen"),
        ),
        (
            "sign-up/email",
            json!({ "name": "a\u{9b}2J", "email": "a@b.co", "password": "password" }),
            body("[body.name] must not contain U+009B, which is not seen"),
        ),
        (
            "sign-up/email",
            json!({ "name": "a".repeat(256), "email": "a@b.co", "password": "password" }),
            body("[body.name] must have 255 characters or fewer"),
        ),
        (
            "sign-up/email",
            json!({ "name": "a", "email": "a@b.co", "password": "password", "image": "a".repeat(16_385) }),
            body("[body.image] must have 16384 characters or fewer"),
        ),
        (
            "sign-up/email",
            json!({ "name": "a", "email": "a@b.co", "password": "password", "image": "\u{0}" }),
            body("[body.image] must not contain U+0000"),
        ),
        ("sign-in/email", json!({}), format!("[body.email] {undefined}; [body.password] {undefined}")),
        ("sign-in/email", json!("x"), body("[body] Invalid input: expected object, received string")),
        ("sign-out", json!({ "state": 1 }), body("[body.state] Invalid input: expected string, received number")),
    ] {
        let refused = answer(post(&server, path, request.clone()).await).await;
        assert_error(&refused, 400, "VALIDATION_ERROR", &message);
    }
    let empty = server.auth(Method::POST, "sign-out").send().await.unwrap();
    assert_eq!(empty.status(), 200);
}

#[tokio::test]
async fn forms_may_sign_in_and_up() {
    let server = TestServer::new();
    let form = |path: &str, fields: &str| {
        server
            .auth(Method::POST, path)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(fields.to_owned())
            .send()
    };
    let up = form("sign-up/email", "name=Ada+L&email=ada%40example.com&password=password").await.unwrap();
    assert_eq!(answer(up).await.1["user"]["name"], "Ada L");
    let into = form("sign-in/email", "email=ada@example.com&password=password").await.unwrap();
    assert_eq!(into.status(), 200);
    let elsewhere = answer(form("api-key/create", "name=x").await.unwrap()).await;
    assert_eq!((elsewhere.0.as_u16(), &elsewhere.1["code"]), (415, &json!("UNSUPPORTED_MEDIA_TYPE")));
    let text = server.auth(Method::POST, "sign-in/email").header("content-type", "text/plain").body("x");
    let message = "Content-Type \"text/plain\" is not allowed. Allowed types: application/x-www-form-urlencoded, application/json";
    assert_error(&answer(text.send().await.unwrap()).await, 415, "UNSUPPORTED_MEDIA_TYPE", message);
}

#[tokio::test]
async fn refusals_have_better_auths_statuses() {
    let server = TestServer::new();
    server.sign_up("ada").await;
    let again = json!({ "name": "x", "email": "ADA@example.com", "password": "password" });
    let taken = answer(post(&server, "sign-up/email", again).await).await;
    assert_error(&taken, 422, "USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL", "User already exists. Use another email.");
    let wrong = json!({ "email": "ada@example.com", "password": "wrong" });
    let wrong = answer(post(&server, "sign-in/email", wrong).await).await;
    assert_error(&wrong, 401, "INVALID_EMAIL_OR_PASSWORD", "Invalid email or password");
    let (status, body) = answer(server.auth(Method::POST, "get-session").send().await.unwrap()).await;
    assert_eq!((status.as_u16(), &body["code"]), (405, &json!("METHOD_NOT_ALLOWED_DEFER_SESSION_REQUIRED")));

    let closed = IdentityOptions { email_and_password: false, ..IdentityOptions::default() };
    let server = TestServer::with(Setup { identity: closed, ..Setup::default() });
    let up = answer(post(&server, "sign-up/email", ada()).await).await;
    assert_error(&up, 400, "EMAIL_PASSWORD_SIGN_UP_DISABLED", "Email and password sign up is not enabled");
    let into = answer(post(&server, "sign-in/email", ada()).await).await;
    assert_error(&into, 400, "EMAIL_PASSWORD_DISABLED", "Email and password is not enabled");
}

#[tokio::test]
async fn a_callback_is_where_the_answer_points() {
    let server = TestServer::new();
    server.sign_up("ada").await;
    let sign_in = |url: &str| json!({ "email": "ada@example.com", "password": "password", "callbackURL": url });
    let sent_on = post(&server, "sign-in/email", sign_in("/dashboard")).await;
    assert_eq!(sent_on.headers()["location"], "/dashboard");
    let body = answer(sent_on).await.1;
    assert_eq!((&body["redirect"], &body["url"]), (&json!(true), &json!("/dashboard")));
    let nowhere = post(&server, "sign-in/email", sign_in("")).await;
    assert!(!nowhere.headers().contains_key("location"));
    let body = answer(nowhere).await.1;
    assert_eq!((&body["redirect"], &body["url"]), (&json!(false), &json!("")));
    let away = answer(post(&server, "sign-in/email", sign_in("https://evil.example")).await).await;
    assert_error(&away, 403, "INVALID_CALLBACK_URL", "Invalid callbackURL");
    let odd = json!({ "email": "ada@example.com", "password": "password", "callbackURL": 5 });
    let odd = answer(post(&server, "sign-in/email", odd).await).await;
    assert_error(&odd, 400, "BAD_REQUEST", "Invalid callbackURL: expected a string");
}

#[tokio::test]
async fn whoever_guesses_is_slowed_down_by_their_address() {
    let throttle = ThrottleOptions { max_requests: 2.try_into().unwrap(), window: std::time::Duration::from_hours(1) };
    let server = TestServer::with(Setup { throttle: Some(throttle), ..Setup::default() });
    let guess = json!({ "email": "ada@example.com", "password": "guess" });
    for path in ["sign-in/email", "sign-up/email"] {
        assert_ne!(post(&server, path, guess.clone()).await.status(), 429, "{path}");
    }
    let slowed = post(&server, "sign-in/email", guess).await;
    let wait = slowed.headers()["retry-after"].to_str().unwrap().to_owned();
    assert_eq!(slowed.headers()["x-retry-after"], wait);
    assert!((1790..=1800).contains(&wait.parse::<u32>().unwrap()), "{wait}");
    let slowed = answer(slowed).await;
    assert_error(&slowed, 429, "TOO_MANY_REQUESTS", "Too many requests. Please try again later.");
    let session = server.auth(Method::GET, "get-session").send().await.unwrap();
    assert_eq!(session.status(), 200, "only those who try passwords are slowed down");
}

#[tokio::test]
async fn a_bearer_token_is_as_good_as_a_cookie() {
    let server = TestServer::new();
    let signed_up = post(&server, "sign-up/email", ada()).await;
    let signed = signed_up.headers()["set-auth-token"].to_str().unwrap().to_owned();
    let token = answer(signed_up).await.1["token"].as_str().unwrap().to_owned();
    for shown in [&token, &signed] {
        let found = server.auth(Method::GET, "get-session").bearer_auth(shown).send().await.unwrap();
        assert_eq!(answer(found).await.1["user"]["name"], "Ada", "{shown}");
        let created =
            server.anonymous(Method::POST, "create").bearer_auth(shown).json(&json!({})).send().await.unwrap();
        assert_eq!(created.status(), 200);
    }
    let cookie = format!("better-auth.session_token={signed}");
    let foreign = server.auth(Method::GET, "get-session").bearer_auth("a.foreign.token").header("cookie", &cookie);
    assert_eq!(answer(foreign.send().await.unwrap()).await.1["user"]["name"], "Ada", "it hides no cookie");
    let forged = format!("{token}.{}", "A".repeat(43) + "=");
    for shown in ["", "unknown", &forged] {
        let found = server.auth(Method::GET, "get-session").bearer_auth(shown).send().await.unwrap();
        assert_eq!(cookies(&found), Vec::<String>::new(), "no cookies for who sent none");
        assert_eq!(answer(found).await.1, Value::Null, "{shown}");
    }
    let out = server.auth(Method::POST, "sign-out").bearer_auth(&token).send().await.unwrap();
    assert_eq!(out.status(), 200);
    let gone = server.auth(Method::GET, "get-session").bearer_auth(&token).send().await.unwrap();
    assert_eq!(answer(gone).await.1, Value::Null);
}

#[tokio::test]
async fn forged_cookies_are_nobodys() {
    let server = TestServer::new();
    let token = server.sign_up("ada").await["token"].as_str().unwrap().to_owned();
    for value in [token.clone(), format!("{token}."), format!("{token}.{}%3D", "A".repeat(43)), "%".to_owned()] {
        let found = session(&server, &format!("better-auth.session_token={value}")).await;
        assert_eq!(cookies(&found), Vec::<String>::new());
        assert_eq!(answer(found).await, (StatusCode::OK, Value::Null), "{value}");
        let list = server.anonymous(Method::GET, "list").header("cookie", format!("better-auth.session_token={value}"));
        assert_error(&answer(list.send().await.unwrap()).await, 401, "UNAUTHORIZED", "Unauthorized");
    }
}

#[tokio::test]
async fn a_banned_user_is_refused_everywhere() {
    let store = MemoryStore::default();
    let server = TestServer::with(Setup::on(store.clone()));
    let signed_up = post(&server, "sign-up/email", ada()).await;
    let cookie = cookie_header(&cookies(&signed_up));
    let id = answer(signed_up).await.1["user"]["id"].as_str().unwrap().to_owned();
    store.put_owner(OwnerId::parse(id).unwrap(), Owner::Banned(Ban { until: Some(NOW.plus_millis(1000)) }));
    assert_eq!(answer(session(&server, &cookie).await).await.1, Value::Null);
    for (method, path) in [(Method::GET, "list"), (Method::GET, "get?id=x")] {
        let refused = server.anonymous(method, path).header("cookie", &cookie).send().await.unwrap();
        assert_error(&answer(refused).await, 401, "USER_BANNED", "User is banned");
    }
    for (path, body) in [
        ("create", json!({})),
        ("update", json!({ "keyId": "x" })),
        ("delete", json!({ "keyId": "x" })),
        ("revoke", json!({ "id": "x" })),
    ] {
        let request = server.anonymous(Method::POST, path).header("cookie", &cookie).json(&body);
        let refused = request.header("origin", crate::support::ORIGIN).send().await.unwrap();
        assert_error(&answer(refused).await, 401, "USER_BANNED", "User is banned");
    }
    let (status, body) = answer(post(&server, "sign-in/email", ada()).await).await;
    assert_eq!((status.as_u16(), &body["code"]), (403, &json!("BANNED_USER")));
    server.clock.advance(1000);
    assert_eq!(answer(session(&server, &cookie).await).await.1["user"]["name"], "Ada");
}

#[tokio::test]
async fn signing_out_ends_every_session_that_is_shown() {
    let server = TestServer::new();
    let [by_cookie, by_token] = [sign_up_as(&server, "ada").await, sign_up_as(&server, "bob").await];
    let cookie = format!("better-auth.session_token={by_cookie}");
    let out = server.auth(Method::POST, "sign-out").bearer_auth(&by_token).header("cookie", &cookie);
    assert_eq!(out.header("origin", crate::support::ORIGIN).send().await.unwrap().status(), 200);
    for token in [by_cookie, by_token] {
        let gone = server.auth(Method::GET, "get-session").bearer_auth(token).send().await.unwrap();
        assert_eq!(answer(gone).await.1, Value::Null);
    }
}

/// The signed token of somebody who signs up.
async fn sign_up_as(server: &TestServer, name: &str) -> String {
    let body = json!({ "name": name, "email": format!("{name}@example.com"), "password": "password" });
    post(server, "sign-up/email", body).await.headers()["set-auth-token"].to_str().unwrap().to_owned()
}

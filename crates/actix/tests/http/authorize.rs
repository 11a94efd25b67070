//! `/authorize`: what gateways ask and are told.

use keymint_actix::ApiOptions;
use keymint_domain::{ConfigId, Configuration, Policy};
use keymint_ports::{MockKeyStore, StoreError};
use keymint_service::Access;
use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::{SERVER_KEY, Setup, TestServer};

/// A server behind gateways on this machine, with a second configuration.
pub(crate) fn setup() -> Setup {
    let team = Configuration {
        api_key_headers: vec!["x-team-key".to_owned()],
        ..Configuration::new(ConfigId::parse("team").unwrap())
    };
    let policy = Policy::new(vec![Configuration::default(), team]).unwrap();
    let trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    Setup { policy, options: ApiOptions { trusted_proxies, ..ApiOptions::default() }, ..Setup::default() }
}

/// The same, where this machine is nobody in particular.
pub(crate) fn untrusting() -> Setup {
    Setup { options: ApiOptions::default(), ..setup() }
}

pub(crate) fn ask(server: &TestServer, method: Method, path: &str) -> RequestBuilder {
    Client::new().request(method, format!("http://{}/authorize{path}", server.address))
}

async fn get(server: &TestServer, path: &str, key: &Value) -> Response {
    ask(server, Method::GET, path).header("x-api-key", key["key"].as_str().unwrap()).send().await.unwrap()
}

fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    response.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

/// The status and the problem's code of a denial, whose form is checked.
async fn denied(response: Response) -> (u16, String) {
    let status = response.status();
    assert_eq!(header(&response, "content-type"), "application/problem+json");
    assert_eq!(header(&response, "cache-control"), "no-store");
    let challenge = header(&response, "www-authenticate").to_owned();
    let problem: Value = response.json().await.unwrap();
    let expected = match (status.as_u16(), problem["code"].as_str()) {
        // Nothing is said about a key that was not shown.
        (401, Some("MISSING_API_KEY")) => r#"Bearer realm="keymint""#,
        (401, _) => r#"Bearer realm="keymint", error="invalid_token""#,
        _ => "",
    };
    assert_eq!(challenge, expected, "{problem}");
    assert_eq!(problem["status"], status.as_u16());
    for member in ["type", "title", "detail"] {
        assert!(problem[member].as_str().is_some_and(|text| !text.is_empty()), "{problem}");
    }
    (status.as_u16(), problem["code"].as_str().unwrap().to_owned())
}

fn denial(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

/// The answer to a request whose path and headers are sent as they are, to the end of the connection.
pub(crate) async fn raw(server: &TestServer, method: &str, path: &str, lines: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let length = body.len();
    let head = format!(
        "{method} /authorize{path} HTTP/1.1\r\nHost: k\r\nConnection: close\r\nContent-Length: {length}\r\n{lines}\r\n"
    );
    // The server may answer, and close, before it has read all.
    let _ = stream.write_all(format!("{head}{body}").as_bytes()).await;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

/// Calls that the key's quota still allows.
pub(crate) async fn left(server: &TestServer, key: &Value) -> Value {
    let (_, key) = server.get(&format!("get?id={}", key["id"].as_str().unwrap())).await;
    key["remaining"].clone()
}

#[tokio::test]
async fn whoever_may_pass_is_named_by_every_header_whatever_the_client_sent() {
    let server = TestServer::with(setup());
    let body = json!({
        "userId": "ada", "name": "Ada's ключ", "remaining": 7,
        "permissions": { "files": ["read", "write"], "a:b": ["c,d"] },
    });
    let full = server.create(body).await;
    let bare = server.create(json!({ "userId": "-" })).await;
    for (key, owner, name, permissions, remaining) in [
        (&full, "ada", "Ada%27s%20%D0%BA%D0%BB%D1%8E%D1%87", "a%3Ab:c%2Cd,files:read,files:write", "6"),
        (&bare, "%2D", "-", "-", "-"),
    ] {
        let request = ask(&server, Method::GET, "").header("x-api-key", key["key"].as_str().unwrap());
        let request = request.header("x-key-owner", "eve").header("x-key-remaining", "1000000");
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200);
        for (name, value) in [
            ("x-key-id", key["id"].as_str().unwrap()),
            ("x-key-owner", owner),
            ("x-key-config", "default"),
            ("x-key-name", name),
            ("x-key-permissions", permissions),
            ("x-key-meta", "-"),
            ("x-key-remaining", remaining),
            ("x-key-assertion", "-"),
            ("cache-control", "no-store"),
            ("content-length", "0"),
        ] {
            assert_eq!(header(&response, name), value, "{name}");
        }
    }
}

#[tokio::test]
async fn metadata_is_base64url_of_its_json_and_what_is_too_long_is_left_out() {
    let enabled = Configuration { enable_metadata: true, ..Configuration::default() };
    let server = TestServer::with(Setup { policy: Policy::new(vec![enabled]).unwrap(), ..setup() });
    let small = server.create(json!({ "userId": "ada", "metadata": { "plan": "pro\r\nX: y" } })).await;
    assert_eq!(header(&get(&server, "", &small).await, "x-key-meta"), "eyJwbGFuIjoicHJvXHJcblg6IHkifQ");
    let large = server.create(json!({ "userId": "ada", "metadata": { "plan": "x".repeat(100_000) } })).await;
    let response = get(&server, "", &large).await;
    assert_eq!((response.status().as_u16(), header(&response, "x-key-meta")), (200, "-"));
}

#[tokio::test]
async fn every_method_and_every_path_below_is_answered_alike_and_the_body_is_ignored() {
    let server = TestServer::with(setup());
    let key = server.create(json!({ "userId": "ada", "remaining": 100, "rateLimitEnabled": false })).await;
    let line = format!("X-Api-Key: {}\r\n", key["key"].as_str().unwrap());
    let mut paid = 0;
    for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"] {
        for path in ["", "/", "/a/b?config=team&cost=50", "/%2e%2e/healthz", "/../healthz", "//x", "/..%2f%00%ff", "/%"]
        {
            let body = if path.is_empty() { "{ nonsense".repeat(1000) } else { String::new() };
            let answer = raw(&server, method, path, &line, &body).await;
            paid += 1;
            assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{method} {path}: {answer}");
            assert!(answer.contains(&format!("\r\nx-key-remaining: {}\r\n", 100 - paid)), "{method} {path}: {answer}");
            let answer = raw(&server, method, path, "", "").await;
            assert!(answer.starts_with("HTTP/1.1 401 "), "{method} {path}: {answer}");
        }
    }
    for path in ["/authorizeX", "/authorize%2fx", "/authoriz", "/api/auth/authorize"] {
        assert_eq!(server.plain(path).await.status(), 404, "{path}");
    }
}

#[tokio::test]
async fn only_gateways_and_servers_may_ask() {
    let server = TestServer::with(untrusting());
    let key = server.create(json!({ "userId": "ada", "remaining": 5 })).await;
    let text = key["key"].as_str().unwrap();
    let not_a_gateway = denial(403, "NOT_A_GATEWAY");
    for (name, value) in [
        ("x-forwarded-for", "127.0.0.1"),
        ("x-authz-server-key", "not-a-server-key-of-thirty-two-or-more"),
        ("x-authz-server-key", text),
        ("authorization", &format!("Bearer {SERVER_KEY}")),
        ("x-authz-deny", "403"),
    ] {
        let request = ask(&server, Method::GET, "").header("x-api-key", text).header(name, value);
        let response = request.send().await.unwrap();
        assert_eq!(header(&response, "x-authz-code"), "NOT_A_GATEWAY", "{name}");
        assert_eq!(denied(response).await, not_a_gateway, "{name}");
    }
    assert_eq!(denied(ask(&server, Method::GET, "?cost=x").send().await.unwrap()).await, not_a_gateway);
    assert_eq!(left(&server, &key).await, 5);
    let request = ask(&server, Method::GET, "").header("x-authz-server-key", SERVER_KEY).bearer_auth(text);
    assert_eq!(request.send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn anyone_asks_where_everybody_may_verify_but_sets_no_header() {
    let server = TestServer::with(Setup { access: Access::Public, ..untrusting() });
    let key = server.create(json!({ "userId": "ada", "remaining": 5 })).await;
    let request = ask(&server, Method::GET, "?cost=2").header("x-api-key", key["key"].as_str().unwrap());
    let response = request.header("x-authz-config", "team").header("x-authz-cost", "x").send().await.unwrap();
    assert_eq!((response.status().as_u16(), header(&response, "x-key-remaining")), (200, "3"));
}

#[tokio::test]
async fn a_key_is_taken_from_any_configured_header_or_as_a_bearer_token_and_two_are_none() {
    let server = TestServer::with(setup());
    let key = server.create(json!({ "userId": "ada", "remaining": 100, "rateLimitEnabled": false })).await;
    let text = key["key"].as_str().unwrap();
    let request = || ask(&server, Method::GET, "");
    for request in [
        request().header("x-api-key", text),
        request().header("x-team-key", text),
        request().bearer_auth(text),
        request().header("x-api-key", text).header("x-team-key", text).bearer_auth(text),
    ] {
        assert_eq!(request.send().await.unwrap().status(), 200);
    }
    for (request, code) in [
        (request(), "MISSING_API_KEY"),
        (request().header("x-api-key", ""), "MISSING_API_KEY"),
        (request().basic_auth(text, Some(text)), "MISSING_API_KEY"),
        (request().header("x-api-key", text).bearer_auth("other"), "DIFFERENT_API_KEYS"),
        (request().header("x-api-key", text).header("x-api-key", "other"), "DIFFERENT_API_KEYS"),
        (request().header("x-api-key", "nonsense"), "INVALID_API_KEY"),
        (request().header("x-api-key", format!("{text}, {text}")), "INVALID_API_KEY"),
        (request().header("x-api-key", "k".repeat(60_000)), "INVALID_API_KEY"),
        (request().header("x-api-key", &b"\xff\x80"[..]), "INVALID_API_KEY"),
    ] {
        assert_eq!(denied(request.send().await.unwrap()).await, denial(401, code));
    }
    assert_eq!(left(&server, &key).await, 96);
}

#[tokio::test]
async fn a_token_of_the_applications_own_stands_beside_a_key_where_it_is_said_that_it_may() {
    let off = ApiOptions { authorize_bearer: false, ..setup().options };
    for (options, ways) in [
        (setup().options, [("?bearer=off", true), ("?bearer=on", false), ("", false)]),
        (off, [("?bearer=off", true), ("?bearer=on", false), ("", true)]),
    ] {
        let server = TestServer::with(Setup { options, ..setup() });
        let key = server.create(json!({ "userId": "ada", "rateLimitEnabled": false })).await;
        let text = key["key"].as_str().unwrap();
        for (path, is_token) in ways {
            let request = || ask(&server, Method::GET, path).header("x-authz-bearer", "off");
            let both = request().header("x-api-key", text).bearer_auth("eyJ0.e30.sig").send().await.unwrap();
            let alone = request().bearer_auth(text).send().await.unwrap();
            if is_token {
                assert_eq!((both.status().as_u16(), header(&both, "x-key-header")), (200, "x-api-key"), "{path}");
                assert_eq!(denied(alone).await, denial(401, "MISSING_API_KEY"), "{path}");
            } else {
                assert_eq!(denied(both).await, denial(401, "DIFFERENT_API_KEYS"), "{path}");
                assert_eq!((alone.status().as_u16(), header(&alone, "x-key-header")), (200, "authorization"), "{path}");
                assert_eq!(header(&alone, "x-envoy-auth-headers-to-remove"), "authorization");
            }
        }
    }
}

#[tokio::test]
async fn a_denial_says_whether_another_key_other_permissions_or_time_would_help() {
    let server = TestServer::with(setup());
    let expired = server.create(json!({ "userId": "ada", "expiresIn": 86_400 })).await;
    server.clock.advance(86_400_001);
    let disabled = server.create(json!({ "userId": "ada" })).await;
    server.post("update", json!({ "keyId": disabled["id"], "enabled": false })).await;
    let exhausted = server.create(json!({ "userId": "ada", "remaining": 0 })).await;
    let limited = server.create(json!({ "userId": "ada", "rateLimitMax": 1, "rateLimitTimeWindow": 1500 })).await;
    let reader = json!({ "userId": "ada", "permissions": { "files": ["read"] }, "rateLimitEnabled": false });
    let reader = server.create(reader).await;
    assert_eq!(get(&server, "?permissions=files:read&config=default", &reader).await.status(), 200);
    assert_eq!(get(&server, "", &limited).await.status(), 200);
    for (key, path, status, code, retry_after) in [
        (&expired, "", 401, "KEY_EXPIRED", ""),
        (&disabled, "", 401, "KEY_DISABLED", ""),
        (&exhausted, "", 429, "USAGE_EXCEEDED", ""),
        (&limited, "", 429, "RATE_LIMITED", "2"),
        (&reader, "?permissions=files:write", 403, "INSUFFICIENT_PERMISSIONS", ""),
        (&reader, "?permissions=files:read,%20users:read", 403, "INSUFFICIENT_PERMISSIONS", ""),
        (&disabled, "?permissions=files:read", 401, "KEY_DISABLED", ""),
        (&reader, "?config=team", 403, "WRONG_CONFIGURATION", ""),
    ] {
        let response = get(&server, path, key).await;
        assert_eq!(header(&response, "retry-after"), retry_after, "{code}");
        assert!(!response.headers().contains_key("x-authz-status"));
        assert_eq!(denied(response).await, denial(status, code));
    }
    let problem: Value = get(&server, "", &limited).await.json().await.unwrap();
    let expected = json!({
        "type": "https://iana.org/assignments/http-problem-types#quota-exceeded", "title": "Quota Exceeded",
        "status": 429, "detail": "Rate limit exceeded.", "code": "RATE_LIMITED", "violated-policies": ["rate"],
    });
    assert_eq!(problem, expected);
    let body = json!({ "key": reader["key"], "permissions": { "files": ["write"] } });
    assert_eq!(server.post("verify", body).await.1["error"]["code"], "KEY_NOT_FOUND", "as Better Auth has it");
    let body = json!({ "key": reader["key"], "configId": "team" });
    assert_eq!(server.post("verify", body).await.1["error"]["code"], "INVALID_API_KEY", "likewise");
}

#[tokio::test]
async fn limits_are_told_as_they_are_counted_whether_the_request_may_pass_or_not() {
    let server = TestServer::with(setup());
    let body = json!({
        "userId": "ada", "rateLimitMax": 2, "rateLimitTimeWindow": 3500, "remaining": 2, "refillAmount": 3,
        "refillInterval": 60_000,
    });
    let key = server.create(body).await;
    let policy = r#""rate";q=2;w=4, "quota";q=3;w=60"#;
    for (after_ms, status, limits, retry_after) in [
        (0, 200, r#""rate";r=1;t=2, "quota";r=1;t=61"#, ""),
        (0, 200, r#""rate";r=0;t=2, "quota";r=0;t=61"#, ""),
        (1000, 429, r#""rate";r=0;t=1, "quota";r=0;t=60"#, "60"),
        (59_001, 200, r#""rate";r=1;t=2, "quota";r=2;t=61"#, ""),
        (0, 200, r#""rate";r=0;t=2, "quota";r=1;t=61"#, ""),
        (1000, 429, r#""rate";r=0;t=1, "quota";r=1;t=60"#, "1"),
    ] {
        server.clock.advance(after_ms);
        let response = get(&server, "", &key).await;
        assert_eq!(response.status(), status, "{limits}");
        assert_eq!((header(&response, "ratelimit-policy"), header(&response, "ratelimit")), (policy, limits));
        assert_eq!(header(&response, "retry-after"), retry_after);
    }
    let free = server.create(json!({ "userId": "ada", "rateLimitEnabled": false, "remaining": 3 })).await;
    let response = get(&server, "", &free).await;
    assert_eq!((header(&response, "ratelimit-policy"), header(&response, "ratelimit")), ("", ""));
}

#[tokio::test]
async fn nginx_is_told_403_and_what_it_is_to_tell_its_client() {
    let server = TestServer::with(setup());
    let limited = server.create(json!({ "userId": "ada", "rateLimitMax": 1, "rateLimitTimeWindow": 60_000 })).await;
    assert_eq!(get(&server, "?deny=403", &limited).await.status(), 200);
    let unknown = json!({ "key": "nonsense" });
    for (key, path, status, told, code, retry_after) in [
        (&limited, "?deny=403", 403, "429", "RATE_LIMITED", "60"),
        (&limited, "?deny=403&config=team", 403, "403", "WRONG_CONFIGURATION", ""),
        (&limited, "?deny=403&cost=x", 403, "400", "VALIDATION_ERROR", ""),
        (&unknown, "?deny=403", 401, "401", "INVALID_API_KEY", ""),
    ] {
        let response = get(&server, path, key).await;
        for (name, value) in [("x-authz-status", told), ("x-authz-code", code), ("retry-after", retry_after)] {
            assert_eq!(header(&response, name), value, "{path}");
        }
        assert_eq!(denied(response).await, denial(status, code));
    }
}

#[tokio::test]
async fn a_malformed_parameter_is_named_and_nothing_is_paid() {
    let server = TestServer::with(setup());
    let key = server.create(json!({ "userId": "ada", "remaining": 5 })).await;
    let pairs = "Invalid input: expected resource:action, more of them separated by commas";
    let colons = "Invalid input: expected one colon between resource and action; a colon within either is %3A (in a query \
                  %253A)";
    let escape = "Invalid input: expected two hexadecimal digits of UTF-8 after %; the sign itself is %25 (in a query \
                  %2525)";
    let cost = "Invalid input: expected a whole number from 0 to 4294967295";
    for (path, message) in [
        ("?cost=-1", format!("[query.cost] {cost}")),
        ("?cost=%2B1", format!("[query.cost] {cost}")),
        ("?cost=", format!("[query.cost] {cost}")),
        ("?cost=4294967296", format!("[query.cost] {cost}")),
        ("?cost=1&cost=2", "[query.cost] Given more than once".to_owned()),
        ("?permissions=", format!("[query.permissions] {pairs}")),
        ("?permissions=files", format!("[query.permissions] {pairs}")),
        ("?permissions=files:read,,", format!("[query.permissions] {pairs}")),
        ("?permissions=urn:acme:files:read", format!("[query.permissions] {colons}")),
        ("?permissions=urn%3Aacme%3Afiles:read", format!("[query.permissions] {colons}")),
        ("?permissions=100%25:read", format!("[query.permissions] {escape}")),
        ("?deny=429", "[query.deny] Invalid input: expected 403".to_owned()),
        ("?bearer=no", "[query.bearer] Invalid input: expected on or off".to_owned()),
        (
            "?permission=files:read",
            "[query.permission] Unknown parameter: expected one of config, permissions, cost, deny, bearer".to_owned(),
        ),
        ("?deny=0&cost=x", format!("[query.cost] {cost}; [query.deny] Invalid input: expected 403")),
    ] {
        let problem: Value = get(&server, path, &key).await.json().await.unwrap();
        assert_eq!((&problem["status"], &problem["code"]), (&json!(400), &json!("VALIDATION_ERROR")), "{path}");
        assert_eq!(problem["detail"], message);
    }
    for (name, value, message) in [
        ("cost", "0", "[header.x-authz-cost] Invalid input: expected a whole number from 1 to 4294967295"),
        ("permissions", "files", &format!("[header.x-authz-permissions] {pairs}")),
        ("config", "", "[header.x-authz-config] must have 1 or more characters"),
    ] {
        let request = ask(&server, Method::GET, "/a").header("x-api-key", key["key"].as_str().unwrap());
        let response = request.header(format!("x-authz-{name}"), value).send().await.unwrap();
        let problem: Value = response.json().await.unwrap();
        assert_eq!((&problem["status"], problem["detail"].as_str().unwrap()), (&json!(400), message));
    }
    assert_eq!(left(&server, &key).await, 5);
}

#[tokio::test]
async fn every_permission_can_be_asked_for_in_the_words_that_name_it() {
    let server = TestServer::with(setup());
    let words = |permissions: Value| json!({ "userId": "ada", "permissions": permissions, "rateLimitEnabled": false });
    let resource = server.create(words(json!({ "urn:acme:files": ["read"] }))).await;
    let action = server.create(words(json!({ "urn": ["acme:files:read"] }))).await;
    let odd = server.create(words(json!({ "a,b; %41": ["ключ\n", ":"] }))).await;
    for (key, others) in [(&resource, [&action, &odd]), (&action, [&odd, &resource]), (&odd, [&resource, &action])] {
        let printed = header(&get(&server, "", key).await, "x-key-permissions").to_owned();
        let request = |key: &Value, in_query: bool| {
            let path = if in_query { format!("?permissions={}", printed.replace('%', "%25")) } else { String::new() };
            let request = ask(&server, Method::GET, &path);
            let request = request.header("x-api-key", key["key"].as_str().unwrap());
            if in_query { request } else { request.header("x-authz-permissions", &printed) }
        };
        for in_query in [true, false] {
            assert_eq!(request(key, in_query).send().await.unwrap().status(), 200, "{printed}");
            for other in others {
                assert_eq!(request(other, in_query).send().await.unwrap().status(), 403, "{printed}");
            }
        }
    }
    for (path, status) in [("urn%253Aacme%253Afiles:read", 200), ("urn:acme%253Afiles%253Aread", 403)] {
        assert_eq!(get(&server, &format!("?permissions={path}"), &resource).await.status(), status, "{path}");
    }
}

#[tokio::test]
async fn a_header_says_what_the_query_does_not_and_only_asks_for_more() {
    let server = TestServer::with(setup());
    let key =
        json!({ "userId": "ada", "remaining": 100, "permissions": { "files": ["read"] }, "rateLimitEnabled": false });
    let key = server.create(key).await;
    let send = async |path: &str, headers: &[(&str, &str)]| {
        let request = ask(&server, Method::GET, path).header("x-api-key", key["key"].as_str().unwrap());
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        request.send().await.unwrap()
    };
    let left = async |response: Response| header(&response, "x-key-remaining").to_owned();
    assert_eq!(left(send("/a?cost=9&permissions=x:y", &[("x-authz-cost", "10")]).await).await, "90", "Envoy's way");
    assert_eq!(left(send("?cost=5", &[("x-authz-cost", "1")]).await).await, "85", "a client's header");
    let asked = send("?permissions=files:write", &[("x-authz-permissions", "files:read")]).await;
    assert_eq!(asked.status(), 403);
    assert_eq!(send("", &[("x-authz-permissions", "files:write")]).await.status(), 403);
    assert_eq!(send("/a", &[("x-authz-config", "team")]).await.status(), 403);
    assert_eq!(send("/a", &[("x-authz-cost", "1"), ("x-authz-cost", "2")]).await.status(), 400);
    let limited = send("/a", &[("x-authz-deny", "403"), ("x-authz-cost", "1000")]).await;
    assert_eq!((limited.status().as_u16(), header(&limited, "x-authz-status")), (403, "429"));
}

#[tokio::test]
async fn a_hundred_lines_of_keys_are_one_answer_and_at_most_one_payment() {
    let server = TestServer::with(setup());
    let key = server.create(json!({ "userId": "ada", "remaining": 5 })).await;
    let line = format!("X-Api-Key: {}\r\n", key["key"].as_str().unwrap());
    for (lines, status, remaining) in [
        (line.repeat(90), "200", 4),
        (line.repeat(80) + "X-Api-Key: other\r\n", "401", 4),
        (line.repeat(100), "4", 4),
        (line.repeat(5000), "4", 4),
        (line.replace("Key: ", "Key: \t"), "200", 3),
        (line.replace("\r\n", "\r\n other\r\n"), "400", 3),
    ] {
        let answer = raw(&server, "GET", "", &lines, "").await;
        assert!(answer.is_empty() || answer.starts_with(&format!("HTTP/1.1 {status}")), "{answer}");
        assert_eq!(left(&server, &key).await, remaining);
    }
}

#[tokio::test]
async fn only_a_store_that_is_down_is_no_decision() {
    let mut store = MockKeyStore::new();
    store.expect_spend().returning(|_, _, _| Err(StoreError::unavailable("down")));
    let server = TestServer::with(Setup { store: std::sync::Arc::new(store), ..setup() });
    let response = get(&server, "?deny=403", &json!({ "key": "k" })).await;
    assert_eq!(header(&response, "retry-after"), "1");
    assert_eq!(denied(response).await, denial(503, "SERVICE_UNAVAILABLE"));
}

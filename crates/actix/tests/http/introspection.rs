//! `/oauth2/introspect` and the metadata that lead to it: what clients of OAuth 2.0 ask and are told.

use keymint_actix::{ApiOptions, AssertionOptions};
use keymint_ports::{MockKeyStore, StoreError};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE};
use reqwest::{Client, RequestBuilder, Response};
use serde_json::{Value, json};

use crate::authorize::left;
use crate::support::{NOW, SERVER_KEY, Setup, TestServer};

/// Adds a body of `application/x-www-form-urlencoded`.
fn with_form(request: RequestBuilder, fields: &[(&str, &str)]) -> RequestBuilder {
    let encode = |text| utf8_percent_encode(text, NON_ALPHANUMERIC);
    let fields: Vec<_> = fields.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
    request.header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(fields.join("&"))
}

fn ask(server: &TestServer, query: &str, form: &[(&str, &str)]) -> RequestBuilder {
    let url = format!("http://{}/api/auth/oauth2/introspect{query}", server.address);
    with_form(Client::new().post(url), form)
}

async fn introspect(server: &TestServer, query: &str, key: &Value) -> Value {
    let token = key["key"].as_str().unwrap();
    let asked = ask(server, query, &[("token", token), ("token_type_hint", "access_token")]).bearer_auth(SERVER_KEY);
    let response = asked.send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["cache-control"], "no-store");
    response.json().await.unwrap()
}

/// The status and the error of a failure, whose form is checked.
async fn failed(response: Response) -> (u16, String) {
    let status = response.status().as_u16();
    let challenges = response.headers().get_all("www-authenticate").iter().map(|line| line.to_str().unwrap());
    let schemes: Vec<_> = challenges.map(|line| line.split(' ').next().unwrap().to_owned()).collect();
    assert_eq!(schemes, if status == 401 { vec!["Bearer", "Basic"] } else { vec![] });
    assert_eq!(response.headers()["cache-control"], "no-store");
    assert_eq!(response.headers()["content-type"], "application/json");
    let body: Value = response.json().await.unwrap();
    for member in ["error_description", "code", "message"] {
        assert!(body[member].as_str().is_some_and(|text| !text.is_empty()), "{body}");
    }
    (status, body["error"].as_str().unwrap().to_owned())
}

fn failure(status: u16, error: &str) -> (u16, String) {
    (status, error.to_owned())
}

#[tokio::test]
async fn a_key_that_may_be_used_is_active_and_the_use_counts() {
    let server = TestServer::new();
    let body = json!({
        "userId": "ada", "remaining": 5, "expiresIn": 86_400, "permissions": { "files": ["read", "write"], "a b": ["c"] },
    });
    let full = server.create(body).await;
    let answer = introspect(&server, "", &full).await;
    let expected = json!({
        "active": true, "scope": "a%20b:c files:read files:write", "token_type": "Bearer", "sub": "ada",
        "iss": "http://127.0.0.1:8787", "jti": full["id"], "iat": NOW.as_millis() / 1000,
        "exp": NOW.as_millis() / 1000 + 86_400, "configId": "default",
    });
    assert_eq!(answer, expected);
    assert_eq!(left(&server, &full).await, 4);
    assert_eq!(introspect(&server, "?cost=3", &full).await["active"], true);
    assert_eq!(left(&server, &full).await, 1);
    assert_eq!(introspect(&server, "?cost=0", &full).await["active"], true);
    assert_eq!(left(&server, &full).await, 1, "a look costs nothing");

    let bare = server.create(json!({ "userId": "ada" })).await;
    let answer = introspect(&server, "", &bare).await;
    for absent in ["scope", "exp"] {
        assert_eq!(answer.get(absent), None, "{answer}");
    }
}

#[tokio::test]
async fn a_key_that_may_not_be_used_is_inactive_and_nothing_else_is_said() {
    let server = TestServer::new();
    let used_up = server.create(json!({ "userId": "ada", "remaining": 1 })).await;
    assert_eq!(introspect(&server, "", &used_up).await["active"], true);
    let limited = json!({ "userId": "ada", "rateLimitMax": 1, "rateLimitTimeWindow": 60_000 });
    let limited = server.create(limited).await;
    assert_eq!(introspect(&server, "", &limited).await["active"], true);
    let reader = server.create(json!({ "userId": "ada", "permissions": { "files": ["read"] } })).await;
    let from_here = server.create(json!({ "userId": "ada", "allowedAddresses": ["127.0.0.1"] })).await;
    for (query, key) in [
        ("", &used_up),
        ("?cost=0", &used_up),
        ("", &limited),
        ("?permissions=files:write", &reader),
        ("?config=other", &reader),
        ("", &from_here),
        ("", &json!({ "key": "nonsense" })),
        ("", &json!({ "key": "" })),
    ] {
        assert_eq!(introspect(&server, query, key).await, json!({ "active": false }), "{query} {key}");
    }
    assert_eq!(introspect(&server, "?permissions=files:read&config=default", &reader).await["active"], true);
}

#[tokio::test]
async fn a_former_secret_ends_before_its_key() {
    let server = TestServer::new();
    let key = server.create(json!({ "userId": "ada", "expiresIn": 86_400 })).await;
    let rotation = json!({ "keyId": key["id"], "graceSeconds": 3600 });
    let (status, rotated) = server.post("rotate", rotation).await;
    assert_eq!(status, 200, "{rotated}");
    let second = NOW.as_millis() / 1000;
    assert_eq!(introspect(&server, "", &rotated).await["exp"], second + 86_400, "the first use of the new secret");
    assert_eq!(introspect(&server, "", &key).await["exp"], second + 3600);
}

#[tokio::test]
async fn a_server_key_is_taken_wherever_a_client_shows_its_secret() {
    let server = TestServer::new();
    let key = server.create(json!({ "userId": "ada" })).await;
    let token = key["key"].as_str().unwrap();
    let plain = || ask(&server, "", &[("token", token)]);
    let encoded = SERVER_KEY.replace('-', "%2D");
    let posted = |secret| ask(&server, "", &[("token", token), ("client_id", "gateway"), ("client_secret", secret)]);
    for request in [
        plain().bearer_auth(SERVER_KEY),
        plain().basic_auth("gateway", Some(SERVER_KEY)),
        plain().basic_auth("", Some(SERVER_KEY)),
        plain().basic_auth("gateway", Some(&encoded)),
        posted(SERVER_KEY),
    ] {
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.json::<Value>().await.unwrap()["active"], true);
    }
    for request in [
        plain(),
        plain().bearer_auth("wrong"),
        plain().bearer_auth(token),
        plain().basic_auth(SERVER_KEY, None::<&str>),
        plain().basic_auth("gateway", Some("wrong")),
        plain().header(AUTHORIZATION, "Basic ?"),
        plain().header("x-api-key", token),
        posted("wrong"),
    ] {
        assert_eq!(failed(request.send().await.unwrap()).await, failure(401, "invalid_client"));
    }
    let twice = posted(SERVER_KEY).bearer_auth(SERVER_KEY).send().await.unwrap();
    assert_eq!(failed(twice).await, failure(400, "invalid_request"));
}

#[tokio::test]
async fn a_gateway_by_its_address_is_no_client() {
    let trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    let options = ApiOptions { trusted_proxies, ..ApiOptions::default() };
    let access = keymint_service::Access::Public;
    let server = TestServer::with(Setup { access, options, ..Setup::default() });
    let response = ask(&server, "", &[("token", "t")]).send().await.unwrap();
    assert_eq!(failed(response).await, failure(401, "invalid_client"), "the endpoint must not be open (RFC 7662 2.1)");
}

#[tokio::test]
async fn a_malformed_question_is_an_error_in_the_form_of_oauth() {
    let server = TestServer::new();
    let url = format!("http://{}/api/auth/oauth2/introspect", server.address);
    let post = || Client::new().post(&url).bearer_auth(SERVER_KEY);
    for (request, status) in [
        (with_form(post(), &[("tokens", "t")]), 400),
        (post(), 400),
        (post().json(&json!({ "token": 1 })), 400),
        (post().header("content-type", "text/plain").body("token=t"), 415),
        (with_form(post(), &[("token", &"x".repeat(300 * 1024))]), 413),
        (ask(&server, "?cost=-1", &[("token", "t")]).bearer_auth(SERVER_KEY), 400),
        (ask(&server, "?permission=files:read", &[("token", "t")]).bearer_auth(SERVER_KEY), 400),
        (ask(&server, "?deny=403", &[("token", "t")]).bearer_auth(SERVER_KEY), 400),
    ] {
        let response = request.send().await.unwrap();
        assert_eq!(failed(response).await, failure(status, "invalid_request"));
    }
    let json = post().json(&json!({ "token": "t" })).send().await.unwrap();
    assert_eq!(json.json::<Value>().await.unwrap(), json!({ "active": false }));
    assert_eq!(Client::new().get(&url).send().await.unwrap().status(), 404);
}

#[tokio::test]
async fn no_decision_is_no_answer_about_the_key() {
    let mut store = MockKeyStore::new();
    store.expect_spend().returning(|_, _, _| Err(StoreError::unavailable("down")));
    let server = TestServer::over(store);
    let key = format!("sk_{}", "x".repeat(64));
    let response = ask(&server, "", &[("token", &key)]).bearer_auth(SERVER_KEY).send().await.unwrap();
    assert_eq!(response.headers()["retry-after"], "1");
    assert_eq!(failed(response).await, failure(503, "temporarily_unavailable"));
}

#[tokio::test]
async fn the_metadata_lead_to_the_endpoint_and_promise_nothing_else() {
    let options = || ApiOptions { base_url: "https://keys.example.com".to_owned(), ..ApiOptions::default() };
    let audience = AssertionOptions {
        issuer: "https://keys.example.com".to_owned(),
        audience: "files".to_owned(),
        lifetime: std::time::Duration::from_mins(1),
        has_metadata: false,
    };
    for (assertions, jwks) in
        [(None, Value::Null), (Some(audience), json!("https://keys.example.com/.well-known/jwks.json"))]
    {
        let server = TestServer::with(Setup { options: options(), assertions, ..Setup::default() });
        let url = format!("http://{}/.well-known/oauth-authorization-server", server.address);
        let response = Client::new().get(url).send().await.unwrap();
        assert_eq!(response.headers()["content-type"], "application/json");
        let metadata: Value = response.json().await.unwrap();
        assert_eq!(metadata["issuer"], "https://keys.example.com");
        assert_eq!(metadata["introspection_endpoint"], "https://keys.example.com/api/auth/oauth2/introspect");
        let methods = json!(["Bearer", "client_secret_basic", "client_secret_post"]);
        assert_eq!(metadata["introspection_endpoint_auth_methods_supported"], methods);
        assert_eq!(metadata["jwks_uri"], jwks);
        for list in ["response_types_supported", "grant_types_supported"] {
            assert_eq!(metadata[list], json!([]), "{metadata}");
        }
    }
}

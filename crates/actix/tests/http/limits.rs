//! `RateLimit`, `RateLimit-Policy` and `Retry-After`, on every answer that a key has paid for or was refused by.

use keymint_actix::ApiOptions;
use keymint_actix::guard::LimitFields;
use keymint_domain::{Configuration, Policy};
use reqwest::{Client, Method, Response};
use serde_json::{Value, json};

use crate::support::{ORIGIN, SERVER_KEY, Setup, TestServer};

/// A server whose keys open sessions.
fn server() -> TestServer {
    server_in(LimitFields::default())
}

/// The same in a dialect of the fields of limits.
fn server_in(limit_fields: LimitFields) -> TestServer {
    let configuration = Configuration { enable_session_for_api_keys: true, ..Configuration::default() };
    let setup = Setup::default();
    let options = ApiOptions { limit_fields, ..setup.options };
    TestServer::with(Setup { policy: Policy::new(vec![configuration]).unwrap(), options, ..setup })
}

/// Every way to use a key that is no gateway's.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Way {
    Verify,
    Validate,
    Session,
    List,
    /// Requests that are refused for another reason, after the key was charged.
    Malformed,
}

impl Way {
    const ALL: [Self; 5] = [Self::Verify, Self::Validate, Self::Session, Self::List, Self::Malformed];

    async fn take(self, server: &TestServer, key: &Value) -> Response {
        let text = key["key"].as_str().unwrap();
        let request = match self {
            Self::Verify => server.request(Method::POST, "verify").json(&json!({ "key": text })),
            Self::Validate => server.request(Method::POST, "validate").json(&json!({ "apiKey": text })),
            Self::Session => server.auth(Method::GET, "get-session").header("x-api-key", text),
            Self::List => server.anonymous(Method::GET, "list").header("x-api-key", text),
            Self::Malformed => server.anonymous(Method::POST, "update").header("x-api-key", text).json(&json!({})),
        };
        request.header("origin", ORIGIN).send().await.unwrap()
    }

    /// The status of a use that was accepted, and of one that was not.
    fn statuses(self) -> (u16, u16) {
        match self {
            Self::Verify => (200, 200),
            Self::Malformed => (400, 429),
            _ => (200, 429),
        }
    }
}

fn header(response: &Response, name: &str) -> String {
    response.headers().get(name).map_or("", |value| value.to_str().unwrap()).to_owned()
}

/// A parameter of one of the limits in `RateLimit`.
fn parameter(response: &Response, limit: &str, name: &str) -> u64 {
    let text = header(response, "ratelimit");
    let item = text.split(", ").find(|item| item.starts_with(&format!("\"{limit}\";"))).unwrap().to_owned();
    item.split(';').find_map(|part| part.strip_prefix(&format!("{name}="))).unwrap().parse().unwrap()
}

#[tokio::test]
async fn every_use_of_a_key_says_how_it_stands_against_its_limits() {
    for way in Way::ALL {
        let server = server();
        let ada = server.sign_up("ada").await["user"]["id"].clone();
        let body = json!({
            "userId": ada, "rateLimitMax": 2, "rateLimitTimeWindow": 3500, "remaining": 2, "refillAmount": 3,
            "refillInterval": 60_000,
        });
        let key = server.create(body).await;
        let (accepted, refused) = way.statuses();
        for (after_ms, status, limits, retry_after) in [
            (0, accepted, r#""rate";r=1;t=2, "quota";r=1;t=61"#, ""),
            (0, accepted, r#""rate";r=0;t=2, "quota";r=0;t=61"#, ""),
            (1000, refused, r#""rate";r=0;t=1, "quota";r=0;t=60"#, "60"),
            (59_001, accepted, r#""rate";r=1;t=2, "quota";r=2;t=61"#, ""),
            (0, accepted, r#""rate";r=0;t=2, "quota";r=1;t=61"#, ""),
            (1000, refused, r#""rate";r=0;t=1, "quota";r=1;t=60"#, "1"),
        ] {
            server.clock.advance(after_ms);
            let response = way.take(&server, &key).await;
            assert_eq!(
                (response.status().as_u16(), header(&response, "ratelimit")),
                (status, limits.to_owned()),
                "{way:?}"
            );
            assert_eq!(header(&response, "ratelimit-policy"), r#""rate";q=2;w=4, "quota";q=3;w=60"#, "{way:?}");
            assert_eq!(header(&response, "retry-after"), retry_after, "{way:?}");
            let exposed = header(&response, "access-control-expose-headers");
            for name in ["Retry-After", "RateLimit", "RateLimit-Policy", "X-RateLimit-Reset"] {
                assert!(exposed.split(", ").any(|exposed| exposed == name), "{way:?}: {name} in {exposed}");
            }
        }
    }
}

#[tokio::test]
async fn the_headers_say_what_the_body_says() {
    for algorithm in [keymint_domain::usage::Algorithm::Gcra, keymint_domain::usage::Algorithm::IdleWindow] {
        let mut configuration = Configuration::default();
        configuration.rate_limit.algorithm = algorithm;
        let server = TestServer::with(Setup { policy: Policy::new(vec![configuration]).unwrap(), ..Setup::default() });
        let body = json!({
            "userId": "ada", "rateLimitMax": 4, "rateLimitTimeWindow": 10_000, "remaining": 5, "refillAmount": 9,
            "refillInterval": 20_000,
        });
        let key = server.create(body).await;
        let (mut accepted, mut refused) = (0, 0);
        for after_ms in [0, 1, 999, 0, 0, 0, 2500, 1, 0, 0, 9999, 1, 0, 7000, 3, 0] {
            server.clock.advance(after_ms);
            let response = Way::Verify.take(&server, &key).await;
            let (quota, rate) = (parameter(&response, "quota", "r"), parameter(&response, "rate", "r"));
            let (quota_wait, rate_wait) = (parameter(&response, "quota", "t"), header(&response, "ratelimit"));
            let retry_after = header(&response, "retry-after");
            let verdict: Value = response.json().await.unwrap();
            if verdict["valid"] == true {
                accepted += 1;
                assert_eq!(json!(quota), verdict["key"]["remaining"]);
                assert_eq!(json!(4 - rate), verdict["key"]["requestCount"]);
                assert_eq!(retry_after, "");
                continue;
            }
            refused += 1;
            let seconds = verdict["error"]["details"]["tryAgainIn"].as_u64().unwrap().div_ceil(1000);
            assert_eq!(retry_after, seconds.to_string());
            match verdict["error"]["code"].as_str().unwrap() {
                "USAGE_EXCEEDED" => assert_eq!((quota, quota_wait), (0, seconds)),
                _ => assert!(rate == 0 && rate_wait.contains(&format!("\"rate\";r=0;t={seconds}")), "{rate_wait}"),
            }
        }
        assert!(accepted > 5 && refused > 2, "{accepted} and {refused}");
    }
}

#[tokio::test]
async fn what_is_not_limited_or_not_known_is_told_nothing_of_limits() {
    let server = server();
    let ada = server.sign_up("ada").await["user"]["id"].clone();
    let free = server.create(json!({ "userId": ada, "rateLimitEnabled": false, "remaining": 1 })).await;
    let disabled = server.create(json!({ "userId": ada })).await;
    server.post("update", json!({ "keyId": disabled["id"], "enabled": false })).await;
    let unknown = json!({ "key": "k".repeat(43) });
    // A quota that nothing refills has no window. Nothing helps where it is used up.
    for key in [&free, &free, &disabled, &unknown] {
        for way in [Way::Verify, Way::Validate, Way::Session] {
            let response = way.take(&server, key).await;
            for name in ["ratelimit", "ratelimit-policy", "retry-after"] {
                assert_eq!(header(&response, name), "", "{way:?}: {name}");
            }
        }
    }
}

#[tokio::test]
async fn the_server_tells_of_limits_in_the_dialect_that_it_is_set_to() {
    let names = ["ratelimit-policy", "ratelimit", "x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"];
    let policy = r#""rate";q=1;w=4"#;
    for (fields, of_use) in [
        (LimitFields::Draft11, [policy, r#""rate";r=0;t=4"#, "", "", ""]),
        (LimitFields::Draft12, [policy, r#""rate";a=0;w=4"#, "", "", ""]),
        (LimitFields::XRateLimit, ["", "", "1", "0", "4"]),
        (LimitFields::None, [""; 5]),
    ] {
        let server = server_in(fields);
        let ada = server.sign_up("ada").await["user"]["id"].clone();
        for way in Way::ALL {
            let key = server.create(json!({ "userId": ada, "rateLimitMax": 1, "rateLimitTimeWindow": 3500 })).await;
            let (accepted, refused) = way.statuses();
            for status in [accepted, refused] {
                let response = way.take(&server, &key).await;
                assert_eq!(response.status().as_u16(), status, "{fields:?} {way:?}");
                assert_eq!(names.map(|name| header(&response, name)), of_use, "{fields:?} {way:?} {status}");
            }
        }
        let key = server.create(json!({ "userId": ada, "rateLimitMax": 1, "rateLimitTimeWindow": 3500 })).await;
        for (path, status) in [("/authorize", 200), ("/authorize", 429), ("/authorize?deny=403", 403)] {
            let request = Client::new().get(format!("http://{}{path}", server.address));
            let request = request.header("x-authz-server-key", SERVER_KEY);
            let response = request.header("x-api-key", key["key"].as_str().unwrap()).send().await.unwrap();
            assert_eq!(response.status().as_u16(), status, "{fields:?} {path}");
            assert_eq!(names.map(|name| header(&response, name)), of_use, "{fields:?} {path}");
            assert_eq!(header(&response, "retry-after").is_empty(), status == 200, "{fields:?} {path}");
        }
    }
}

/// The document promises the fields of the server's dialect, and no others.
#[tokio::test]
async fn the_openapi_document_has_the_fields_of_the_dialect() {
    for (_, fields) in LimitFields::WORDS {
        let document: Value = server_in(fields).plain("/openapi.json").await.json().await.unwrap();
        let told = |headers: &Value| {
            let names = headers.as_object().unwrap().keys().map(String::as_str);
            let mut names: Vec<_> = names.filter(|name| name.contains("ratelimit")).map(str::to_owned).collect();
            names.sort_unstable_by_key(|name| fields.names().iter().position(|known| known == name));
            names
        };
        let success = &document["paths"]["/authorize"]["get"]["responses"]["200"]["headers"];
        assert_eq!(told(success), fields.names(), "{fields:?}");
        assert_eq!(told(&document["components"]["headers"]), fields.names(), "{fields:?}");
        let text = document.to_string();
        for (_, other) in LimitFields::WORDS {
            for name in other.names().iter().filter(|name| !fields.names().contains(name)) {
                assert!(!text.contains(&format!("/{name}\"")), "{fields:?}: {name}");
            }
        }
    }
}

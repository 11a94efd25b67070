//! The view of a client and an upstream on a real gateway.

use std::net::IpAddr;

use keymint_test_support::keymint::Server;
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};

use crate::assertion::claims;
use crate::gateway::{Abilities, Gateway, Kind};
use crate::keymint;
use crate::upstream;

/// A complete setup on one machine: Keymint, an upstream, and a gateway between it and a client.
struct World {
    keymint: Server,
    gateway: Gateway,
    abilities: Abilities,
    client: Client,
}

impl World {
    async fn with(kind: Kind) -> Self {
        let keymint = keymint::start();
        let gateway = Gateway::start(kind, keymint.address, upstream::start()).await;
        Self { keymint, gateway, abilities: kind.abilities(), client: Client::new() }
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("http://{}{path}", self.gateway.address))
    }

    async fn get(&self, key: &str) -> Response {
        self.request(Method::GET, "/api/files").header("x-api-key", key).send().await.unwrap()
    }

    /// Returns the request that the upstream received.
    async fn seen(&self, request: RequestBuilder) -> Value {
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        response.json().await.unwrap()
    }

    async fn key(&self, members: Value) -> String {
        let mut body = json!({ "userId": "ada", "name": "Ada's", "permissions": { "files": ["read"] } });
        body.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        self.keymint.create_text(body).await
    }

    /// An allowed request reaches the upstream unchanged, with the key's identity in place of the key, and of any
    /// identity that the client forged.
    async fn lets_pass(&self) {
        let key = self.key(json!({ "remaining": 50 })).await;
        for (name, value) in [("x-api-key", key.clone()), ("authorization", format!("Bearer {key}"))] {
            let request = self.request(Method::POST, "/api/files?name=a&cost=0").header(name, &value).body("a body");
            let forged = ["x-key-id", "x-key-owner", "x-key-config", "x-key-name", "x-key-permissions", "x-key-meta"];
            let forged = forged.iter().chain(&["x-key-assertion"]);
            let request = forged.fold(request, |request, name| request.header(*name, "forged"));
            let request = request.header("x-key-owner", "twice").header("x-key-remaining", "1000000");
            let request = request.header("x-forwarded-for", "127.0.0.1");
            let seen = self.seen(request).await;
            assert_eq!((&seen["method"], &seen["path"]), (&json!("POST"), &json!("/api/files?name=a&cost=0")));
            let headers = &seen["headers"];
            for (name, value) in [
                ("x-key-owner", "ada"),
                ("x-key-config", "default"),
                ("x-key-name", "Ada%27s"),
                ("x-key-permissions", "files:read"),
                ("x-key-meta", "-"),
            ] {
                assert_eq!(headers[name], json!([value]), "{name}");
            }
            assert_ne!(headers["x-key-id"], json!(["forged"]));
            assert!(!seen.to_string().contains(&key), "the key was stripped: {seen}");
            let [assertion] = &headers["x-key-assertion"].as_array().unwrap()[..] else { panic!("{headers}") };
            let claims = claims(assertion.as_str().unwrap());
            assert_eq!((&claims["sub"], &claims["aud"]), (&json!("ada"), &json!("files")));
            let request = &claims["request"];
            assert_eq!((&request["method"], &request["path"]), (&json!("POST"), &json!("/api/files")));
            assert!(request["host"].as_str().unwrap().starts_with("127.0.0.1"), "{request}");
        }
        let seen = self.seen(self.request(Method::GET, "/api/files").header("x-api-key", &key)).await;
        assert_eq!(seen["headers"]["x-key-remaining"], json!(["47"]), "every request was paid for once, at cost 1");
    }

    /// A success says what is left of the key's limits, if it has any.
    async fn shows_limits(&self) {
        let limited = json!({ "rateLimitMax": 3, "rateLimitTimeWindow": 3_600_000 });
        for (members, has_limits) in [(limited, true), (json!({ "rateLimitEnabled": false }), false)] {
            let response = self.get(&self.key(members).await).await;
            assert_eq!(response.status(), StatusCode::OK);
            let field = |name: &str| response.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
            let (left, policy) = (field("ratelimit"), field("ratelimit-policy"));
            let is_shown = has_limits && self.abilities.shows_limits;
            assert_eq!((left.is_some(), policy.is_some()), (is_shown, is_shown), "{left:?} {policy:?}");
            assert!(left.is_none_or(|left| left.contains("r=2")));
        }
    }

    /// A key may be the user name of Basic authentication, if the gateway can read it, and then does not reach the
    /// upstream.
    async fn takes_basic(&self) {
        let key = self.key(json!({})).await;
        let request = || self.request(Method::GET, "/api/files");
        let response = request().basic_auth(&key, Some("")).send().await.unwrap();
        if self.abilities.takes_basic {
            assert_eq!(response.status(), StatusCode::OK);
            let seen: Value = response.json().await.unwrap();
            assert_eq!(seen["headers"]["x-key-owner"], json!(["ada"]));
            assert_eq!(seen["headers"]["authorization"], Value::Null);
            assert_eq!(seen["headers"]["x-api-key"], Value::Null);
            assert_eq!(request().basic_auth("wrong", Some(&key)).send().await.unwrap().status(), 401);
        } else {
            assert_eq!(response.status(), 401);
            let problem: Value = response.json().await.unwrap();
            assert_eq!(problem["code"], "MISSING_API_KEY");
        }
    }

    /// A denied request gets the reason, and does not reach the upstream.
    async fn keeps_out(&self) {
        let reader = self.key(json!({ "permissions": { "files": ["list"] } })).await;
        let limited = self.key(json!({ "rateLimitMax": 1, "rateLimitTimeWindow": 3_600_000 })).await;
        assert_eq!(self.get(&limited).await.status(), StatusCode::OK);
        for (key, status, code) in [
            ("nonsense", 401, "INVALID_API_KEY"),
            ("", 401, "MISSING_API_KEY"),
            (reader.as_str(), 403, "INSUFFICIENT_PERMISSIONS"),
            (limited.as_str(), 429, "RATE_LIMITED"),
        ] {
            let response = self.get(key).await;
            assert_eq!(response.status().as_u16(), status, "{code}");
            assert_eq!(response.headers()["content-type"], "application/problem+json", "{code}");
            let retry_after = response.headers().get("retry-after").map(|value| value.to_str().unwrap().to_owned());
            let seconds: Option<u64> = retry_after.map(|text| text.parse().unwrap());
            assert_eq!(seconds.is_some(), status == 429, "{code}");
            assert!(seconds.is_none_or(|seconds| (1..=3600).contains(&seconds)), "{seconds:?}");
            assert_eq!(response.headers().contains_key("ratelimit"), status == 429, "{code}");
            let is_challenged = response.headers().contains_key("www-authenticate");
            assert_eq!(is_challenged, status == 401, "{code}");
            let problem: Value = response.json().await.unwrap();
            assert_eq!((&problem["code"], &problem["status"]), (&json!(code), &json!(status)));
        }
    }

    /// A key that may be used from some addresses is judged by the client's own, whatever the client writes.
    async fn knows_the_client(&self) {
        let key = self.key(json!({ "allowedAddresses": ["127.0.0.2"] })).await;
        for (address, forged, status) in [
            ([127, 0, 0, 2], None, 200),
            ([127, 0, 0, 2], Some("198.51.100.7"), 200),
            ([127, 0, 0, 3], None, 403),
            ([127, 0, 0, 3], Some("127.0.0.2"), 403),
            ([127, 0, 0, 1], Some("127.0.0.2"), 403),
        ] {
            let client = Client::builder().local_address(IpAddr::from(address)).build().unwrap();
            let request = client.get(format!("http://{}/api/files", self.gateway.address)).header("x-api-key", &key);
            let request = forged.iter().fold(request, |request, line| request.header("x-forwarded-for", *line));
            let response = request.send().await.unwrap();
            assert_eq!(response.status().as_u16(), status, "{address:?} {forged:?}");
            let body: Value = response.json().await.unwrap();
            assert_eq!(body["code"] == "IP_NOT_ALLOWED", status == 403, "{body}");
        }
    }

    /// No input of a client causes a 5xx, or passes without a key.
    async fn withstands_bad_input(&self) {
        let key = self.key(json!({ "remaining": 5 })).await;
        for request in [
            self.request(Method::GET, "/api/").header("x-api-key", &b"\xff\x80"[..]),
            self.request(Method::GET, "/api/").header("x-api-key", &key).bearer_auth("other"),
            self.request(Method::GET, "/api/").header("x-forwarded-for", "127.0.0.1, 127.0.0.1"),
            self.request(Method::GET, "/api/").header("x-authz-server-key", "forged"),
            self.request(Method::GET, "/api/a%2fb%3fcost=0%23?permissions=").header("x-authz-config", "x"),
        ] {
            let answered = request.send().await.unwrap().status().as_u16();
            // Envoy refuses bytes that are not text.
            assert!([400, 401].contains(&answered), "{answered}");
        }
        let mut left = 5;
        for cost in ["nonsense", "0"] {
            let request = self.request(Method::GET, "/api/").header("x-api-key", &key).header("x-authz-cost", cost);
            let answered = request.send().await.unwrap().status().as_u16();
            // A gateway that passes it on, as Caddy does, gets an error; the others ignore it.
            assert!([200, 400].contains(&answered), "{answered}");
            left -= u8::from(answered == 200);
        }
        let seen = self.seen(self.request(Method::GET, "/api/").header("x-api-key", &key)).await;
        let remaining = json!([(left - 1).to_string()]);
        assert_eq!(seen["headers"]["x-key-remaining"], remaining, "who has passed has paid, and nobody else");
    }
}

behind_every_gateway!(lets_pass_and_keeps_out);

/// Runs all of these checks for one gateway.
async fn lets_pass_and_keeps_out(kind: Kind) {
    let world = World::with(kind).await;
    world.lets_pass().await;
    world.shows_limits().await;
    world.takes_basic().await;
    world.keeps_out().await;
    world.knows_the_client().await;
    world.withstands_bad_input().await;
}

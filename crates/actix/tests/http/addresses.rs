//! From where keys may be used, and whose word counts for it.

use std::net::{IpAddr, Ipv4Addr};

use keymint_actix::ApiOptions;
use keymint_domain::address::{AddressRules, Network, Networks};
use keymint_domain::{Configuration, Policy};
use keymint_service::Access;
use keymint_store_memory::MemoryStore;
use reqwest::{Client, Method, Response, StatusCode};
use serde_json::{Value, json};

use crate::support::{SERVER_KEY, Setup, TestServer, answer, assert_error};

const MESSAGE: &str = "The API key may not be used from this address.";

/// Behind proxies at 127.0.0.1 and in 10.0.0.0/8; anybody may verify.
fn behind_proxies() -> Setup {
    let trusted_proxies = ["127.0.0.1/32", "10.0.0.0/8"].map(|text| text.parse().unwrap()).into();
    let options = ApiOptions { trusted_proxies, ..ApiOptions::default() };
    let open = Configuration { enable_session_for_api_keys: true, ..Configuration::default() };
    Setup { access: Access::Public, options, policy: Policy::new(vec![open]).unwrap(), ..Setup::default() }
}

/// Returns the verdict on `key` for a server whose client is at `client_ip`: `valid`, or the code.
pub(crate) async fn verdict(server: &TestServer, key: &Value, client_ip: &str) -> String {
    let body = json!({ "key": key["key"], "clientIp": client_ip });
    let (status, verdict) = server.post("verify", body).await;
    assert_eq!(status, StatusCode::OK, "{verdict}");
    verdict["error"]["code"].as_str().unwrap_or("valid").to_owned()
}

/// A client that connects from `address` of this machine.
fn client_at(address: [u8; 4]) -> Client {
    Client::builder().local_address(IpAddr::from(address)).build().unwrap()
}

/// The client's request with `lines` of `X-Forwarded-For`.
async fn send(client: &Client, server: &TestServer, kind: Kind, key: &Value, lines: &[&str]) -> Response {
    let text = key["key"].as_str().unwrap();
    let (method, path) = match kind {
        Kind::Verify => (Method::POST, "/api/auth/api-key/verify"),
        Kind::Validate => (Method::POST, "/api/auth/api-key/validate"),
        Kind::Authorize => (Method::GET, "/authorize"),
        Kind::Session => (Method::GET, "/api/auth/get-session"),
    };
    let request = client.request(method, format!("http://{}{path}", server.address));
    let request = match kind {
        Kind::Verify => request.json(&json!({ "key": text })),
        Kind::Validate => request.json(&json!({ "apiKey": text })),
        Kind::Authorize | Kind::Session => request.header("x-api-key", text),
    };
    lines.iter().fold(request, |request, line| request.header("x-forwarded-for", *line)).send().await.unwrap()
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Verify,
    Validate,
    Authorize,
    Session,
}

/// The status, and `valid` or the code.
async fn outcome(response: Response) -> (u16, String) {
    let status = response.status().as_u16();
    let body: Value = response.json().await.unwrap_or_default();
    let code = body["error"]["code"].as_str().or_else(|| body["code"].as_str());
    (status, code.unwrap_or("valid").to_owned())
}

#[tokio::test]
async fn a_server_says_from_where_a_key_is_used_and_a_refusal_is_free() {
    let server = TestServer::new();
    let body = json!({
        "userId": "ada", "remaining": 9, "rateLimitEnabled": false,
        "allowedAddresses": ["10.0.0.0/8", "2001:db8::/32", "fe80::/10"], "deniedAddresses": ["10.9.0.0/16"],
    });
    let key = server.create(body).await;
    for (client_ip, expected) in [
        ("10.1.2.3", "valid"),
        ("10.1.2.3:5000", "valid"),
        ("::ffff:10.1.2.3", "valid"),
        ("[::ffff:a01:203]:443", "valid"),
        ("2001:db8::7", "valid"),
        ("fe80::1%eth0", "valid"),
        ("10.9.0.1", "IP_NOT_ALLOWED"),
        ("::ffff:10.9.0.1", "IP_NOT_ALLOWED"),
        ("192.0.2.1", "IP_NOT_ALLOWED"),
        ("::10.1.2.3", "IP_NOT_ALLOWED"),
    ] {
        assert_eq!(verdict(&server, &key, client_ip).await, expected, "{client_ip}");
    }
    let refusal = json!({ "valid": false, "error": { "message": MESSAGE, "code": "IP_NOT_ALLOWED" }, "key": null });
    assert_eq!(server.verify(&key).await, refusal, "a server that does not say is not the client");
    let forwarded = server.request(Method::POST, "verify").header("x-forwarded-for", "10.1.2.3");
    let forwarded = forwarded.json(&json!({ "key": key["key"] })).send().await.unwrap();
    assert_eq!(answer(forwarded).await.1, refusal, "nor is it by a header");
    let validated = server.post("validate", json!({ "apiKey": key["key"], "clientIp": "192.0.2.1" })).await;
    assert_error(&validated, 403, "IP_NOT_ALLOWED", MESSAGE);
    let validated = server.post("validate", json!({ "apiKey": key["key"], "clientIp": "10.0.0.1" })).await;
    assert_eq!((validated.0.as_u16(), &validated.1["apiKey"]["remaining"]), (200, &json!(2)), "seven were paid for");
}

#[tokio::test]
async fn whoever_may_verify_in_public_is_judged_by_their_own_address() {
    let server = TestServer::with(Setup { access: Access::Public, ..Setup::default() });
    let key = server.create(json!({ "userId": "ada", "allowedAddresses": ["127.0.0.2"] })).await;
    let [near, far] = [client_at([127, 0, 0, 2]), client_at([127, 0, 0, 1])];
    for kind in [Kind::Verify, Kind::Authorize] {
        assert_eq!(outcome(send(&near, &server, kind, &key, &[]).await).await, (200, "valid".to_owned()), "{kind:?}");
        let (_, code) = outcome(send(&far, &server, kind, &key, &["127.0.0.2"]).await).await;
        assert_eq!(code, "IP_NOT_ALLOWED", "{kind:?}: nobody trusts the header");
    }
    for (path, name) in [("verify", "key"), ("validate", "apiKey")] {
        let body = json!({ name: key["key"], "clientIp": "127.0.0.2" });
        let claimed = answer(server.anonymous(Method::POST, path).json(&body).send().await.unwrap()).await;
        assert_eq!((claimed.0.as_u16(), &claimed.1["code"]), (400, &json!("SERVER_ONLY_PROPERTY")));
    }
    let closed = TestServer::new();
    let body = json!({ "key": "k", "clientIp": "127.0.0.2" });
    let stranger = answer(closed.anonymous(Method::POST, "verify").json(&body).send().await.unwrap()).await;
    assert_eq!((stranger.0.as_u16(), &stranger.1["code"]), (401, &json!("UNAUTHORIZED")), "who may not ask at all");
}

#[tokio::test]
async fn a_forged_chain_of_proxies_opens_nothing_anywhere() {
    let server = TestServer::with(behind_proxies());
    let ada = server.sign_up("ada").await["user"]["id"].clone();
    // The proxies' own networks are allowed: their addresses must not pass for their clients'.
    let allowed = json!(["203.0.113.0/24", "10.0.0.0/8", "127.0.0.0/8", "2001:db8::/32", "fe80::/10"]);
    let body = json!({ "userId": ada, "rateLimitEnabled": false, "remaining": 1000, "allowedAddresses": allowed });
    let key = server.create(body).await;
    let proxy = client_at([127, 0, 0, 1]);
    let mut paid = 0;
    for (lines, is_allowed) in [
        (&["203.0.113.7"][..], true),
        (&["198.51.100.1, 203.0.113.7"], true),
        (&["198.51.100.1", "203.0.113.7, 10.1.1.1"], true),
        (&["[2001:db8::7]:443"], true),
        (&["fe80::1%eth0"], true),
        (&["::ffff:203.0.113.7"], true),
        (&["10.1.1.1"], true),
        (&["198.51.100.1"], false),
        (&["203.0.113.7, 198.51.100.1"], false),
        (&["203.0.113.7", "198.51.100.1"], false),
        (&["203.0.113.7, 198.51.100.1, 10.1.1.1"], false),
        (&["203.0.113.7, ::ffff:198.51.100.1"], false),
        (&["203.0.113.7, unknown"], false),
        (&["203.0.113.7, unknown, 10.1.1.1"], false),
        (&["203.0.113.7,"], false),
        (&["203.0.113.7", ""], false),
        (&["203.0.113.7/24"], false),
        (&["203.0.113.007"], false),
        (&["203.0.113.7;198.51.100.1"], false),
        (&[], false),
    ] {
        for kind in [Kind::Verify, Kind::Validate, Kind::Authorize, Kind::Session] {
            let (status, code) = outcome(send(&proxy, &server, kind, &key, lines).await).await;
            let refused = if matches!(kind, Kind::Verify) { 200 } else { 403 };
            let expected = if is_allowed { (200, "valid") } else { (refused, "IP_NOT_ALLOWED") };
            assert_eq!((status, code.as_str()), expected, "{kind:?} {lines:?}");
            paid += u32::from(is_allowed);
        }
    }
    let left = server.get(&format!("get?id={}", key["id"].as_str().unwrap())).await.1["remaining"].clone();
    assert_eq!(left, json!(1000 - paid), "a refusal costs nothing");
}

#[tokio::test]
async fn a_gateway_with_a_server_key_is_a_proxy_and_not_the_client() {
    let server = TestServer::new();
    let allowed = json!(["203.0.113.0/24", "127.0.0.0/8"]);
    let key = server.create(json!({ "userId": "ada", "allowedAddresses": allowed })).await;
    for (lines, expected) in [
        (&["203.0.113.7"][..], (200, "valid")),
        (&["203.0.113.7, 198.51.100.1"], (403, "IP_NOT_ALLOWED")),
        (&[], (403, "IP_NOT_ALLOWED")),
    ] {
        let request = Client::new().get(format!("http://{}/authorize", server.address));
        let request = request.header("x-authz-server-key", SERVER_KEY);
        let request = request.header("x-api-key", key["key"].as_str().unwrap());
        let request = lines.iter().fold(request, |request, line| request.header("x-forwarded-for", *line));
        let (status, code) = outcome(request.send().await.unwrap()).await;
        assert_eq!((status, code.as_str()), expected, "{lines:?}");
    }
    let hidden = Client::new().get(format!("http://{}/authorize?deny=403", server.address));
    let hidden = hidden.header("x-authz-server-key", SERVER_KEY);
    let hidden = hidden.header("x-api-key", key["key"].as_str().unwrap()).send().await.unwrap();
    assert_eq!(
        (hidden.status().as_u16(), &hidden.headers()["x-authz-code"]),
        (403, &"IP_NOT_ALLOWED".parse().unwrap())
    );
}

#[tokio::test]
async fn a_configuration_rules_over_all_its_keys() {
    let list =
        |texts: &[&str]| Networks::new(texts.iter().map(|text| Network::parse(text).unwrap()).collect()).unwrap();
    let addresses = AddressRules { allowed: list(&["10.0.0.0/8"]), denied: list(&["10.9.0.0/16"]) };
    let ruled = Configuration { addresses, ..Configuration::default() };
    let policy = Policy::new(vec![ruled]).unwrap();
    let server = TestServer::with(Setup { policy, ..Setup::on(MemoryStore::default()) });
    let bare = server.create(json!({ "userId": "ada" })).await;
    assert!(!bare.as_object().unwrap().contains_key("allowedAddresses"), "it has none of its own");
    let wider = server.create(json!({ "userId": "ada", "allowedAddresses": ["0.0.0.0/0"] })).await;
    for key in [&bare, &wider] {
        for (client_ip, expected) in
            [("10.1.2.3", "valid"), ("10.9.2.3", "IP_NOT_ALLOWED"), ("192.0.2.1", "IP_NOT_ALLOWED")]
        {
            assert_eq!(verdict(&server, key, client_ip).await, expected, "{client_ip}");
        }
        assert_eq!(server.verify(key).await["error"]["code"], "IP_NOT_ALLOWED");
    }
    let narrower = server.create(json!({ "userId": "ada", "allowedAddresses": ["10.1.0.0/16"] })).await;
    let inside = Ipv4Addr::new(10, 1, 0, 1).to_string();
    assert_eq!(verdict(&server, &narrower, &inside).await, "valid");
    assert_eq!(verdict(&server, &narrower, "10.2.0.1").await, "IP_NOT_ALLOWED");
}

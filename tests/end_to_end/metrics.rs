//! The metrics, as Prometheus reads them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use reqwest::{Client, Method, StatusCode};
use serde_json::json;

use crate::process::{Place, SERVER_KEY, Server};

/// The printed values by series: `name{label="value"}`, with sorted labels.
type Series = BTreeMap<String, String>;

async fn scrape(server: &Server) -> String {
    let url = format!("http://{}/metrics", server.address);
    let response = Client::new().get(url).bearer_auth(SERVER_KEY).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()["content-type"], "text/plain; version=0.0.4; charset=utf-8");
    response.text().await.unwrap()
}

fn parse(text: &str) -> Series {
    let samples = text.lines().filter(|line| !line.starts_with('#'));
    let samples = samples.map(|line| line.rsplit_once(' ').unwrap());
    samples.map(|(series, value)| (series.to_owned(), value.to_owned())).collect()
}

async fn series(server: &Server) -> Series {
    parse(&scrape(server).await)
}

fn verifications(outcome: &str) -> String {
    format!("keymint_verifications_total{{outcome=\"{outcome}\"}}")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_counted_is_what_was_done() {
    let server = Place::on("memory:").serve();
    let key = server.create(json!({ "userId": "ada", "remaining": 3 })).await;
    let limited = server.create(json!({ "userId": "ada", "rateLimitMax": 1, "rateLimitTimeWindow": 60_000 })).await;
    let unknown = json!({ "key": "nobody-has-this-one" });
    for (key, uses) in [(&key, 5), (&limited, 2), (&unknown, 4)] {
        for _ in 0..uses {
            server.is_valid(key).await;
        }
    }
    let asked = json!({ "key": limited["key"], "permissions": { "files": ["read"] } });
    assert_eq!(server.post("verify", asked).await.1["valid"], json!(false));

    let found = series(&server).await;
    for (name, expected) in [
        (verifications("valid"), "4"),
        (verifications("usage_exceeded"), "2"),
        (verifications("rate_limited"), "1"),
        (verifications("invalid_api_key"), "4"),
        (verifications("insufficient_permissions"), "1"),
        (verifications("key_expired"), "0"),
        ("keymint_verification_duration_seconds_count".into(), "12"),
        ("keymint_verification_duration_seconds_bucket{le=\"+Inf\"}".into(), "12"),
        ("keymint_batch_size_sum".into(), "12"),
        ("keymint_batch_size_bucket{le=\"1\"}".into(), "12"),
        ("keymint_batch_wait_seconds_count".into(), "12"),
        ("keymint_queue_refused_total".into(), "0"),
        ("keymint_store_errors_total{kind=\"unavailable\"}".into(), "0"),
        (r#"keymint_http_requests_total{method="POST",route="/api-key/verify",status="200"}"#.into(), "12"),
        (r#"keymint_http_requests_total{method="POST",route="/api-key/create",status="200"}"#.into(), "2"),
        (r#"keymint_http_request_duration_seconds_count{route="/api-key/verify"}"#.into(), "12"),
        (format!("keymint_build_info{{version=\"{}\"}}", env!("CARGO_PKG_VERSION")), "1"),
    ] {
        assert_eq!(found.get(&name).map(String::as_str), Some(expected), "{name}\n{found:#?}");
    }
    let seconds = |name: &str| found[name].parse::<f64>().unwrap();
    let (took, waited) =
        (seconds("keymint_verification_duration_seconds_sum"), seconds("keymint_batch_wait_seconds_sum"));
    assert!(took > 0.0 && took >= waited, "who waits is not answered yet");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_series_grows_with_keys_paths_or_methods() {
    let place = Place::on("memory:").with("KEYMINT__SERVER__TRUSTED_PROXIES", r#"["127.0.0.0/8"]"#);
    let server = place.serve();
    let throw = async |turn: usize| {
        let client = Client::new();
        let send = async |method: &str, path: String| {
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            let request = client.request(method, format!("http://{}{path}", server.address));
            request.header("x-api-key", format!("key-{turn}")).send().await.unwrap();
        };
        let key = server.create(json!({ "userId": format!("user-{turn}") })).await;
        assert!(server.is_valid(&key).await);
        server.is_valid(&json!({ "key": format!("nobody-has-{turn}") })).await;
        send("GET", format!("/path-{turn}?query={turn}")).await;
        send("GET", format!("/api/auth/path-{turn}")).await;
        send("GET", format!("/authorize/path-{turn}/{turn}")).await;
        send(&format!("METHOD{turn}"), "/healthz".to_owned()).await;
        send(&format!("METHOD{turn}"), format!("/path-{turn}")).await;
    };
    throw(0).await;
    // A scrape is a request too, which the next one counts.
    series(&server).await;
    let names = |series: Series| series.into_keys().collect::<BTreeSet<_>>();
    let before = names(series(&server).await);
    for turn in 1..=100 {
        throw(turn).await;
    }
    assert_eq!(names(series(&server).await), before);
    assert!(before.iter().any(|name| name.contains(r#"method="other",route="other",status="404""#)), "{before:#?}");
    assert!(before.iter().any(|name| name.contains(r#"method="GET",route="/authorize",status="401""#)), "{before:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_fails_and_keys_that_change_are_seen() {
    let place = Place::new()
        .with("KEYMINT__CLEANUP__INTERVAL_SECONDS", "1")
        .with("KEYMINT__CLEANUP__STEADY_CLOCK_SECONDS", "0");
    let server = place.serve();
    let [_, disabled, revoked] = [
        server.create(json!({ "userId": "ada" })).await,
        server.create(json!({ "userId": "ada" })).await,
        server.create(json!({ "userId": "ada" })).await,
    ];
    server.create(json!({ "userId": "ada", "remaining": 0 })).await;
    let (status, _) = server.post("update", json!({ "keyId": disabled["id"], "enabled": false })).await;
    assert_eq!(status, StatusCode::OK);
    let (status, _) = server.post("revoke", json!({ "id": revoked["id"] })).await;
    assert_eq!(status, StatusCode::OK);
    let counted = async {
        loop {
            let found = series(&server).await;
            let of = |state: &str| found.get(&format!("keymint_keys{{state=\"{state}\"}}")).map(String::as_str);
            if ["active", "disabled", "expired", "exhausted", "revoked"].map(of) == ["1", "1", "0", "1", "1"].map(Some)
            {
                return found;
            }
        }
    };
    let found = tokio::time::timeout(Duration::from_secs(30), counted).await.expect("a clean-up counts the keys");
    let number = |found: &Series, name: &str| found[name].parse::<u64>().unwrap();
    assert!(number(&found, "keymint_cleanup_runs_total{outcome=\"success\"}") >= 1);
    let connections =
        ["idle", "used"].map(|state| number(&found, &format!("keymint_database_connections{{state=\"{state}\"}}")));
    assert!(connections.iter().sum::<u64>() >= 1, "{connections:?}");

    std::fs::rename(place.path().join("keymint.db"), place.path().join("away.db")).unwrap();
    assert_eq!(server.post("verify", json!({ "key": "k" })).await.0, StatusCode::SERVICE_UNAVAILABLE);
    let found = series(&server).await;
    assert!(number(&found, "keymint_store_errors_total{kind=\"unavailable\"}") >= 1);
    let failed = r#"keymint_http_requests_total{method="POST",route="/api-key/verify",status="503"}"#;
    assert_eq!(found[failed], "1");
}

#[tokio::test(flavor = "multi_thread")]
async fn addresses_that_try_too_often_are_counted() {
    let server = Place::on("memory:").with("KEYMINT__IDENTITY__THROTTLE__MAX_REQUESTS", "2").serve();
    let url = format!("http://{}/api/auth/sign-in/email", server.address);
    for _ in 0..5 {
        let body = json!({ "email": "ada@example.com", "password": "password" });
        Client::new().post(&url).json(&body).send().await.unwrap();
    }
    let found = series(&server).await;
    assert_eq!(found["keymint_throttled_requests_total"], "3");
    assert_eq!(found["keymint_throttled_addresses"], "1");
}

async fn status(address: impl std::fmt::Display, key: Option<&str>) -> u16 {
    let request = Client::new().get(format!("http://{address}/metrics"));
    let request = key.into_iter().fold(request, reqwest::RequestBuilder::bearer_auth);
    request.send().await.unwrap().status().as_u16()
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_are_for_servers_for_networks_that_are_named_and_for_nobody_else() {
    let key = Some(SERVER_KEY);
    let place = || Place::on("memory:");
    let server = place().serve();
    for (key, expected) in [(None, 401), (Some("a-key-that-is-nobodys-and-long-enough"), 401), (key, 200)] {
        assert_eq!(status(server.address, key).await, expected, "{key:?}");
    }
    for (networks, expected) in [(r#"["127.0.0.0/8"]"#, 200), (r#"["10.0.0.0/8"]"#, 401)] {
        let server = place().with("KEYMINT__METRICS__ALLOW", networks).serve();
        assert_eq!(status(server.address, None).await, expected, "{networks}");
    }
    let server = place().with("KEYMINT__METRICS__ENABLED", "false").serve();
    assert_eq!(status(server.address, key).await, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_may_have_an_address_of_their_own() {
    let mut server = Place::on("memory:").with("KEYMINT__METRICS__LISTEN", "127.0.0.1:0").serve();
    let line = server.next_line();
    let address =
        line.trim().strip_prefix("metrics     http://").and_then(|rest| rest.strip_suffix("/metrics")).unwrap();
    assert_eq!(status(address, None).await, 200);
    assert_eq!(status(server.address, Some(SERVER_KEY)).await, 404);
    let response = Client::new().get(format!("http://{address}/healthz")).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::NOT_FOUND, "nothing else is there");
    server.terminate();
    assert!(server.wait());
}

const DOCUMENT: &str = include_str!("../../docs/operations/metrics.md");

/// The names, types and labels of all metrics.
type Listed = BTreeMap<String, (String, BTreeSet<String>)>;

fn documented() -> Listed {
    let rows = DOCUMENT.lines().filter(|line| line.starts_with("| `keymint_") || line.starts_with("| `process_"));
    rows.map(|row| {
        let [name, kind, labels, _] = row.trim_matches(['|', ' ']).split(" | ").collect::<Vec<_>>()[..] else {
            panic!("not four cells: {row}")
        };
        let labels =
            labels.split(", ").filter(|label| !label.is_empty()).map(|label| label.trim_matches('`').to_owned());
        (name.trim_matches('`').to_owned(), (kind.to_owned(), labels.collect()))
    })
    .collect()
}

fn exposed(text: &str) -> Listed {
    let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '));
    let mut listed: Listed = types.map(|(name, kind)| (name.to_owned(), (kind.to_owned(), BTreeSet::new()))).collect();
    for series in parse(text).keys() {
        let (name, labels) = series.split_once('{').unwrap_or((series, ""));
        let whole = ["", "_bucket", "_sum", "_count"].into_iter().find_map(|end| {
            let whole = name.strip_suffix(end)?;
            listed.contains_key(whole).then(|| whole.to_owned())
        });
        let (_, known) = listed.get_mut(&whole.unwrap()).unwrap();
        let names = labels.split("\",").filter_map(|label| Some(label.split_once('=')?.0.to_owned()));
        known.extend(names.filter(|label| label != "le"));
    }
    listed
}

#[tokio::test(flavor = "multi_thread")]
async fn the_document_lists_every_metric_with_its_type_and_labels() {
    let server = Place::on("memory:").serve();
    server.create(json!({ "userId": "ada" })).await;
    let url = format!("http://{}/api/auth/webhooks/create", server.address);
    let webhook = Client::new().post(url).bearer_auth(SERVER_KEY).json(&json!({ "url": "https://192.88.98.1/" }));
    assert_eq!(webhook.send().await.unwrap().status(), StatusCode::OK);
    let counted = async {
        loop {
            let text = scrape(&server).await;
            if text.contains("keymint_keys{") && text.contains("keymint_webhook_backlog{") {
                return text;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let text = tokio::time::timeout(Duration::from_secs(30), counted).await.expect("keys and events are counted");
    assert_eq!(exposed(&text), documented());
}

//! SIGHUP: the configuration and the certificate are loaded again, and no request is lost.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use reqwest::Client;
use reqwest::tls::TlsInfo;
use serde_json::{Value, json};

use crate::authority::Authority;
use crate::process::{Place, SERVER_KEY, Server};

/// Writes `keymint.toml` for a server over TLS, with `more` at its end.
fn configure(place: &Place, more: &str) {
    let text = format!(
        "[server]\nbase_url = \"https://127.0.0.1\"\nkeep_alive_seconds = 3600\n\
         tls = {{ certificate = \"certificate.pem\", key = \"key.pem\" }}\n{more}"
    );
    fs::write(place.path().join("keymint.toml"), text).unwrap();
}

/// Returns the rate limit of new keys, which identifies a configuration.
fn limit(max_requests: u64) -> String {
    format!("[[api_key]]\nrate_limit.max_requests = {max_requests}\n")
}

async fn limit_of_new_keys(server: &Server) -> Value {
    server.create(json!({ "userId": "ada" })).await["rateLimitMax"].clone()
}

/// Returns the certificate that a new connection gets.
async fn shown(server: &Server, authority: &Authority) -> Vec<u8> {
    let client = authority.client().build().unwrap();
    let response = client.get(format!("https://{}/healthz", server.address)).send().await.unwrap();
    response.extensions().get::<TlsInfo>().unwrap().peer_certificate().unwrap().to_vec()
}

/// Verifies the key until `done`, and counts the answers. Every request must be answered, and every use allowed.
async fn hammer(client: Client, url: String, key: Value, done: Arc<AtomicBool>, answered: Arc<AtomicU64>) {
    while !done.load(Ordering::SeqCst) {
        let response = client.post(&url).bearer_auth(SERVER_KEY).json(&json!({ "key": key })).send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.json::<Value>().await.unwrap()["valid"], true);
        answered.fetch_add(1, Ordering::SeqCst);
    }
}

async fn no_request_is_lost_while_certificates_and_limits_change(place: Place) {
    const QUOTA: u64 = 1_000_000;
    let authority = Authority::new();
    let first = authority.issue(place.path());
    configure(&place, &limit(1));
    let server = place.serve().asked_by(authority.client().build().unwrap());
    assert_eq!(shown(&server, &authority).await, first);
    let key = server.create(json!({ "userId": "ada", "remaining": QUOTA, "rateLimitEnabled": false })).await;

    let (done, answered) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    // Connections that are kept, and a new one for every request.
    let kept = (0..4).map(|_| authority.client());
    let clients = kept.chain((0..2).map(|_| authority.client().pool_max_idle_per_host(0)));
    let callers: Vec<_> = clients
        .map(|client| {
            let (done, answered) = (Arc::clone(&done), Arc::clone(&answered));
            tokio::spawn(hammer(client.build().unwrap(), server.url("verify"), key["key"].clone(), done, answered))
        })
        .collect();
    for reloads in 1..=5 {
        let before = answered.load(Ordering::SeqCst);
        while answered.load(Ordering::SeqCst) < before + 50 && callers.iter().all(|caller| !caller.is_finished()) {
            tokio::task::yield_now().await;
        }
        let issued = authority.issue(place.path());
        configure(&place, &limit(reloads + 1));
        server.reload();
        server.has_logged("the configuration was reloaded", reloads).await;
        assert_eq!(limit_of_new_keys(&server).await, reloads + 1);
        assert_eq!(shown(&server, &authority).await, issued);
    }
    done.store(true, Ordering::SeqCst);
    for caller in callers {
        caller.await.unwrap();
    }
    server.terminate();
    let (success, _, log) = server.finish();
    assert!(success && !log.contains("ERROR"), "{log}");
    let kept = place.json(&["key", "get", key["id"].as_str().unwrap(), "--json"]);
    assert_eq!(QUOTA - kept["remaining"].as_u64().unwrap(), answered.load(Ordering::SeqCst));
}

#[tokio::test(flavor = "multi_thread")]
async fn no_request_is_lost_on_sqlite() {
    no_request_is_lost_while_certificates_and_limits_change(Place::new()).await;
}

#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(not(feature = "full-tests"), ignore = "needs Postgres")]
async fn no_request_is_lost_on_postgres() {
    no_request_is_lost_while_certificates_and_limits_change(Place::on(&keymint_test_postgres::database().await)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_logged_and_changes_nothing() {
    let (place, authority) = (Place::new(), Authority::new());
    let first = authority.issue(place.path());
    configure(&place, &limit(7));
    let server = place.serve().asked_by(authority.client().build().unwrap());

    authority.issue(place.path());
    configure(&place, &format!("{}nonsense = 1\nkey_length = 1\n", limit(8)));
    server.reload();
    server.has_logged("the configuration was not reloaded", 1).await;
    for problem in ["api_key[0].nonsense: unknown key", "api_key[0].key_length: must be from 16 to 256"] {
        assert!(server.log().contains(problem), "{}", server.log());
    }

    let key = fs::read(place.path().join("key.pem")).unwrap();
    authority.issue(place.path());
    fs::write(place.path().join("key.pem"), key).unwrap();
    configure(&place, &limit(8));
    server.reload();
    server.has_logged("the configuration was not reloaded", 2).await;
    let problem = "server.tls.key: key.pem: is not the private key of the first certificate";
    assert!(server.log().contains(problem) && !server.log().contains("PRIVATE KEY"), "{}", server.log());

    assert_eq!(limit_of_new_keys(&server).await, 7);
    assert_eq!(shown(&server, &authority).await, first);
    let issued = authority.issue(place.path());
    server.reload();
    server.has_logged("the configuration was reloaded", 1).await;
    assert_eq!(limit_of_new_keys(&server).await, 8);
    assert_eq!(shown(&server, &authority).await, issued);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_needs_a_restart_is_named_and_all_else_counts() {
    let place = Place::new();
    let server = place.serve();
    let text = format!("server = {{ base_path = \"/elsewhere\", workers = 7 }}\n{}", limit(9));
    fs::write(place.path().join("keymint.toml"), text).unwrap();
    server.reload();
    server.has_logged("the configuration was reloaded", 1).await;
    let log = server.log();
    assert_eq!(log.matches("needs a restart").count(), 2, "{log}");
    assert!(log.contains("server.base_path") && log.contains("server.workers"), "{log}");
    assert_eq!(limit_of_new_keys(&server).await, 9, "and the path is as it was");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_of_settings_shows_what_was_reloaded() {
    let place = Place::new();
    let configure = |text: &str| fs::write(place.path().join("keymint.toml"), text).unwrap();
    let server = place.serve();
    let ada = json!({ "name": "Ada", "email": "ada@example.com", "password": "correct horse" });
    let signed_up = Client::new().post(server.url("../sign-up/email")).json(&ada).send().await.unwrap();
    let cookie = signed_up.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    assert!(place.run(&["user", "make-operator", "ada@example.com"]).status.success());
    let page = async || {
        let page = Client::new().get(format!("http://{}/console/settings", server.address)).header("cookie", &cookie);
        let html = page.send().await.unwrap().error_for_status().unwrap().text().await.unwrap();
        // Attributes and texts are escaped alike.
        html.replace("&#34;", "\"").replace("&quot;", "\"")
    };
    assert!(!page().await.contains("need a restart"));

    configure(&format!("server = {{ workers = 7 }}\n{}", limit(9)));
    server.reload();
    server.has_logged("the configuration was reloaded", 1).await;
    let shown = page().await;
    assert!(shown.contains("need a restart: <code>server.workers</code>."), "{shown}");
    assert!(shown.contains("workers = 7") && shown.contains("max_requests = 9"), "{shown}");

    // A wrong one changes nothing, and shows nothing of itself.
    configure(&format!("nonsense = 1\n{}", limit(10)));
    server.reload();
    server.has_logged("the configuration was not reloaded", 1).await;
    let unchanged = page().await;
    assert!(
        unchanged.contains("max_requests = 9") && unchanged.contains("<code>server.workers</code>."),
        "{unchanged}"
    );
    assert!(!unchanged.contains("nonsense") && !unchanged.contains("max_requests = 10"), "{unchanged}");

    configure(&limit(11));
    server.reload();
    server.has_logged("the configuration was reloaded", 2).await;
    let shown = page().await;
    assert!(shown.contains("max_requests = 11") && !shown.contains("need a restart"), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_deferred_is_written_when_deferring_ends() {
    // Only the reload writes it during the test.
    let deferring = "verify.flush_ms = 60000\n[[api_key]]\ndefer_usage = true\n";
    let place = Place::new();
    fs::write(place.path().join("keymint.toml"), deferring).unwrap();
    let server = place.serve();
    let key = server.create(json!({ "userId": "ada", "rateLimitMax": 4, "rateLimitTimeWindow": 2_000_000_000 })).await;
    for _ in 0..3 {
        assert!(server.is_valid(&key).await);
    }
    let count = || place.json(&["key", "get", key["id"].as_str().unwrap(), "--json"])["requestCount"].clone();
    assert_eq!(count(), 0);
    fs::write(place.path().join("keymint.toml"), "").unwrap();
    server.reload();
    server.has_logged("the configuration was reloaded", 1).await;
    assert_eq!(count(), 3);
    assert!(server.is_valid(&key).await);
    assert_eq!(count(), 4, "and from now on each use at once");
    assert!(!server.is_valid(&key).await, "the limit has seen all of them");
}

#[tokio::test(flavor = "multi_thread")]
async fn assertions_begin_and_end_without_a_restart_and_a_restart_keeps_their_keys() {
    let place = Place::new();
    let configure = |text: &str| fs::write(place.path().join("keymint.toml"), text).unwrap();
    let keys = async |server: &Server| {
        let url = format!("http://{}/.well-known/jwks.json", server.address);
        let set: Value = reqwest::get(url).await.unwrap().json().await.unwrap();
        set["keys"].as_array().unwrap().clone()
    };
    let server = place.serve();
    assert_eq!(keys(&server).await.len(), 0);
    configure("authorize.assertion.audience = \"files\"");
    server.reload();
    server.has_logged("the configuration was reloaded", 1).await;
    let first = keys(&server).await;
    assert_eq!(first.len(), 3);
    configure("");
    server.reload();
    server.has_logged("the configuration was reloaded", 2).await;
    assert_eq!(keys(&server).await.len(), 0);
    configure("authorize.assertion.audience = \"mail\"");
    server.terminate();
    assert!(server.finish().0);
    let again = keys(&place.serve()).await;
    assert!(again.iter().filter(|key| first.contains(key)).count() >= 2, "the secret is the database's: {again:?}");
}

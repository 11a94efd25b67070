use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use keymint_actix::{Api, ApiOptions, Running, ServeOptions, Stopper, serve};
use keymint_domain::server_key::ServerKeyText;
use keymint_domain::{Policy, Timestamp};
use keymint_ports::{Clock, Entropy, FakeClock, KeyStore, SeededEntropy};
use keymint_service::{Access, Keys, ServerKeys};
use keymint_store_memory::MemoryStore;
use reqwest::{Client, Method, Response, StatusCode};
use serde_json::Value;

/// 2023-11-14T22:13:20.000Z
pub(crate) const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);
pub(crate) const SERVER_KEY: &str = "a-server-key-of-thirty-two-or-more";

/// A server of its own for one test.
pub(crate) struct TestServer {
    pub(crate) address: SocketAddr,
    pub(crate) clock: Arc<FakeClock>,
    pub(crate) stopper: Stopper,
    pub(crate) stopped: tokio::task::JoinHandle<std::io::Result<()>>,
    client: Client,
}

pub(crate) struct Setup {
    pub(crate) store: Arc<dyn KeyStore>,
    pub(crate) policy: Policy,
    pub(crate) access: Access,
    pub(crate) options: ApiOptions,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            store: Arc::new(MemoryStore::default()),
            policy: Policy::default(),
            access: Access::Server,
            options: ApiOptions::default(),
        }
    }
}

impl TestServer {
    pub(crate) fn new() -> Self {
        Self::with(Setup::default())
    }

    pub(crate) fn over(store: impl KeyStore) -> Self {
        Self::with(Setup { store: Arc::new(store), ..Setup::default() })
    }

    pub(crate) fn with(setup: Setup) -> Self {
        let clock = Arc::new(FakeClock::at(NOW));
        let entropy: Arc<dyn Entropy> = Arc::new(SeededEntropy::new(1));
        let as_clock = || Arc::clone(&clock) as Arc<dyn Clock>;
        let keys = Keys::builder(setup.store)
            .policy(setup.policy)
            .access(setup.access)
            .clock(as_clock())
            .entropy(Arc::clone(&entropy))
            .build();
        let given = [ServerKeyText::parse(SERVER_KEY).unwrap()];
        let server_keys = ServerKeys::new(Arc::new(MemoryStore::default()), as_clock(), entropy, &given);
        let api = Api::new(Arc::new(keys), Arc::new(server_keys), setup.options, [0xab; 8]);
        let options = ServeOptions {
            workers: Some(1),
            shutdown_timeout: Duration::from_secs(20),
            head_timeout: Duration::from_millis(500),
            ..ServeOptions::default()
        };
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let Running { server, stopper, address } = serve(listener, api, &options).unwrap();
        Self { address, clock, stopper, stopped: tokio::spawn(server), client: Client::new() }
    }

    /// An authenticated request; the path is below the base path.
    pub(crate) fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.anonymous(method, path).bearer_auth(SERVER_KEY)
    }

    pub(crate) fn anonymous(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.client.request(method, format!("http://{}/api/auth/api-key/{path}", self.address))
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> (StatusCode, Value) {
        answer(self.request(Method::POST, path).json(&body).send().await.unwrap()).await
    }

    pub(crate) async fn get(&self, path: &str) -> (StatusCode, Value) {
        answer(self.request(Method::GET, path).send().await.unwrap()).await
    }

    /// Creates a key and returns the answer.
    pub(crate) async fn create(&self, body: Value) -> Value {
        let (status, key) = self.post("create", body).await;
        assert_eq!(status, StatusCode::OK, "{key}");
        key
    }

    pub(crate) async fn verify(&self, key: &Value) -> Value {
        self.post("verify", serde_json::json!({ "key": key["key"] })).await.1
    }

    pub(crate) async fn plain(&self, path: &str) -> Response {
        self.client.get(format!("http://{}{path}", self.address)).send().await.unwrap()
    }
}

pub(crate) async fn answer(response: Response) -> (StatusCode, Value) {
    (response.status(), response.json().await.unwrap())
}

/// Checks an error's status, code and message.
#[track_caller]
pub(crate) fn assert_error(found: &(StatusCode, Value), status: u16, code: &str, message: &str) {
    let expected = serde_json::json!({ "code": code, "message": message });
    assert_eq!((found.0.as_u16(), &found.1), (status, &expected));
}

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use keymint_actix::origin::TrustedOrigin;
use keymint_actix::{
    Api, ApiOptions, AssertionOptions, Assertions, CookieSecret, PortalLinks, Running, ServeOptions, Sessions, Stopper,
    serve,
};
use keymint_domain::event::seal::SealKey;
use keymint_domain::identity::Operators;
use keymint_domain::policy::References;
use keymint_domain::server_key::ServerKeyText;
use keymint_domain::{Policy, Timestamp};
use keymint_ports::{
    Clock, Entropy, EventStore, FakeClock, FetchFailure, FetchedKeys, GithubKey, GithubKeys, IdentityStore, KeyStore,
    MockWebhookSender, OrganizationStore, SeededEntropy, ServerKeyStore, SurveyStore, Unmetered, UsageStore,
    WebhookSender,
};
use keymint_service::{
    Access, Audit, GithubReports, HolderReports, HolderReportsOptions, Identity, IdentityOptions, Keys, Portal,
    Recorder, ServerKeys, Throttle, ThrottleOptions, Usage, UsageOptions, WebhookOptions, WebhookPorts, Webhooks,
};
use keymint_store_memory::MemoryStore;
use reqwest::{Client, Method, Response, StatusCode};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use socket2::SockRef;

/// 2023-11-14T22:13:20.000Z
pub(crate) const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);
pub(crate) const SERVER_KEY: &str = "a-server-key-of-thirty-two-or-more";
pub(crate) const SECRET: &str = "a-secret-of-thirty-two-or-more-characters";
/// The origin of the server for browsers; its pages are trusted.
pub(crate) const ORIGIN: &str = "https://keys.example.com";

/// A server of its own for one test.
pub(crate) struct TestServer {
    pub(crate) address: SocketAddr,
    pub(crate) clock: Arc<FakeClock>,
    pub(crate) usage: Arc<Usage>,
    pub(crate) stopper: Stopper,
    pub(crate) audit: Arc<Audit>,
    pub(crate) stopped: tokio::task::JoinHandle<std::io::Result<()>>,
    /// Its connections send more before the other end has acknowledged what was sent.
    pub(crate) sends_at_once: bool,
    client: Client,
}

pub(crate) struct Setup {
    pub(crate) store: Arc<dyn KeyStore>,
    pub(crate) webhooks: Option<WebhookOptions>,
    pub(crate) sender: Arc<dyn WebhookSender>,
    pub(crate) users: Arc<dyn IdentityStore>,
    pub(crate) organizations: Arc<dyn OrganizationStore>,
    pub(crate) uses: Arc<dyn UsageStore>,
    pub(crate) survey: Arc<dyn SurveyStore>,
    pub(crate) policy: Policy,
    pub(crate) access: Access,
    pub(crate) options: ApiOptions,
    pub(crate) identity: IdentityOptions,
    pub(crate) throttle: Option<ThrottleOptions>,
    pub(crate) is_secure: bool,
    pub(crate) idempotency_window: Duration,
    pub(crate) assertions: Option<AssertionOptions>,
    pub(crate) recorder: Recorder,
    pub(crate) events: Arc<dyn EventStore>,
    /// False for an embedder that shows no log.
    pub(crate) has_log: bool,
    /// The server that shows the portal; `None` = there is no console.
    pub(crate) portal: Option<&'static str>,
    pub(crate) operators: Operators,
    /// Records reads of the log, too.
    pub(crate) log_reads: bool,
    pub(crate) server_keys: Arc<dyn ServerKeyStore>,
    /// The limits of holders' reports; `None` = they are not taken.
    pub(crate) holders: Option<HolderReportsOptions>,
    /// GitHub's public keys; `None` = its reports are not taken.
    pub(crate) github: Option<Arc<dyn GithubKeys>>,
}

impl Default for Setup {
    fn default() -> Self {
        Self::on(MemoryStore::default())
    }
}

impl Setup {
    pub(crate) fn on(store: MemoryStore) -> Self {
        let store = Arc::new(store);
        Self {
            store: Arc::clone(&store) as _,
            webhooks: Some(WebhookOptions::default()),
            sender: Arc::new(accepting()),
            users: Arc::clone(&store) as _,
            organizations: Arc::clone(&store) as _,
            uses: Arc::clone(&store) as _,
            survey: Arc::clone(&store) as _,
            policy: Policy::default(),
            access: Access::Server,
            options: ApiOptions { trusted_origins: trusted(&[ORIGIN]), ..ApiOptions::default() },
            identity: IdentityOptions::default(),
            throttle: None,
            is_secure: false,
            idempotency_window: Duration::ZERO,
            assertions: None,
            recorder: Recorder::default(),
            events: Arc::clone(&store) as _,
            has_log: true,
            portal: Some(ORIGIN),
            operators: Operators::default(),
            log_reads: false,
            server_keys: store,
            holders: Some(HolderReportsOptions { answer_after: Duration::from_millis(50), at_once: 8 }),
            github: Some(Arc::new(FakeGithub)),
        }
    }
}

/// Receivers that accept everything.
fn accepting() -> MockWebhookSender {
    let mut sender = MockWebhookSender::new();
    sender.expect_check().returning(|_| Ok(()));
    sender.expect_send().returning(|_| Ok(204));
    sender
}

pub(crate) fn trusted(origins: &[&str]) -> keymint_actix::origin::TrustedOrigins {
    origins.iter().map(|origin| TrustedOrigin::parse(origin).unwrap()).collect()
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
        let mut configurations = setup.policy.configurations().iter();
        let has_organizations = configurations.any(|entry| entry.references == References::Organization);
        let as_clock = || Arc::clone(&clock) as Arc<dyn Clock>;
        let usage =
            Usage::start(setup.uses, as_clock(), &SeededEntropy::new(2), Arc::new(Unmetered), UsageOptions::default());
        let usage = Arc::new(usage);
        let keys = Keys::builder(setup.store)
            .usage(Arc::clone(&usage))
            .survey(setup.survey)
            .users(Arc::clone(&setup.users))
            .organizations(setup.organizations)
            .policy(setup.policy)
            .access(setup.access)
            .clock(as_clock())
            .entropy(Arc::clone(&entropy))
            .idempotency_window(setup.idempotency_window)
            .recorder(setup.recorder.clone())
            .build();
        let given = [ServerKeyText::parse(SERVER_KEY).unwrap()];
        let server_keys = ServerKeys::new(setup.server_keys)
            .with_given(&given)
            .with_clock(as_clock())
            .with_entropy(Arc::clone(&entropy));
        let portal = Portal::new(Arc::clone(&setup.users))
            .with_clock(as_clock())
            // Its own, so that ids of keys do not depend on it.
            .with_entropy(Arc::new(SeededEntropy::new(3)))
            .with_recorder(setup.recorder.clone());
        let identity = Identity::new(setup.users)
            .with_operators(setup.operators)
            .with_options(setup.identity)
            .with_clock(as_clock())
            .with_entropy(Arc::clone(&entropy))
            .with_recorder(setup.recorder.clone(), Arc::clone(&setup.events));
        let audit = Audit::new(setup.events, SealKey::new([7; 32]))
            .with_clock(as_clock())
            .with_entropy(entropy)
            .with_recorder(setup.recorder)
            .logging_reads(setup.log_reads);
        let audit = Arc::new(audit);
        let secret = CookieSecret::parse(SECRET).unwrap();
        let sessions = Sessions::new(Arc::new(identity), secret.clone(), setup.is_secure);
        let throttle = setup.throttle.map(|options| Arc::new(Throttle::new(options)));
        let sessions = match &throttle {
            Some(throttle) => sessions.throttled(Arc::clone(throttle)),
            None => sessions,
        };
        let sessions = if has_organizations { sessions.with_organizations() } else { sessions };
        let api = Api::new(Arc::new(keys), Arc::new(server_keys))
            .with_options(setup.options)
            .with_instance([0xab; 8])
            .with_sessions(sessions);
        let ports = WebhookPorts {
            store: Arc::new(MemoryStore::default()),
            events: Arc::new(MemoryStore::default()),
            sender: setup.sender,
            clock: as_clock(),
            // Its own, so that ids of keys do not depend on it.
            entropy: Arc::new(SeededEntropy::new(2)),
            meter: Arc::new(Unmetered),
            recorder: Recorder::default(),
        };
        let api = match setup.webhooks {
            Some(options) => api.with_webhooks(Webhooks::new(ports, options)),
            None => api,
        };
        let api = match setup.holders {
            Some(options) => api.with_holder_reports(HolderReports::new(throttle, options)),
            None => api,
        };
        let api = match setup.github {
            Some(github) => api.with_github_reports(GithubReports::new(github, as_clock())),
            None => api,
        };
        let api = match setup.portal {
            Some(url) => api.with_portal(PortalLinks { portal: Arc::new(portal), base_url: url.to_owned() }),
            None => api,
        };
        let api = if setup.has_log { api.with_audit(Arc::clone(&audit)) } else { api };
        let api = match setup.assertions {
            Some(options) => api.with_assertions(Assertions::new(secret, options)),
            None => api,
        };
        let options = ServeOptions {
            workers: Some(1),
            shutdown_timeout: Duration::from_secs(20),
            // The server's clock may be half a second behind, and clients on a busy machine are late.
            head_timeout: Duration::from_secs(3),
            write_timeout: Duration::from_secs(3),
            ..ServeOptions::default()
        };
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let socket = listener.try_clone().unwrap();
        let Running { server, stopper, address, api: _ } = serve(listener, api, &options).unwrap();
        let sends_at_once = SockRef::from(&socket).tcp_nodelay().unwrap();
        let (stopped, client) = (tokio::spawn(server), Client::new());
        Self { address, clock, usage, stopper, audit, stopped, sends_at_once, client }
    }

    /// An authenticated request; the path is below the base path.
    pub(crate) fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.anonymous(method, path).bearer_auth(SERVER_KEY)
    }

    pub(crate) fn anonymous(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.auth(method, &format!("api-key/{path}"))
    }

    /// A request that says nothing about who sends it; the path is below `/api/auth`.
    pub(crate) fn auth(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.client.request(method, format!("http://{}/api/auth/{path}", self.address))
    }

    /// Signs somebody up whose password is `password`, and returns the answer.
    pub(crate) async fn sign_up(&self, name: &str) -> Value {
        let body = serde_json::json!({ "name": name, "email": format!("{name}@example.com"), "password": "password" });
        let (status, user) = answer(self.auth(Method::POST, "sign-up/email").json(&body).send().await.unwrap()).await;
        assert_eq!(status, StatusCode::OK, "{user}");
        user
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> (StatusCode, Value) {
        answer(self.request(Method::POST, path).json(&body).send().await.unwrap()).await
    }

    pub(crate) async fn get(&self, path: &str) -> (StatusCode, Value) {
        answer(self.request(Method::GET, path).send().await.unwrap()).await
    }

    /// Asks an endpoint below `/webhooks` as a server.
    pub(crate) async fn webhooks(&self, method: Method, path: &str, body: Option<Value>) -> (StatusCode, Value) {
        let request = self.auth(method, &format!("webhooks/{path}")).bearer_auth(SERVER_KEY);
        let request = body.into_iter().fold(request, |request, body| request.json(&body));
        answer(request.send().await.unwrap()).await
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

/// The `Set-Cookie` lines of an answer.
pub(crate) fn cookies(response: &Response) -> Vec<String> {
    response.headers().get_all("set-cookie").iter().map(|line| line.to_str().unwrap().to_owned()).collect()
}

/// Returns the cookies that a browser would send back of these lines.
pub(crate) fn cookie_header(lines: &[String]) -> String {
    let pairs = lines.iter().map(|line| line.split(';').next().unwrap());
    pairs.filter(|pair| !pair.ends_with('=')).collect::<Vec<_>>().join("; ")
}

/// Checks an error's status, code and message.
#[track_caller]
pub(crate) fn assert_error(found: &(StatusCode, Value), status: u16, code: &str, message: &str) {
    let expected = serde_json::json!({ "code": code, "message": message });
    assert_eq!((found.0.as_u16(), &found.1), (status, &expected));
}

/// The sample of GitHub's documentation.
const SAMPLE: &str =
    r#"[{"source":"commit","token":"some_token","type":"some_type","url":"https://example.com/base-repo-url/"}]"#;
pub(crate) const SAMPLE_KEY: &str = "bcb53661c06b4728e59d897fb6165d5c9cda0fd9cdf9d09ead458168deb7518c";
pub(crate) const SAMPLE_SIGNATURE: &str =
    "MEQCIQDaMKqrGnE27S0kgMrEK0eYBmyG0LeZismAEz/BgZyt7AIfXt9fErtRS4XaeSt/AO1RtBY66YcAdjxji410VQV4xg==";

/// Lists two keys. A signature is the digest of the key's id and the message, or that of GitHub's sample.
pub(crate) struct FakeGithub;

#[async_trait]
impl GithubKeys for FakeGithub {
    async fn fetch(&self, _: Option<Box<str>>) -> Result<FetchedKeys, FetchFailure> {
        let key = |id: &str| GithubKey { id: id.into(), point: Box::default() };
        Ok(FetchedKeys::All { keys: vec![key("listed"), key(SAMPLE_KEY)], tag: None })
    }

    fn verify(&self, key: &GithubKey, message: &[u8], signature: &[u8]) -> bool {
        let is_sample = &*key.id == SAMPLE_KEY && message.trim_ascii_end() == SAMPLE.as_bytes();
        signature == digest(&key.id, message) || is_sample && STANDARD.encode(signature) == SAMPLE_SIGNATURE
    }
}

pub(crate) fn digest(key_id: &str, message: &[u8]) -> Vec<u8> {
    Sha256::digest([key_id.as_bytes(), message].concat()).to_vec()
}

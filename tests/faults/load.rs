use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use keymint_test_support::keymint::{Place, SERVER_KEY, Server};
use reqwest::Client;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::timeout;

/// The initial quota of a key: more than any load uses.
const QUOTA: u64 = 1_000_000;

/// The time for which a caller waits for an answer, which is longer than the server's own timeouts.
const PATIENCE: Duration = Duration::from_secs(30);

/// The time for which a scenario waits for its load.
const UNTIL: Duration = Duration::from_mins(2);

/// Callers that use some keys all the time, and count the answers.
pub(crate) struct Load {
    shared: Arc<Shared>,
    callers: JoinSet<()>,
}

struct Shared {
    client: Client,
    /// The URLs of the endpoint, of which each caller has one. They change with a server that is started again.
    urls: RwLock<Vec<String>>,
    keys: Vec<Uses>,
    is_over: AtomicBool,
    /// Answers that no fault explains.
    odd: Mutex<Vec<String>>,
}

/// A key, and the outcomes of its uses.
struct Uses {
    id: String,
    text: String,
    valid: AtomicU64,
    /// Uses that failed, or were never answered, so that it is unknown whether they were counted.
    unknown: AtomicU64,
}

impl Load {
    /// Makes `keys` keys, and lets `callers` callers use them in turn.
    pub(crate) async fn start(server: &Server, keys: usize, callers: usize) -> Self {
        let mut made = Vec::new();
        for _ in 0..keys {
            let body = json!({ "userId": "ada", "remaining": QUOTA, "rateLimitEnabled": false });
            made.push(Uses::of(&server.create(body).await));
        }
        let shared = Arc::new(Shared {
            client: Client::builder().timeout(PATIENCE).build().unwrap(),
            urls: RwLock::new(vec![server.url("verify")]),
            keys: made,
            is_over: AtomicBool::new(false),
            odd: Mutex::default(),
        });
        let mut load = Self { shared, callers: JoinSet::new() };
        for caller in 0..callers {
            load.callers.spawn(Arc::clone(&load.shared).call(caller));
        }
        load
    }

    /// Sends the requests to `server` from now on.
    pub(crate) fn turn_to(&self, server: &Server) {
        *self.shared.urls.write().unwrap_or_else(PoisonError::into_inner) = vec![server.url("verify")];
    }

    /// Sends the requests of every other caller to `server` from now on.
    pub(crate) fn turn_half_to(&self, server: &Server) {
        self.shared.urls.write().unwrap_or_else(PoisonError::into_inner).push(server.url("verify"));
    }

    /// Waits for `uses` more uses that are answered as valid.
    pub(crate) async fn goes_on(&self, uses: u64) {
        self.reaches("valid uses", uses, |key| &key.valid).await;
    }

    /// Waits for `uses` more uses that fail.
    pub(crate) async fn fails(&self, uses: u64) {
        self.reaches("failed uses", uses, |key| &key.unknown).await;
    }

    /// Returns the number of failed uses so far.
    pub(crate) fn failed(&self) -> u64 {
        self.shared.sum(|key| &key.unknown)
    }

    async fn reaches(&self, what: &str, more: u64, count: fn(&Uses) -> &AtomicU64) {
        let goal = self.shared.sum(count) + more;
        let reached = async {
            while self.shared.sum(count) < goal {
                tokio::task::yield_now().await;
            }
        };
        let waited = timeout(UNTIL, reached).await;
        assert!(waited.is_ok(), "{} of {goal} {what}; odd answers: {:?}", self.shared.sum(count), self.shared.odd());
    }

    /// Lets every caller get its last answer.
    pub(crate) async fn end(mut self) -> Books {
        self.shared.is_over.store(true, SeqCst);
        while let Some(caller) = self.callers.join_next().await {
            caller.unwrap();
        }
        Books(self.shared)
    }
}

/// The totals of the answers that the callers of a load got.
pub(crate) struct Books(Arc<Shared>);

impl Books {
    /// Compares the answers with the stored counters in the database of `place`. Returns the number of uses that were
    /// answered as valid.
    pub(crate) fn agree_with(&self, place: &Place) -> u64 {
        assert_eq!(self.0.odd(), [""; 0]);
        for Uses { id, valid, unknown, .. } in &self.0.keys {
            let kept = place.json(&["key", "get", id, "--json"]);
            let stored = QUOTA - kept["remaining"].as_u64().unwrap();
            let (valid, unknown) = (valid.load(SeqCst), unknown.load(SeqCst));
            let may_be = valid..=valid + unknown;
            assert!(may_be.contains(&stored), "{stored} uses are stored, {valid} were answered, {unknown} are unknown");
        }
        self.0.sum(|key| &key.valid)
    }
}

impl Shared {
    async fn call(self: Arc<Self>, caller: usize) {
        for key in self.keys.iter().cycle().skip(caller) {
            if self.is_over.load(SeqCst) {
                break;
            }
            self.use_once(key, caller).await;
        }
    }

    async fn use_once(&self, key: &Uses, caller: usize) {
        let url = {
            let urls = self.urls.read().unwrap_or_else(PoisonError::into_inner);
            urls[caller % urls.len()].clone()
        };
        let request = self.client.post(url).bearer_auth(SERVER_KEY).json(&json!({ "key": key.text }));
        let answer = async {
            let response = request.send().await?;
            reqwest::Result::Ok((response.status().as_u16(), response.json::<Value>().await?))
        };
        match answer.await {
            Ok((200, verdict)) if verdict["valid"] == true => _ = key.valid.fetch_add(1, SeqCst),
            // The request was never sent.
            Err(error) if error.is_connect() => tokio::task::yield_now().await,
            Ok((503, _)) | Err(_) => _ = key.unknown.fetch_add(1, SeqCst),
            Ok((status, body)) => {
                self.odd.lock().unwrap_or_else(PoisonError::into_inner).push(format!("{status} {body}"));
            }
        }
    }

    fn sum(&self, count: fn(&Uses) -> &AtomicU64) -> u64 {
        self.keys.iter().map(|key| count(key).load(SeqCst)).sum()
    }

    fn odd(&self) -> Vec<String> {
        self.odd.lock().unwrap_or_else(PoisonError::into_inner).iter().take(3).cloned().collect()
    }
}

impl Uses {
    fn of(key: &Value) -> Self {
        let text = |member| key[member].as_str().unwrap().to_owned();
        Self { id: text("id"), text: text("key"), valid: AtomicU64::new(0), unknown: AtomicU64::new(0) }
    }
}

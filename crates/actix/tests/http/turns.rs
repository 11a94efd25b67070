//! Reads of users take turns, and verifications take none (docs/adr/0043-turns-for-reads-of-users.md).

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::available_parallelism;
use std::time::Duration;

use keymint_actix::ApiOptions;
use keymint_ports::{delegate_identity_store, delegate_key_store};
use keymint_store_memory::MemoryStore;
use reqwest::{Method, Response};
use serde_json::json;
use tokio::sync::{Notify, Semaphore};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::support::{Setup, TestServer, answer, assert_error};

/// Pages at once: half as many as there are cores.
fn lists_at_once() -> usize {
    available_parallelism().map_or(1, |cores| (cores.get() / 2).max(1))
}

/// Reads of one key or session at once.
const LOOKS: usize = 8;

const LIMIT: Duration = Duration::from_secs(30);

/// A store whose calls of these names wait at a gate.
struct Slow {
    store: MemoryStore,
    gated: &'static [&'static str],
    gate: Semaphore,
    inside: AtomicUsize,
    /// The number that were inside at once.
    most: AtomicUsize,
    has_come: Notify,
}

/// A call that is inside until it ends or is dropped.
struct Inside<'a>(&'a AtomicUsize);

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Slow {
    fn new(gated: &'static [&'static str]) -> Arc<Self> {
        let (inside, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        Arc::new(Self {
            store: MemoryStore::default(),
            gated,
            gate: Semaphore::new(0),
            inside,
            most,
            has_come: Notify::new(),
        })
    }

    /// A server on it.
    fn serve(self: &Arc<Self>, options: ApiOptions) -> Arc<TestServer> {
        let setup = Setup { store: Arc::clone(self) as _, users: Arc::clone(self) as _, options, ..Setup::default() };
        Arc::new(TestServer::with(setup))
    }

    fn most(&self) -> usize {
        self.most.load(Ordering::SeqCst)
    }

    /// Waits until so many are inside.
    async fn until_inside(&self, count: usize) {
        let come = async {
            while self.inside.load(Ordering::SeqCst) < count {
                self.has_come.notified().await;
            }
        };
        timeout(LIMIT, come).await.unwrap();
    }

    async fn pass(&self, call: &str) {
        if self.gated.contains(&call) {
            let inside = self.inside.fetch_add(1, Ordering::SeqCst) + 1;
            let _inside = Inside(&self.inside);
            self.most.fetch_max(inside, Ordering::SeqCst);
            self.has_come.notify_one();
            self.gate.acquire().await.unwrap().forget();
        }
    }
}

delegate_key_store! {
    impl KeyStore for Slow {
        to |this| &this.store;
        around |this, method, call| {
            this.pass(method).await;
            call.await
        };
    }
}

delegate_identity_store! {
    impl IdentityStore for Slow {
        to |this| &this.store;
        around |this, method, call| {
            this.pass(method).await;
            call.await
        };
    }
}

/// Sends requests at once.
fn all(server: &Arc<TestServer>, requests: impl Iterator<Item = reqwest::RequestBuilder>) -> JoinSet<Response> {
    let mut sent = JoinSet::new();
    for request in requests {
        let server = Arc::clone(server);
        sent.spawn(async move {
            let _server = server;
            request.send().await.unwrap()
        });
    }
    sent
}

async fn next(sent: &mut JoinSet<Response>) -> Option<Response> {
    timeout(LIMIT, sent.join_next()).await.unwrap().map(Result::unwrap)
}

#[tokio::test(flavor = "multi_thread")]
async fn some_lists_work_others_wait_and_verifications_do_not() {
    let store = Slow::new(&["list"]);
    let server = store.serve(ApiOptions { request_timeout: LIMIT, ..ApiOptions::default() });
    let key = server.create(json!({ "userId": "ada" })).await;

    // One more than there are places for those who work and those who wait.
    let at_once = lists_at_once();
    let places = at_once * 513;
    let mut lists = all(&server, (0..=places).map(|_| server.request(Method::GET, "list")));
    let refused = next(&mut lists).await.unwrap();
    assert_eq!(refused.headers()["retry-after"], "1");
    let found = answer(refused).await;
    assert_error(&found, 503, "OVERLOADED", "Too many requests are waiting. Try again later.");
    store.until_inside(at_once).await;

    // Who verifies, or reads one key, is not kept waiting by lists; nor is anybody else turned away.
    assert_eq!(server.verify(&key).await["valid"], true);
    assert_eq!(server.get(&format!("get?id={}", key["id"].as_str().unwrap())).await.0, 200);
    assert_eq!(server.get("list").await.0, 503);

    // Each that ends lets the next one begin, until all are answered.
    store.gate.add_permits(places);
    for _ in 0..places {
        assert_eq!(next(&mut lists).await.unwrap().status(), 200);
    }
    assert!(next(&mut lists).await.is_none());
    assert_eq!(store.most(), at_once);
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_of_keys_and_of_sessions_share_eight_turns() {
    const EACH: usize = 8;
    let store = Slow::new(&["find", "find_session"]);
    let server = store.serve(ApiOptions { request_timeout: Duration::from_secs(1), ..ApiOptions::default() });
    let key = server.create(json!({ "userId": "ada" })).await;
    let token = server.sign_up("ada").await["token"].as_str().unwrap().to_owned();

    let get = || server.request(Method::GET, "get?id=a");
    let get_session = || server.auth(Method::GET, "get-session").bearer_auth(&token);
    let mut reads = all(&server, (0..EACH).flat_map(|_| [get(), get_session()]));
    store.until_inside(LOOKS).await;
    assert_eq!(server.verify(&key).await["valid"], true);
    assert_eq!(server.get("list").await.0, 200);
    // A turn is held as long as its request, and waited for as long as the time limit says.
    while let Some(read) = next(&mut reads).await {
        let found = answer(read).await;
        assert_error(&found, 503, "TIMEOUT", "The request took too long. Try again later.");
    }
    assert_eq!(store.most(), LOOKS);

    store.gate.add_permits(2 * EACH);
    assert_eq!(get().send().await.unwrap().status(), 404);
    assert_eq!(get_session().send().await.unwrap().status(), 200);
}

//! A feed, a sender and a clock that tests control.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use keymint_domain::event::seal::SealKey;
use keymint_domain::event::{Actor, Event, EventKind, EventQuery, Origin, SealedEvent, Subject};
use keymint_domain::webhook::{Webhook, WebhookId, WebhookUrl};
use keymint_domain::{KeyId, Timestamp};
use keymint_ports::{
    Chain, Clock, DeliveryQuery, Entropy as _, EventStore, SendFailure, SignedDelivery, StoreError, Unmetered,
    WebhookSender, WebhookStore as _,
};
use keymint_service::{
    Audit, Caller, Context, Dispatcher, NewWebhook, OsEntropy, Recorder, Sealer, WebhookOptions, WebhookPorts, Webhooks,
};
use keymint_store_memory::MemoryStore;
use serde_json::Value;

const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

/// A backend.
pub(crate) fn server() -> Context<'static> {
    Context::from(&Caller::Server)
}

/// Keeps pace with Tokio's timers, which tests let run ahead.
pub(crate) struct TimerClock(tokio::time::Instant);

impl TimerClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock that everybody else asks")]
    fn new() -> Self {
        Self(tokio::time::Instant::now())
    }
}

impl Clock for TimerClock {
    fn now(&self) -> Timestamp {
        NOW.plus_millis(u64::try_from(self.0.elapsed().as_millis()).unwrap())
    }
}

/// Seals the events of this deployment.
fn seal_key() -> SealKey {
    SealKey::new([7; 32])
}

/// The answer of a receiver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    Status(u16),
    Hang,
}

/// An attempt that arrived at a receiver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Arrival {
    pub(crate) host: String,
    pub(crate) event: u64,
    pub(crate) at_ms: u64,
    pub(crate) signatures: String,
    pub(crate) answer: Answer,
}

/// Returns the position that an event has in its data; 0 = it is a test.
fn position_of(body: &str) -> u64 {
    let body: Value = serde_json::from_str(body).unwrap();
    body["data"]["details"]["position"].as_u64().unwrap_or(0)
}

type Script = dyn Fn(&str, u64) -> Answer + Send + Sync;

/// Receivers that answer as a script says.
pub(crate) struct Receivers {
    script: Mutex<Arc<Script>>,
    clock: Arc<TimerClock>,
    pub(crate) latency: Duration,
    arrivals: Mutex<Vec<Arrival>>,
    in_flight: AtomicUsize,
    pub(crate) most_in_flight: AtomicUsize,
    by_host: Mutex<HashMap<String, (usize, usize)>>,
}

struct Flight<'r>(&'r Receivers, String);

impl Drop for Flight<'_> {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::SeqCst);
        self.0.by_host.lock().unwrap().get_mut(&self.1).unwrap().0 -= 1;
    }
}

#[async_trait]
impl WebhookSender for Receivers {
    async fn send(&self, delivery: &SignedDelivery) -> Result<u16, SendFailure> {
        let (host, event) = (delivery.url.host().to_owned(), position_of(&delivery.body));
        let most = self.in_flight.fetch_add(1, Ordering::SeqCst) + 1;
        self.most_in_flight.fetch_max(most, Ordering::SeqCst);
        {
            let mut by_host = self.by_host.lock().unwrap();
            let (now, most) = by_host.entry(host.clone()).or_default();
            *now += 1;
            *most = (*most).max(*now);
        }
        let _flight = Flight(self, host.clone());
        let script = Arc::clone(&self.script.lock().unwrap());
        let answer = script(&host, event);
        let at_ms = self.clock.now().millis_since(NOW);
        let arrival = Arrival { host, event, at_ms, signatures: delivery.signatures.clone(), answer };
        self.arrivals.lock().unwrap().push(arrival);
        match answer {
            Answer::Status(status) => {
                tokio::time::sleep(self.latency).await;
                Ok(status)
            }
            Answer::Hang => {
                tokio::time::sleep(Duration::from_secs(15)).await;
                Err(SendFailure::TimedOut)
            }
        }
    }

    async fn check(&self, _: &WebhookUrl) -> Result<(), SendFailure> {
        Ok(())
    }
}

/// Events of a store whose reads may take their time.
pub(crate) struct SlowEvents {
    store: Arc<MemoryStore>,
    takes_ms: AtomicU64,
}

impl SlowEvents {
    /// Lets each read take so long from now on.
    pub(crate) fn take(&self, time: Duration) {
        self.takes_ms.store(u64::try_from(time.as_millis()).unwrap(), Ordering::SeqCst);
    }
}

#[async_trait]
impl EventStore for SlowEvents {
    async fn record(&self, event: &Event) -> Result<bool, StoreError> {
        self.store.record(event).await
    }

    async fn seal(&self, key: &SealKey, limit: u32) -> Result<u32, StoreError> {
        self.store.seal(key, limit).await
    }

    async fn list_events(&self, query: &EventQuery) -> Result<Vec<SealedEvent>, StoreError> {
        tokio::time::sleep(Duration::from_millis(self.takes_ms.load(Ordering::SeqCst))).await;
        self.store.list_events(query).await
    }

    async fn chain(&self) -> Result<Chain, StoreError> {
        self.store.chain().await
    }

    async fn remove_events(&self, key: &SealKey, before: Timestamp, up_to: u64, limit: u32) -> Result<u32, StoreError> {
        self.store.remove_events(key, before, up_to, limit).await
    }
}

/// A deployment: a store, events, receivers, and any number of nodes.
pub(crate) struct Deployment {
    pub(crate) store: Arc<MemoryStore>,
    pub(crate) receivers: Arc<Receivers>,
    pub(crate) webhooks: Webhooks,
    pub(crate) clock: Arc<TimerClock>,
    ports: WebhookPorts,
    position: AtomicU64,
}

impl Deployment {
    /// All receivers accept everything at once.
    pub(crate) fn new() -> Self {
        Self::with_latency(Duration::ZERO)
    }

    pub(crate) fn with_latency(latency: Duration) -> Self {
        Self::with(latency, Recorder::default())
    }

    /// Changes of endpoints are events, too.
    pub(crate) fn recording() -> Self {
        Self::with(Duration::ZERO, Recorder::on())
    }

    fn with(latency: Duration, recorder: Recorder) -> Self {
        let (store, clock) = (Arc::new(MemoryStore::default()), TimerClock::new());
        let clock = Arc::new(clock);
        let receivers = Arc::new(Receivers {
            script: Mutex::new(Arc::new(|_, _| Answer::Status(200))),
            clock: Arc::clone(&clock),
            latency,
            arrivals: Mutex::default(),
            in_flight: AtomicUsize::new(0),
            most_in_flight: AtomicUsize::new(0),
            by_host: Mutex::default(),
        });
        let ports = WebhookPorts {
            store: Arc::clone(&store) as _,
            events: Arc::clone(&store) as _,
            sender: Arc::clone(&receivers) as _,
            clock: Arc::clone(&clock) as _,
            entropy: Arc::new(OsEntropy),
            meter: Arc::new(Unmetered),
            recorder,
        };
        let webhooks = Webhooks::new(ports.clone(), WebhookOptions::default());
        Self { store, receivers, webhooks, clock, ports, position: AtomicU64::new(0) }
    }

    pub(crate) fn answer(&self, script: impl Fn(&str, u64) -> Answer + Send + Sync + 'static) {
        *self.receivers.script.lock().unwrap() = Arc::new(script);
    }

    pub(crate) fn start(&self) -> Dispatcher {
        self.start_with(WebhookOptions::default())
    }

    pub(crate) fn start_with(&self, options: WebhookOptions) -> Dispatcher {
        Dispatcher::start(self.ports.clone(), options)
    }

    /// Starts a node that reads events by other means than the others.
    pub(crate) fn start_slow(&self, options: WebhookOptions) -> (Dispatcher, Arc<SlowEvents>) {
        let events = Arc::new(SlowEvents { store: Arc::clone(&self.store), takes_ms: AtomicU64::new(0) });
        let ports = WebhookPorts { events: Arc::clone(&events) as _, ..self.ports.clone() };
        (Dispatcher::start(ports, options), events)
    }

    /// Starts the job that seals events.
    pub(crate) fn seal(&self) -> Sealer {
        let audit = Audit::new(Arc::clone(&self.store) as _, seal_key()).with_clock(Arc::clone(&self.clock) as _);
        Sealer::start(Arc::new(audit), None, Arc::clone(&self.store) as _, self.ports.recorder.clone())
    }

    /// Returns the time since the start in milliseconds.
    pub(crate) fn now_ms(&self) -> u64 {
        self.clock.now().millis_since(NOW)
    }

    /// Makes an endpoint on a host.
    pub(crate) async fn endpoint(&self, host: &str) -> Webhook {
        let new = NewWebhook { url: format!("https://{host}/"), ..NewWebhook::default() };
        self.webhooks.create(server(), new).await.unwrap().webhook
    }

    /// Makes events of keys, and returns their positions.
    pub(crate) async fn happen(&self, keys: &[&str]) -> Vec<u64> {
        let mut positions = Vec::new();
        for key in keys {
            let position = self.position.fetch_add(1, Ordering::SeqCst) + 1;
            let origin = Origin::new(Actor::Keymint, self.clock.now(), &mut |bytes: &mut [u8]| OsEntropy.fill(bytes));
            let key_id = (!key.is_empty()).then(|| KeyId::parse(*key).unwrap());
            let event = origin.event(EventKind::KeyUpdated, Subject { key_id, ..Subject::default() }).unwrap();
            assert!(self.store.record(&event.with("position", position)).await.unwrap());
            positions.push(position);
        }
        while self.store.seal(&seal_key(), 1000).await.unwrap() > 0 {}
        positions
    }

    /// Removes the events up to a position, as their retention does.
    pub(crate) async fn forget_events_to(&self, position: u64) {
        self.store.remove_events(&seal_key(), Timestamp::MAX, position, 1000).await.unwrap();
    }

    pub(crate) fn arrivals(&self) -> Vec<Arrival> {
        self.receivers.arrivals.lock().unwrap().clone()
    }

    /// Returns the events that arrived at a host, in order, repeats included.
    pub(crate) fn arrived_at(&self, host: &str) -> Vec<u64> {
        self.arrivals().into_iter().filter(|arrival| arrival.host == host).map(|arrival| arrival.event).collect()
    }

    /// Returns the largest number of attempts at once to one host.
    pub(crate) fn most_at_one_host(&self) -> usize {
        self.receivers.by_host.lock().unwrap().values().map(|(_, most)| *most).max().unwrap_or(0)
    }

    /// Lets so much time pass.
    pub(crate) async fn pass(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }

    pub(crate) async fn state_of(&self, id: &WebhookId) -> &'static str {
        self.store.find_webhook(id).await.unwrap().unwrap().state.as_str()
    }

    /// Returns position, state and answer of each delivery, the oldest first.
    pub(crate) async fn deliveries_of(&self, id: &WebhookId) -> Vec<(u64, &'static str, String)> {
        let query = DeliveryQuery { webhook_id: id.clone(), status: None, before: None, limit: 10_000 };
        let mut deliveries = self.webhooks.deliveries(&query).await.unwrap();
        deliveries.reverse();
        let told = deliveries.into_iter().map(|delivery| {
            let answer = delivery.answer.map(Into::into).unwrap_or_default();
            (delivery.position, delivery.attempts.status.as_str(), answer)
        });
        told.collect()
    }
}

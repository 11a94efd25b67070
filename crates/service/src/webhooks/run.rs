//! The delivery of events to one endpoint, under its lease.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use keymint_domain::Timestamp;
use keymint_domain::event::{Actor, Origin};
use keymint_domain::webhook::{
    Delivery, DeliveryStatus, EndpointHealth, Outcome, Verdict, Webhook, WebhookEvent, WebhookId, WebhookState,
    after_attempt,
};
use keymint_ports::{SignedDelivery, StoreError, WebhookLease, WebhookPortion};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::plan::{Plan, Task};
use super::{WebhookOptions, WebhookPorts, feed};
use crate::system::millis;
use crate::{Source, stopwatch};

/// The time after which a portion starts no further attempt, so that its outcome is written soon.
const PORTION_TAKES: Duration = Duration::from_secs(5);
/// The largest number of events that are read at once, most of which the endpoint may not want.
const READ: u32 = 256;

/// The means that all runs share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) ports: WebhookPorts,
    pub(super) options: WebhookOptions,
    /// A permit for each attempt at once.
    pub(super) slots: Arc<Semaphore>,
    /// A permit for each call of the store at once, so that a thousand endpoints do not take it from everybody else.
    pub(super) turns: Arc<Semaphore>,
    /// No run starts another attempt.
    pub(super) is_stopping: AtomicBool,
}

/// The end of a lease in milliseconds since 1970, which renewals move.
pub(super) type LeaseEnd = Arc<AtomicI64>;

/// Places in the order of events, as far as an endpoint is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Seen {
    /// The position that the store has.
    pub(super) stored: u64,
    /// The position up to which the endpoint wants nothing, or was told of it.
    pub(super) position: u64,
}

impl Seen {
    /// Returns the position from which an endpoint is to be served that the store has at `stored`. If it was moved back
    /// meanwhile, that is where it was moved to.
    pub(super) fn from(self, stored: u64) -> u64 {
        if stored < self.stored { stored } else { stored.max(self.position) }
    }
}

/// The end of a run.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) seen: Seen,
    pub(super) health: EndpointHealth,
}

/// Delivers to an endpoint until nothing is left.
pub(super) struct Run {
    shared: Arc<Shared>,
    lease: WebhookLease,
    lease_end: LeaseEnd,
    position: u64,
    /// The events behind the position that were read already.
    ahead: VecDeque<WebhookEvent>,
    /// The number of attempts at once, and of a portion: if the process is killed, no others are repeated. It begins at 1, doubles with each success, and falls back with a failure: an
    /// endpoint that hangs keeps one slot.
    at_once: usize,
}

impl Run {
    /// Takes the lease of an endpoint, and delivers to it. `None` = somebody else has the lease, or it is not active.
    ///
    /// # Errors
    ///
    /// Returns the store's error if the lease cannot be taken.
    pub(super) async fn of(
        shared: Arc<Shared>,
        id: WebhookId,
        holder: Arc<str>,
        lease_end: LeaseEnd,
        seen: Option<Seen>,
    ) -> Result<Option<Ended>, StoreError> {
        let turn = shared.turns.acquire().await;
        let now = shared.ports.clock.now();
        let until = now.plus_millis(millis(shared.options.lease));
        let lease = shared.ports.store.lease_webhook(&id, &holder, now, until).await?;
        drop(turn);
        let Some(lease) = lease else { return Ok(None) };
        lease_end.store(until.as_millis(), Ordering::SeqCst);
        let stored = lease.webhook.position;
        let position = seen.map_or(stored, |seen| seen.from(stored));
        let mut run = Self { shared, lease, lease_end, position, ahead: VecDeque::new(), at_once: 1 };
        while run.portion().await? {}
        let seen = Seen { stored: run.lease.webhook.position, position: run.position };
        Ok(Some(Ended { seen, health: run.lease.webhook.health }))
    }

    /// Delivers a portion. Returns true if there may be more.
    async fn portion(&mut self) -> Result<bool, StoreError> {
        let shared = Arc::clone(&self.shared);
        let turn = shared.turns.acquire().await;
        // Somebody may have paused it, or given it another secret.
        let Some(webhook) = shared.ports.store.find_webhook(&self.lease.webhook.id).await? else {
            return Ok(false);
        };
        let (now, is_moved_back) = (self.now(), webhook.position < self.lease.webhook.position);
        self.lease.webhook = webhook;
        let webhook = &self.lease.webhook;
        let is_stopped = webhook.state != WebhookState::Active || shared.is_stopping.load(Ordering::SeqCst);
        if is_stopped || is_moved_back || !webhook.health.is_ready(now) {
            return Ok(false);
        }
        let Some(plan) = self.plan(now).await? else {
            return Ok(false);
        };
        drop(turn);
        let Some(portion) = self.attempt_all(plan).await else {
            return Ok(false);
        };
        if !portion.deliveries.is_empty() {
            let turn = shared.turns.acquire().await;
            let origin = match portion.state {
                Some(_) => {
                    let (recorder, entropy) = (&shared.ports.recorder, &*shared.ports.entropy);
                    recorder.origin(Actor::Keymint, &Source::default(), portion.now, entropy)
                }
                None => Origin::unrecorded(),
            };
            if !shared.ports.store.record_deliveries(&self.lease, &portion, &origin).await? {
                return Ok(false);
            }
            drop(turn);
            (self.lease.webhook.position, self.lease.webhook.health) = (portion.position, portion.health);
        }
        self.position = portion.position;
        Ok(portion.state.is_none() && !portion.health.is_failing())
    }

    /// Plans a portion; `None` = there is nothing to do.
    async fn plan(&mut self, now: Timestamp) -> Result<Option<Plan>, StoreError> {
        let webhook = &self.lease.webhook;
        let (ports, is_failing) = (&self.shared.ports, webhook.health.is_failing());
        // An endpoint that fails is asked one event at a time.
        let most = if is_failing { 1 } else { self.at_once };
        let limit = u32::try_from(most).unwrap_or(u32::MAX);
        let mut due = Vec::new();
        for delivery in ports.store.due_deliveries(&webhook.id, now, limit).await? {
            let event = feed::after(&*ports.events, delivery.position - 1, 1).await?.pop();
            let event = event.filter(|event| event.position == delivery.position);
            due.push((delivery, event));
        }
        let (mut new, mut read_to) = (Vec::new(), self.position);
        if !is_failing || due.is_empty() {
            while self.ahead.pop_front_if(|event| event.position <= self.position).is_some() {}
            if self.ahead.is_empty() {
                self.ahead = feed::after(&*ports.events, self.position, READ).await?.into();
            }
            for event in &self.ahead {
                if due.len() + new.len() == most {
                    break;
                }
                read_to = event.position;
                if webhook.wants(event) {
                    new.push(event.clone());
                }
            }
        }
        if due.is_empty() && read_to == self.position {
            return Ok(None);
        }
        let keys: HashSet<_> = new.iter().filter_map(|event| event.key_id.clone()).collect();
        let keys: Vec<_> = keys.into_iter().collect();
        let blocked = if keys.is_empty() {
            HashSet::new()
        } else {
            ports.store.keys_with_pending_deliveries(&webhook.id, &keys).await?.into_iter().collect()
        };
        Ok(Some(Plan::new(&webhook.id, due, new, &blocked, (self.position, read_to))))
    }

    /// Attempts the deliveries of a plan; `None` = the lease was lost meanwhile.
    async fn attempt_all(&mut self, mut plan: Plan) -> Option<WebhookPortion> {
        let webhook = Arc::new(self.lease.webhook.clone());
        let was_failing = webhook.health.is_failing();
        let (began, mut health, mut state) = (stopwatch(), webhook.health, None);
        let (mut attempts, mut is_started) = (JoinSet::new(), false);
        loop {
            // One that fails is asked once.
            let may_fail = !health.is_failing() || (was_failing && !is_started);
            let in_time = began.elapsed() < PORTION_TAKES && !self.shared.is_stopping.load(Ordering::SeqCst);
            while state.is_none() && may_fail && in_time && attempts.len() < self.at_once {
                let Some((task, lane)) = plan.next() else { break };
                is_started = true;
                let (shared, webhook) = (Arc::clone(&self.shared), Arc::clone(&webhook));
                attempts.spawn(async move { (attempt(&shared, &webhook, task).await, lane) });
            }
            let joined = tokio::select! {
                joined = attempts.join_next() => joined,
                () = self.lease_ends() => return None,
            };
            let Some(joined) = joined else { break };
            // It neither panics nor is aborted.
            let Ok(((delivery, outcome), lane)) = joined else { continue };
            let now = self.now();
            let (delivery, verdict) = self.judge(delivery, outcome, health.accepted_at, now);
            if let Some(outcome) = outcome {
                let is_accepted = outcome == Outcome::Delivered;
                health = health.after(is_accepted, now, self.jitter());
                self.at_once =
                    if is_accepted { (self.at_once * 2).min(self.shared.options.max_per_endpoint) } else { 1 };
                let took = is_accepted.then(|| Duration::from_millis(now.millis_since(delivery.event_at)));
                self.shared.ports.meter.webhook_attempted(&webhook.id, took);
            }
            state = state.or_else(|| new_state(&webhook, verdict));
            plan.attempted(delivery, lane);
        }
        let now = self.now();
        let (position, deliveries) = plan.finish(now);
        let is_back = was_failing && !health.is_failing();
        Some(WebhookPortion { position, deliveries, health, state, is_back, now })
    }

    /// Returns the delivery after an attempt; without an outcome there was nothing to send any more.
    fn judge(
        &self,
        delivery: Delivery,
        outcome: Option<Outcome>,
        accepted_at: Option<Timestamp>,
        now: Timestamp,
    ) -> (Delivery, Verdict) {
        let (attempts, verdict) = if let Some(outcome) = outcome {
            after_attempt(delivery.attempts, outcome, accepted_at, now, self.jitter())
        } else {
            let mut attempts = delivery.attempts;
            (attempts.status, attempts.last_at, attempts.next_at) = (DeliveryStatus::Failed, Some(now), None);
            (attempts, Verdict::Keep)
        };
        (Delivery { attempts, ..delivery }, verdict)
    }

    /// Waits until the lease is about to end without having been renewed.
    async fn lease_ends(&self) {
        let margin = millis(self.shared.options.lease / 4);
        loop {
            let end = Timestamp::from_millis(self.lease_end.load(Ordering::SeqCst));
            let left = end.minus_millis(margin).millis_since(self.now());
            if left == 0 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(left)).await;
        }
    }

    fn now(&self) -> Timestamp {
        self.shared.ports.clock.now()
    }

    fn jitter(&self) -> u8 {
        let mut byte = [0];
        self.shared.ports.entropy.fill(&mut byte);
        byte[0]
    }
}

fn new_state(webhook: &Webhook, verdict: Verdict) -> Option<WebhookState> {
    let state = match verdict {
        Verdict::Keep => return None,
        Verdict::Pause => WebhookState::Paused,
        Verdict::Disable => WebhookState::Disabled,
    };
    tracing::warn!(id = %webhook.id, state = state.as_str(), "a webhook is told of nothing more until it is resumed");
    Some(state)
}

/// Sends a delivery. There is no outcome if its event was removed.
async fn attempt(shared: &Shared, webhook: &Webhook, task: Task) -> (Delivery, Option<Outcome>) {
    let Task { mut delivery, event, .. } = task;
    let Some(event) = event else {
        delivery.answer = Some("the event was removed".into());
        return (delivery, None);
    };
    // The semaphore is never closed.
    let _slot = shared.slots.acquire().await;
    let signed = sign(webhook, &event.id, &event.body(), shared.ports.clock.now());
    let sent = shared.ports.sender.send(&signed).await;
    let outcome = sent.as_ref().map_or(Outcome::Failed, |status| Outcome::of_status(*status));
    delivery.answer = Some(sent.map_or_else(|failure| failure.to_string(), |status| status.to_string()).into());
    (delivery, Some(outcome))
}

/// Signs a delivery that is sent at `now`.
pub(super) fn sign(webhook: &Webhook, id: &str, body: &str, now: Timestamp) -> SignedDelivery {
    SignedDelivery {
        url: webhook.url.clone(),
        id: id.into(),
        seconds: now.as_millis().div_euclid(1000),
        signatures: webhook.secrets.signatures(id, now, body),
        body: body.to_owned(),
    }
}

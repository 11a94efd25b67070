//! The job that looks for work, and gives each endpoint that has some a run of its own.

use std::collections::{HashMap, VecDeque};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use keymint_domain::Timestamp;
use keymint_domain::webhook::{Webhook, WebhookEvent, WebhookId, WebhookState};
use keymint_ports::{StoreError, WebhookLag, WebhookMove, WebhookStanding};
use tokio::sync::{Semaphore, watch};
use tokio::task::{Id, JoinError, JoinHandle, JoinSet};
use tokio::time::timeout;

use super::leases::Leases;
use super::run::{Ended, Run, Seen, Shared};
use super::{WebhookOptions, WebhookPorts, every, feed};
use crate::pace::Pace;
use crate::stopwatch;
use crate::system::millis;

type RunResult = Result<Option<Ended>, StoreError>;

/// The time between two looks at the endpoints, which others may have changed.
const LIST: Duration = Duration::from_secs(1);
/// The time between two reports of the backlog, and two writes of positions behind which nothing was wanted.
const REPORT: Duration = Duration::from_secs(15);
/// The time between two removals of old deliveries.
const REMOVAL: Duration = Duration::from_mins(10);
/// The largest number of old deliveries that one statement removes.
const REMOVED: NonZeroU32 = NonZeroU32::new(100).unwrap();
/// The largest number of endpoints that one transaction moves.
const MOVES: usize = 100;
/// The largest number of calls of the store at once.
const TURNS: usize = 4;
/// The number of latest events that are remembered, to tell without a read who wants them.
const REMEMBERED: usize = 1024;
/// The number of events that are read at once.
const READ: u32 = 256;
/// The time that attempts may take when the process stops.
const STOP: Duration = Duration::from_secs(5);

/// The running job. Dropping it ends the job at once; [`Dispatcher::stop`] lets attempts end.
#[derive(Debug)]
pub struct Dispatcher {
    stop: watch::Sender<()>,
    job: JoinHandle<()>,
}

impl Dispatcher {
    /// Starts the job on the current Tokio runtime.
    pub fn start(ports: WebhookPorts, options: WebhookOptions) -> Self {
        let (stop, stopped) = watch::channel(());
        let job = tokio::spawn(Job::new(ports, options).run(stopped));
        Self { stop, job }
    }

    /// Starts no further attempt, waits up to 5 s for those under way, and gives the endpoints back.
    pub async fn stop(mut self) {
        self.stop.send_replace(());
        drop((&mut self.job).await);
    }
}

impl Drop for Dispatcher {
    fn drop(&mut self) {
        self.job.abort();
    }
}

struct Job {
    shared: Arc<Shared>,
    /// The name under which this process holds leases.
    holder: Arc<str>,
    standings: HashMap<WebhookId, WebhookStanding>,
    /// The latest events.
    latest: VecDeque<WebhookEvent>,
    /// The position of the last event; `None` = it was not read yet.
    head: Option<u64>,
    /// Progress that the store does not have, because the endpoint wanted nothing.
    seen: HashMap<WebhookId, Seen>,
    runs: JoinSet<RunResult>,
    leases: Leases,
    ids: HashMap<Id, WebhookId>,
    has_failed: bool,
}

impl Job {
    fn new(ports: WebhookPorts, options: WebhookOptions) -> Self {
        let mut bytes = [0; 8];
        ports.entropy.fill(&mut bytes);
        let holder = format!("{:016x}", u64::from_be_bytes(bytes));
        let slots = Arc::new(Semaphore::new(options.max_in_flight.clamp(1, Semaphore::MAX_PERMITS)));
        let turns = Arc::new(Semaphore::new(TURNS));
        let shared = Arc::new(Shared { ports, options, slots, turns, is_stopping: AtomicBool::new(false) });
        let holder = Arc::from(holder);
        Self {
            leases: Leases::of(&holder, &shared),
            shared,
            holder,
            standings: HashMap::new(),
            latest: VecDeque::new(),
            head: None,
            seen: HashMap::new(),
            runs: JoinSet::new(),
            ids: HashMap::new(),
            has_failed: false,
        }
    }

    async fn run(mut self, mut stopped: watch::Receiver<()>) {
        let options = &self.shared.options;
        let recorder = self.shared.ports.recorder.clone();
        let mut polls = every(options.poll);
        let (mut lists, mut reports) = (every(options.poll.max(LIST)), every(REPORT));
        // It takes its time, and must not keep events waiting.
        let removal = tokio::spawn(remove_old(Arc::clone(&self.shared)));
        loop {
            let done = tokio::select! {
                biased;
                _ = stopped.changed() => break,
                Some(ended) = self.runs.join_next_with_id() => self.ended(ended),
                _ = lists.tick() => self.list().await,
                _ = polls.tick() => self.poll().await,
                () = recorder.has_sealed() => self.poll().await,
                _ = reports.tick() => self.report().await,
            };
            if let Err(error) = done {
                self.warn(&error);
            }
        }
        removal.abort();
        self.shared.is_stopping.store(true, Ordering::SeqCst);
        let ended = async { while self.runs.join_next().await.is_some() {} };
        drop(timeout(STOP, ended).await);
        self.runs.shutdown().await;
        if let Err(error) = self.shared.ports.store.release_webhook_leases(&self.holder).await {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(error, "the leases of webhooks could not be given back; they end by themselves");
        }
    }

    /// Logs the first of several failures in a row: a store that is down would fill the log.
    fn warn(&mut self, error: &StoreError) {
        if !std::mem::replace(&mut self.has_failed, true) {
            tracing::warn!(error = error as &dyn std::error::Error, "webhooks wait for the store; it is asked again");
        }
    }

    /// Looks at the endpoints again, and starts runs for those with due retries.
    async fn list(&mut self) -> Result<(), StoreError> {
        let found = self.shared.ports.store.list_webhooks().await?;
        self.has_failed = false;
        self.standings = found.into_iter().map(|standing| (standing.webhook.id.clone(), standing)).collect();
        self.seen.retain(|id, _| self.standings.contains_key(id));
        self.start_runs();
        Ok(())
    }

    /// Reads new events, and starts runs for endpoints that want them.
    async fn poll(&mut self) -> Result<(), StoreError> {
        if self.standings.is_empty() {
            return Ok(());
        }
        let Some(mut head) = self.head else {
            self.head = Some(feed::head(&*self.shared.ports.events).await?);
            self.start_runs();
            return Ok(());
        };
        loop {
            let read = feed::after(&*self.shared.ports.events, head, READ).await?;
            let Some(last) = read.last() else { return Ok(()) };
            head = last.position;
            self.head = Some(head);
            let is_last = read.len() < READ as usize;
            self.latest.extend(read);
            self.latest.drain(..self.latest.len().saturating_sub(REMEMBERED));
            self.start_runs();
            if is_last {
                return Ok(());
            }
        }
    }

    fn start_runs(&mut self) {
        let Some(head) = self.head else { return };
        let now = self.shared.ports.clock.now();
        let mut starting = Vec::new();
        for (id, standing) in &self.standings {
            let webhook = &standing.webhook;
            let is_taken = standing.leased.as_ref().is_some_and(|(by, end)| **by != *self.holder && *end > now);
            let is_idle = webhook.state == WebhookState::Active && !self.leases.contain(id) && !is_taken;
            if !is_idle || !webhook.health.is_ready(now) {
                continue;
            }
            let (stored, position) = (webhook.position, self.position_of(webhook));
            if standing.next_at.is_some_and(|at| at <= now) || self.may_want(webhook, position, head) {
                starting.push(id.clone());
            } else {
                self.seen.insert(id.clone(), Seen { stored, position: position.max(head) });
            }
        }
        for id in starting {
            let (lease_end, seen) = (self.leases.add(id.clone()), self.seen.get(&id).copied());
            let (shared, holder) = (Arc::clone(&self.shared), Arc::clone(&self.holder));
            let task = self.runs.spawn(Run::of(shared, id.clone(), holder, lease_end, seen)).id();
            self.ids.insert(task, id);
        }
    }

    fn position_of(&self, webhook: &Webhook) -> u64 {
        self.seen.get(&webhook.id).map_or(webhook.position, |seen| seen.from(webhook.position))
    }

    /// Returns the remembered events behind a position.
    fn latest_behind(&self, position: u64) -> impl Iterator<Item = &WebhookEvent> {
        let from = self.latest.partition_point(|event| event.position <= position);
        self.latest.range(from..)
    }

    /// Returns the number of events behind a position that are no longer remembered.
    fn forgotten_behind(&self, position: u64, head: u64) -> u64 {
        let last_forgotten = self.latest.front().map_or(head, |event| event.position - 1);
        last_forgotten.saturating_sub(position)
    }

    /// Returns true if an event behind a position is wanted, or no longer remembered.
    fn may_want(&self, webhook: &Webhook, position: u64, head: u64) -> bool {
        self.forgotten_behind(position, head) > 0 || self.latest_behind(position).any(|event| webhook.wants(event))
    }

    fn ended(&mut self, ended: Result<(Id, RunResult), JoinError>) -> Result<(), StoreError> {
        let task = ended.as_ref().map_or_else(JoinError::id, |(task, _)| *task);
        let Some(id) = self.ids.remove(&task) else { return Ok(()) };
        self.leases.remove(&id);
        let Some(standing) = self.standings.get_mut(&id) else { return Ok(()) };
        // Whatever is due next shows at the next look.
        standing.next_at = None;
        let Ok((_, ended)) = ended else { return Ok(()) };
        if let Some(Ended { seen, health }) = ended? {
            (standing.webhook.position, standing.webhook.health) = (seen.stored, health);
            self.seen.insert(id, seen);
        }
        Ok(())
    }

    /// Writes how far endpoints are that wanted nothing, and reports the backlog.
    async fn report(&mut self) -> Result<(), StoreError> {
        let (ports, now) = (&self.shared.ports, self.shared.ports.clock.now());
        let idle = self.standings.iter().filter(|(id, _)| !self.leases.contain(id));
        let moves: Vec<_> = idle
            .filter_map(|(id, standing)| {
                let from = standing.webhook.position;
                let to = self.position_of(&standing.webhook);
                (to > from).then(|| WebhookMove { id: id.clone(), from, to })
            })
            .collect();
        for moves in moves.chunks(MOVES) {
            ports.store.advance_webhooks(moves).await?;
        }
        let backlogs = ports.store.webhook_backlogs().await?;
        let backlogs: HashMap<_, _> = backlogs.into_iter().map(|backlog| (backlog.id.clone(), backlog)).collect();
        let mut lags = Vec::new();
        for (id, standing) in &self.standings {
            if standing.webhook.state != WebhookState::Active {
                continue;
            }
            let kept = backlogs.get(id);
            let (unread, oldest_unread) = self.unread(&standing.webhook).await?;
            let oldest = kept.map(|kept| kept.oldest).into_iter().chain(oldest_unread).min();
            let oldest = Duration::from_millis(oldest.map_or(0, |oldest| now.millis_since(oldest)));
            lags.push(WebhookLag { id: id.clone(), events: kept.map_or(0, |kept| kept.pending) + unread, oldest });
        }
        ports.meter.webhooks_counted(&lags);
        Ok(())
    }

    /// Counts the events that an endpoint was not told of yet, and returns the instant of the oldest one. Those that are
    /// no longer remembered are counted, wanted or not.
    async fn unread(&self, webhook: &Webhook) -> Result<(u64, Option<Timestamp>), StoreError> {
        let (position, head) = (self.position_of(webhook), self.head.unwrap_or(0));
        let (mut count, mut oldest) = (self.forgotten_behind(position, head), None);
        if count > 0 {
            oldest = feed::after(&*self.shared.ports.events, position, 1).await?.first().map(|event| event.at);
        }
        for event in self.latest_behind(position).filter(|event| webhook.wants(event)) {
            count += 1;
            oldest.get_or_insert(event.at);
        }
        Ok((count, oldest))
    }
}

/// Removes old deliveries that are done, a portion at a time.
async fn remove_old(shared: Arc<Shared>) {
    let mut ticks = every(REMOVAL);
    loop {
        ticks.tick().await;
        let before = shared.ports.clock.now().minus_millis(millis(shared.options.retention));
        let mut pace = Pace::of(REMOVED);
        loop {
            let (began, limit) = (stopwatch(), pace.portion().get());
            match shared.ports.store.remove_deliveries(before, limit).await {
                Ok(removed) if removed == limit => pace.rest(began.elapsed()).await,
                Ok(_) => break,
                Err(error) => {
                    let error = &error as &dyn std::error::Error;
                    tracing::warn!(error, "old deliveries of webhooks could not be removed");
                    break;
                }
            }
        }
    }
}

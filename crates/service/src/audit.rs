use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use keymint_domain::event::seal::{ChainEnd, SealKey};
use keymint_domain::event::{Broken, ChainCheck, EventQuery};
use keymint_domain::webhook::DAY_FIVE_MS;
use keymint_ports::{Chain, Clock, EventStore, StoreError, WebhookStore};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, sleep};

use crate::{Recorder, ServiceError, SystemClock};

/// The log of all events: seals it, checks it, and removes what is old.
pub struct Audit {
    store: Arc<dyn EventStore>,
    key: SealKey,
    clock: Arc<dyn Clock>,
}

/// The result of a check of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditCheck {
    /// The number of events that were checked.
    pub events: u64,
    /// The breaks of the chain, in the order of positions. At most [`MAX_BREAKS`] are listed.
    pub breaks: Vec<Broken>,
    /// The end of the log, to be compared with one that was exported before.
    pub head: ChainEnd,
}

/// The largest number of breaks that a check lists.
pub const MAX_BREAKS: usize = 100;

/// The number of events that one statement reads, seals or removes.
const PORTION: u32 = 500;

impl Audit {
    /// Makes the service over the events in `store`, which `key` seals.
    pub fn new(store: Arc<dyn EventStore>, key: SealKey) -> Self {
        Self { store, key, clock: Arc::new(SystemClock) }
    }

    /// Sets the clock; the default is the system clock.
    #[must_use]
    pub fn with_clock(self, clock: Arc<dyn Clock>) -> Self {
        Self { clock, ..self }
    }

    /// Gives all committed events their positions, and returns their number. Readers see an event after that.
    ///
    /// # Errors
    ///
    /// Returns [`ServiceError::Store`] if the store fails.
    pub async fn seal(&self) -> Result<u64, ServiceError> {
        let mut total = 0;
        loop {
            let sealed = self.store.seal(&self.key, PORTION).await?;
            total += u64::from(sealed);
            if sealed < PORTION {
                return Ok(total);
            }
        }
    }

    /// Checks all sealed events against their seals. Events that are sealed meanwhile are not checked.
    ///
    /// # Errors
    ///
    /// Returns [`ServiceError::Store`] if the store fails.
    pub async fn check(&self) -> Result<AuditCheck, ServiceError> {
        let Chain { start, start_signature, head } = self.store.chain().await?;
        let (mut events, mut breaks) = (0, Vec::new());
        let mut check = match ChainCheck::begin(&self.key, start, start_signature) {
            Ok(check) => check,
            Err(broken) => return Ok(AuditCheck { events, breaks: vec![broken], head }),
        };
        let mut position = start.position;
        loop {
            let portion = self.store.list_events(&EventQuery::behind(position, PORTION)).await?;
            let Some(last) = portion.last() else { break };
            position = last.position;
            for event in portion.iter().take_while(|event| event.position <= head.position) {
                events += 1;
                breaks.extend(check.next(event).err());
            }
            if position >= head.position || breaks.len() >= MAX_BREAKS {
                break;
            }
        }
        if breaks.len() < MAX_BREAKS {
            breaks.extend(check.end(&head).err());
        }
        breaks.truncate(MAX_BREAKS);
        Ok(AuditCheck { events, breaks, head })
    }

    /// Removes sealed events that are older than `retention`, up to the position `up_to`, and returns their number.
    ///
    /// # Errors
    ///
    /// Returns [`ServiceError::Store`] if the store fails. Portions that were removed before stay removed.
    pub async fn remove_old(&self, retention: Duration, up_to: u64) -> Result<u64, ServiceError> {
        let retention_ms = u64::try_from(retention.as_millis()).unwrap_or(u64::MAX);
        let before = self.clock.now().minus_millis(retention_ms);
        let mut total = 0;
        loop {
            let removed = self.store.remove_events(&self.key, before, up_to, PORTION).await?;
            total += u64::from(removed);
            if removed < PORTION {
                return Ok(total);
            }
            tokio::task::yield_now().await;
        }
    }
}

impl fmt::Debug for Audit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Audit")
    }
}

/// The running job that seals events, and removes old ones. Dropping it ends the job.
#[derive(Debug)]
pub struct Sealer {
    _task: JoinSet<()>,
}

/// The interval of sealing.
const SEAL_EVERY: Duration = Duration::from_millis(500);

/// The time between a change of this process and its sealing: it commits meanwhile, and others join it.
const SEAL_AFTER: Duration = Duration::from_millis(50);

/// The interval of removing old events, in turns of sealing: ten minutes.
const REMOVE_EVERY: u32 = 1200;

impl Sealer {
    /// Starts the job on the current Tokio runtime. Any number of processes may run it on one database.
    ///
    /// With `retention`, events that are older are removed once they were delivered to all of `webhooks`. An endpoint that
    /// was stopped holds them back for five days. A failure is logged, and the next run retries.
    ///
    /// Events that `recorder` made are sealed without waiting for the next turn.
    pub fn start(
        audit: Arc<Audit>,
        retention: Option<Duration>,
        webhooks: Arc<dyn WebhookStore>,
        recorder: Recorder,
    ) -> Self {
        let mut task = JoinSet::new();
        task.spawn(async move {
            let mut ticks = interval(SEAL_EVERY);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            let (mut sealing, mut removal) = (Log::default(), Log::default());
            let mut turn = 0_u32;
            loop {
                let is_turn = tokio::select! {
                    _ = ticks.tick() => true,
                    () = recorder.has_recorded() => false,
                };
                if !is_turn {
                    sleep(SEAL_AFTER).await;
                }
                let sealed = audit.seal().await;
                if sealed.as_ref().is_ok_and(|sealed| *sealed > 0) {
                    recorder.tell_sealed();
                }
                sealing.report("events cannot be sealed", sealed);
                if !is_turn {
                    continue;
                }
                let is_removal = turn.is_multiple_of(REMOVE_EVERY);
                turn = turn.wrapping_add(1);
                if let Some(retention) = retention.filter(|_| is_removal) {
                    let removed = remove_delivered(&audit, retention, &*webhooks).await;
                    removal.report("old events cannot be removed", removed);
                }
            }
        });
        Self { _task: task }
    }
}

async fn remove_delivered(
    audit: &Audit,
    retention: Duration,
    webhooks: &dyn WebhookStore,
) -> Result<u64, ServiceError> {
    let since = audit.clock.now().minus_millis(DAY_FIVE_MS);
    let up_to = webhooks.delivered_position(since).await?;
    audit.remove_old(retention, up_to.unwrap_or(u64::MAX)).await
}

/// Logs the first of several failures in a row: a store that is down would fill the log.
#[derive(Default)]
struct Log {
    has_failed: bool,
}

impl Log {
    fn report(&mut self, message: &'static str, outcome: Result<u64, ServiceError>) {
        match outcome {
            Ok(_) => self.has_failed = false,
            // Another process does the same.
            Err(ServiceError::Store(StoreError::Locked)) => {}
            Err(error) => {
                if !std::mem::replace(&mut self.has_failed, true) {
                    tracing::warn!(error = &error as &dyn std::error::Error, "{message}; it is retried");
                }
            }
        }
    }
}

use std::sync::Arc;
use std::time::Duration;

use keymint_domain::webhook::LAST_ATTEMPT_AFTER_MS;
use keymint_ports::{StoreError, WebhookStore};
use tokio::task::JoinSet;
use tokio::time::{Interval, MissedTickBehavior, interval, sleep};

use super::Audit;
use crate::{Recorder, ServiceError};

/// The running jobs that seal events, and remove old ones. Dropping it ends them.
#[derive(Debug)]
pub struct Sealer {
    _jobs: JoinSet<()>,
}

/// The interval of sealing.
const SEAL_EVERY: Duration = Duration::from_millis(500);

/// The time between a change of this process and its sealing: it commits meanwhile, and others join it.
const SEAL_AFTER: Duration = Duration::from_millis(50);

/// The time for which sealing gives way to all other work. A change of many keys, which leaves as many events, shares the
/// writer with verifications; most of its seals come after it.
const LATE_AFTER: Duration = Duration::from_secs(10);

/// The interval of removing old events.
const REMOVE_EVERY: Duration = Duration::from_mins(10);

impl Sealer {
    /// Starts the jobs on the current Tokio runtime. Any number of processes may run them on one database.
    ///
    /// Events that `recorder` made are sealed without waiting for the next turn.
    ///
    /// With `retention`, events that are older are removed once they were delivered to all of `webhooks`. An endpoint that
    /// was stopped holds them back for five days. A failure is logged, and the next run retries.
    pub fn start(
        audit: Arc<Audit>,
        retention: Option<Duration>,
        webhooks: Arc<dyn WebhookStore>,
        recorder: Recorder,
    ) -> Self {
        let mut jobs = JoinSet::new();
        // A job of its own: a removal takes its time, and nobody sees an event before it is sealed.
        if let Some(retention) = retention {
            jobs.spawn(remove(Arc::clone(&audit), retention, webhooks));
        }
        jobs.spawn(seal(audit, recorder));
        Self { _jobs: jobs }
    }
}

async fn seal(audit: Arc<Audit>, recorder: Recorder) {
    let (mut ticks, mut log) = (every(SEAL_EVERY), Log::default());
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = recorder.has_recorded() => sleep(SEAL_AFTER).await,
        }
        let sealed = audit.seal_paced(LATE_AFTER).await;
        if !matches!(sealed, Err(ServiceError::Store(StoreError::Locked))) {
            audit.meter.sealed(sealed.as_ref().ok().copied());
        }
        if sealed.as_ref().is_ok_and(|sealed| *sealed > 0) {
            recorder.tell_sealed();
        }
        log.report("events cannot be sealed", sealed);
    }
}

async fn remove(audit: Arc<Audit>, retention: Duration, webhooks: Arc<dyn WebhookStore>) {
    let (mut ticks, mut log) = (every(REMOVE_EVERY), Log::default());
    loop {
        ticks.tick().await;
        log.report("old events cannot be removed", remove_delivered(&audit, retention, &*webhooks).await);
    }
}

async fn remove_delivered(
    audit: &Audit,
    retention: Duration,
    webhooks: &dyn WebhookStore,
) -> Result<u64, ServiceError> {
    let since = audit.surroundings.now().minus_millis(LAST_ATTEMPT_AFTER_MS);
    let up_to = webhooks.delivered_position(since).await?;
    audit.remove_old(retention, up_to.unwrap_or(u64::MAX)).await
}

fn every(period: Duration) -> Interval {
    let mut ticks = interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
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

use std::sync::Arc;
use std::time::Duration;

use keymint_domain::webhook::DAY_FIVE_MS;
use keymint_ports::{StoreError, WebhookStore};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, sleep};

use super::Audit;
use crate::{Recorder, ServiceError};

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
                if !matches!(sealed, Err(ServiceError::Store(StoreError::Locked))) {
                    audit.meter.sealed(sealed.as_ref().ok().copied());
                }
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

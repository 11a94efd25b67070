use std::sync::Arc;
use std::time::Duration;

use keymint_ports::StoreError;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

use super::Audit;
use crate::ServiceError;

/// The running job that seals events, and removes old ones. Dropping it ends the job.
#[derive(Debug)]
pub struct Sealer {
    _task: JoinSet<()>,
}

/// The interval of sealing.
const SEAL_EVERY: Duration = Duration::from_millis(500);

/// The interval of removing old events, in turns of sealing: ten minutes.
const REMOVE_EVERY: u32 = 1200;

impl Sealer {
    /// Starts the job on the current Tokio runtime. Any number of processes may run it on one database.
    ///
    /// With `retention`, events that are older are removed. A failure is logged, and the next run retries.
    pub fn start(audit: Arc<Audit>, retention: Option<Duration>) -> Self {
        let mut task = JoinSet::new();
        task.spawn(async move {
            let mut ticks = interval(SEAL_EVERY);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            let (mut sealing, mut removal) = (Log::default(), Log::default());
            for turn in 0_u32.. {
                ticks.tick().await;
                let sealed = audit.seal().await;
                if !matches!(sealed, Err(ServiceError::Store(StoreError::Locked))) {
                    audit.meter.sealed(sealed.as_ref().ok().copied());
                }
                sealing.report("events cannot be sealed", sealed);
                if let Some(retention) = retention.filter(|_| turn.is_multiple_of(REMOVE_EVERY)) {
                    removal.report("old events cannot be removed", audit.remove_old(retention, u64::MAX).await);
                }
            }
        });
        Self { _task: task }
    }
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

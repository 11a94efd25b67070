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
    /// With `retention`, events that are older are removed. A run that fails is logged, and the next one retries.
    pub fn start(audit: Arc<Audit>, retention: Option<Duration>) -> Self {
        let mut task = JoinSet::new();
        task.spawn(async move {
            let mut ticks = interval(SEAL_EVERY);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            for turn in 0_u32.. {
                ticks.tick().await;
                warn("events could not be sealed", audit.seal().await);
                if let Some(retention) = retention.filter(|_| turn.is_multiple_of(REMOVE_EVERY)) {
                    warn("old events could not be removed", audit.remove_old(retention, u64::MAX).await);
                }
            }
        });
        Self { _task: task }
    }
}

fn warn(message: &'static str, outcome: Result<u64, ServiceError>) {
    match outcome {
        Ok(_) | Err(ServiceError::Store(StoreError::Locked)) => {}
        Err(error) => tracing::warn!(error = &error as &dyn std::error::Error, "{message}"),
    }
}

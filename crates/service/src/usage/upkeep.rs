use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use keymint_domain::metering::Hour;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

use super::Usage;
use crate::pace::Pace;
use crate::steady_clock::SteadyClock;
use crate::{ServiceError, stopwatch};

/// The time between two runs.
const INTERVAL: Duration = Duration::from_mins(10);

/// The largest number of counts in one transaction.
const PORTION: NonZeroU32 = NonZeroU32::new(256).unwrap();

/// The running job that rolls up hours to days, and removes days. Dropping it ends the job.
#[derive(Debug)]
pub struct UsageUpkeep {
    _tasks: JoinSet<()>,
}

impl UsageUpkeep {
    /// Starts the job on the current Tokio runtime.
    ///
    /// Nothing is removed before the clock was steady for `steady_clock`, as in
    /// [`CleanupOptions`](crate::CleanupOptions): a clock that is ahead would remove what an invoice needs. A run that
    /// fails is logged, and the next one retries.
    pub fn start(usage: Arc<Usage>, steady_clock: Duration) -> Self {
        let mut tasks = JoinSet::new();
        tasks.spawn(keep_up(usage, steady_clock));
        Self { _tasks: tasks }
    }
}

async fn keep_up(usage: Arc<Usage>, steady_clock: Duration) {
    let clock = &usage.ledger.clock;
    let mut steadiness = SteadyClock::new(clock.now(), stopwatch());
    let mut ticks = interval(INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if steadiness.observe(clock.now(), stopwatch()) < steady_clock {
            continue;
        }
        match usage.keep_up().await {
            Ok((0, 0)) => {}
            Ok((rolled_up, removed)) => tracing::info!(rolled_up, removed, "rolled up and removed usage"),
            Err(error) => tracing::warn!(error = &error as &dyn std::error::Error, "usage could not be rolled up"),
        }
    }
}

impl Usage {
    /// Rolls up the hours, and removes the days, whose time has come. Returns the numbers of both.
    ///
    /// # Errors
    ///
    /// Returns [`ServiceError::Store`] if the store fails. Portions that were done before stay done.
    pub async fn keep_up(&self) -> Result<(u64, u64), ServiceError> {
        let (store, now) = (self.store(), Hour::of(self.ledger.clock.now()));
        let (mut rolled_up, mut removed) = (0, 0);
        let mut pace = Pace::of(PORTION);
        loop {
            let began = stopwatch();
            let counts = store.roll_up_usage(now.minus_days(self.options.hours_days), pace.portion()).await?;
            if counts == 0 {
                break;
            }
            rolled_up += u64::from(counts);
            pace.rest(began.elapsed()).await;
        }
        loop {
            let began = stopwatch();
            let counts = store.remove_usage(now.minus_days(self.options.retention_days), pace.portion()).await?;
            if counts == 0 {
                break;
            }
            removed += u64::from(counts);
            pace.rest(began.elapsed()).await;
        }
        Ok((rolled_up, removed))
    }
}

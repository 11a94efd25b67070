//! The background job that removes dead keys, so that no request has to.

use std::num::NonZeroU32;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use crate::{Keys, ServiceError, stopwatch};

/// How many times as long as a portion took the next one is waited for.
const PAUSES_FOR: u32 = 4;

/// How often and in which portions dead keys are removed.
#[derive(Debug, Clone, Copy)]
pub struct CleanupOptions {
    /// Time between two runs.
    pub interval: Duration,
    /// Rows that one statement removes at most.
    pub batch_size: NonZeroU32,
    /// Whether each run counts the keys by their state afterwards, for the meter. It reads every row.
    pub count: bool,
}

/// The running job. Dropping it ends the job.
#[derive(Debug)]
pub struct Cleanup(tokio::task::JoinHandle<()>);

impl Drop for Cleanup {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Cleanup {
    /// Starts the job on the present Tokio runtime. A run that fails is logged, and the next one tries again.
    pub fn start(keys: Arc<Keys>, options: CleanupOptions) -> Self {
        Self(tokio::spawn(async move {
            // An interval of nothing would be none at all, which Tokio refuses.
            let mut ticks = tokio::time::interval(options.interval.max(Duration::from_millis(1)));
            ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            loop {
                ticks.tick().await;
                let removed = keys.clean_up(options.batch_size).await;
                keys.meter.cleaned_up(removed.as_ref().ok().copied());
                match removed {
                    Ok(0) => {}
                    Ok(removed) => tracing::info!(removed, "removed dead keys"),
                    Err(error) => tracing::warn!(error = &error as &dyn std::error::Error, "clean-up failed"),
                }
                if options.count
                    && let Err(error) = keys.count().await
                {
                    tracing::warn!(error = &error as &dyn std::error::Error, "the keys could not be counted");
                }
            }
        }))
    }
}

impl Keys {
    /// Counts the keys by their state now, and tells the meter.
    async fn count(&self) -> Result<(), ServiceError> {
        self.meter.counted(&self.store.count(self.clock.now()).await?);
        Ok(())
    }

    /// Removes the keys that are dead now: expired for longer than their configuration's retention, or exhausted,
    /// likewise, and since then presented once more. Returns how many they were.
    pub async fn clean_up(&self, batch_size: NonZeroU32) -> Result<u64, ServiceError> {
        let (now, mut total) = (self.clock.now(), 0);
        for configuration in self.policy.configurations() {
            let governed = self.policy.governed_by(configuration);
            let before = now.minus_millis(configuration.retention_ms);
            loop {
                let began = stopwatch();
                let removed = self.store.remove_expired(&governed, before, batch_size.get()).await?;
                total += u64::from(removed);
                if removed < batch_size.get() {
                    break;
                }
                // A store with one writer lets no verification pass while it removes a portion.
                tokio::time::sleep(began.elapsed() * PAUSES_FOR).await;
            }
        }
        let graves = std::mem::take(&mut *self.graves.lock().unwrap_or_else(PoisonError::into_inner));
        let exhausted: Vec<_> = graves.into_iter().collect();
        for ids in exhausted.chunks(batch_size.get() as usize) {
            total += u64::from(self.store.remove_exhausted(ids, &self.policy, now).await?);
        }
        Ok(total)
    }
}

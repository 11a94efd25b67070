//! The background job that removes dead keys, so that no request has to.

use std::num::NonZeroU32;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use crate::{Keys, ServiceError, stopwatch};

/// How long a portion should take: on a store with one writer every verification waits for it.
const PORTION_TAKES: Duration = Duration::from_millis(2);

/// How many times as long as a portion took the next one is waited for: clean-up has a twentieth of the writer's time.
const PAUSES_FOR: u32 = 19;

/// How often and in which portions dead keys are removed.
#[derive(Debug, Clone, Copy)]
pub struct CleanupOptions {
    /// Time between two runs.
    pub interval: Duration,
    /// Rows that one statement removes at most. It removes fewer where so many take longer than two milliseconds.
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
            let mut portion = batch_size;
            loop {
                let began = stopwatch();
                let removed = self.store.remove_expired(&governed, before, portion.get()).await?;
                total += u64::from(removed);
                if removed < portion.get() {
                    break;
                }
                let took = began.elapsed();
                portion = next_portion(portion, took, batch_size);
                tokio::time::sleep(took * PAUSES_FOR).await;
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

/// The rows of the next portion, after one of so many that took so long.
fn next_portion(portion: NonZeroU32, took: Duration, max: NonZeroU32) -> NonZeroU32 {
    let next = if took > PORTION_TAKES { portion.get() / 2 } else { portion.get().saturating_mul(2) };
    NonZeroU32::new(next).unwrap_or(NonZeroU32::MIN).min(max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_portion_shrinks_where_it_takes_too_long_and_grows_again_up_to_its_limit() {
        let next = |portion, ms| {
            let [portion, max] = [portion, 100].map(|rows| NonZeroU32::new(rows).unwrap());
            next_portion(portion, Duration::from_millis(ms), max).get()
        };
        assert_eq!([next(100, 3), next(3, 3), next(1, 3)], [50, 1, 1]);
        assert_eq!([next(1, 1), next(50, 2), next(100, 0)], [2, 100, 100]);
    }
}

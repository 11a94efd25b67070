use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use keymint_domain::Timestamp;
use keymint_domain::metering::Taken;
use keymint_domain::metering::UsageFlush;
use keymint_ports::{Entropy, StoreError};
use tokio::time::{MissedTickBehavior, interval, sleep};

use super::UsageLedger;
use crate::stopwatch;

/// The largest number of keys, or of sources of unknown keys, in one transaction. On SQLite a portion takes about two
/// milliseconds, in which no verification is written.
const PORTION: usize = 256;

/// The keys that are handed over in a second: a flush of more takes longer than its interval.
const KEYS_A_SECOND: u32 = 10_000;

/// The pause between two warnings of a kind: a flush a second must not fill the log.
const QUIET: Duration = Duration::from_mins(1);

/// The portions that were taken from the counts and are not in the store yet.
///
/// A portion stays as it is once it may have been handed over: the store knows it by its number.
pub(super) struct Outbox {
    process: Box<str>,
    next: u64,
    portions: VecDeque<UsageFlush>,
}

impl Outbox {
    /// Returns an empty outbox of a process that no other has the name of.
    pub(super) fn new(entropy: &dyn Entropy) -> Self {
        let mut bytes = [0; 16];
        entropy.fill(&mut bytes);
        Self { process: format!("{:032x}", u128::from_be_bytes(bytes)).into(), next: 1, portions: VecDeque::new() }
    }

    fn fill(&mut self, taken: Taken, at: Timestamp) {
        let (keys, unknown) = taken.into_parts();
        let (mut keys, mut unknown) = (keys.into_iter(), unknown.into_iter());
        loop {
            let portion = UsageFlush {
                process: self.process.clone(),
                number: self.next,
                at,
                keys: keys.by_ref().take(PORTION).collect(),
                unknown: unknown.by_ref().take(PORTION).collect(),
            };
            if portion.keys.is_empty() && portion.unknown.is_empty() {
                break;
            }
            self.next += 1;
            self.portions.push_back(portion);
        }
    }
}

/// Returns true, and remembers it, if nothing was told for a while.
fn is_due(told: &mut Option<Instant>) -> bool {
    let is_due = told.is_none_or(|told| told.elapsed() > QUIET);
    if is_due {
        *told = Some(stopwatch());
    }
    is_due
}

impl UsageLedger {
    /// Hands over what was counted, again and again.
    pub(super) async fn keep_flushing(self: Arc<Self>, every: Duration) {
        // Tokio rejects an interval of zero.
        let every = every.max(Duration::from_millis(1));
        let mut ticks = interval(every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut told_failure, mut told_delay) = (None, None);
        loop {
            ticks.tick().await;
            let began = stopwatch();
            let outcome = self.flush().await;
            if let Err(error) = &outcome
                && is_due(&mut told_failure)
            {
                let error = error as &dyn std::error::Error;
                tracing::warn!(error, "usage could not be written; it is kept, and tried again");
            }
            let took = began.elapsed();
            if outcome.is_ok() && took > every && is_due(&mut told_delay) {
                let took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
                tracing::warn!(took_ms, "usage is written less often: so many keys are used, or the store is slow");
            }
        }
    }

    /// Hands over everything, without pauses.
    ///
    /// # Errors
    ///
    /// Returns the store's failure. What was not handed over is kept.
    pub(super) async fn flush_at_once(&self) -> Result<(), StoreError> {
        self.is_urgent.store(true, Relaxed);
        let outcome = self.flush().await;
        self.is_urgent.store(false, Relaxed);
        outcome
    }

    async fn flush(&self) -> Result<(), StoreError> {
        let mut outbox = self.outbox.lock().await;
        let began = stopwatch();
        // What a failure has left goes first: its numbers are the smaller ones.
        let outcome = match self.send(&mut outbox).await {
            Ok(left) => {
                let taken = self.tallies().take();
                if taken.lost() > 0 {
                    self.meter.usage_lost(taken.lost());
                    tracing::warn!(calls = taken.lost(), "usage was not counted: too many keys wait for the store");
                }
                outbox.fill(taken, self.clock.now());
                self.send(&mut outbox).await.map(|keys| left + keys)
            }
            Err(error) => Err(error),
        };
        self.meter.usage_flushed(outcome.as_ref().ok().copied(), began.elapsed());
        outcome.map(drop)
    }

    /// Hands over all portions. Returns the number of keys.
    async fn send(&self, outbox: &mut Outbox) -> Result<usize, StoreError> {
        let mut keys = 0;
        while let Some(portion) = outbox.portions.front() {
            let began = stopwatch();
            self.store.add_usage(portion).await?;
            let rows = portion.keys.len().max(portion.unknown.len());
            keys += portion.keys.len();
            outbox.portions.pop_front();
            if !outbox.portions.is_empty() && !self.is_urgent.load(Relaxed) {
                let share = Duration::from_secs(1) * u32::try_from(rows).unwrap_or(u32::MAX) / KEYS_A_SECOND;
                sleep(share.saturating_sub(began.elapsed())).await;
            }
        }
        Ok(keys)
    }
}

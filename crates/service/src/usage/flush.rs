use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use keymint_domain::Timestamp;
use keymint_domain::metering::{Taken, UsageFlush, gathering_ms};
use keymint_ports::{Entropy, StoreError};
use tokio::time::{MissedTickBehavior, interval, sleep};

use super::UsageLedger;
use crate::stopwatch;
use crate::system::{millis, timer_clock};

/// The largest number of keys, or of sources of unknown keys, in one transaction. On SQLite a portion takes about two
/// milliseconds, in which no verification is written.
const PORTION: usize = 256;

/// The keys that are handed over in a second, unless more are used: a flush does not hold up verifications for long.
const KEYS_A_SECOND: usize = 10_000;

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
    /// Hands over what was counted, again and again: after `every`, and with many keys after `longest` at the latest.
    pub(super) async fn keep_flushing(self: Arc<Self>, every: Duration, longest: Duration) {
        // Tokio rejects an interval of zero.
        let every = every.max(Duration::from_millis(1));
        let mut ticks = interval(every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut told_failure, mut told_delay) = (None, None);
        let (mut taken, mut has_failed) = (timer_clock(), false);
        loop {
            ticks.tick().await;
            let (gathered, keys) = (taken.elapsed(), self.tallies().keys());
            let wanted = Duration::from_millis(gathering_ms(keys, millis(every), millis(longest)));
            // Ticks come a little early or late. What could not be written is tried again at every tick.
            if gathered + every / 2 < wanted && !has_failed {
                continue;
            }
            taken = timer_clock();
            // Twice as fast as keys are used, so that a flush ends long before the next one.
            let used_a_second = keys / usize::try_from(gathered.as_secs().max(1)).unwrap_or(usize::MAX);
            let began = stopwatch();
            let outcome = self.flush(KEYS_A_SECOND.max(2 * used_a_second)).await;
            has_failed = outcome.is_err();
            if let Err(error) = &outcome
                && is_due(&mut told_failure)
            {
                let error = error as &dyn std::error::Error;
                tracing::warn!(error, "usage could not be written; it is kept, and tried again");
            }
            let took = began.elapsed();
            if outcome.is_ok() && took > wanted && is_due(&mut told_delay) {
                let took_ms = millis(took);
                tracing::warn!(took_ms, "usage is written less often than it should be: the store is slow");
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
        let outcome = self.flush(usize::MAX).await;
        self.is_urgent.store(false, Relaxed);
        outcome
    }

    /// Hands over what was counted, this many keys a second.
    async fn flush(&self, keys_a_second: usize) -> Result<(), StoreError> {
        let mut outbox = self.outbox.lock().await;
        let began = stopwatch();
        // What a failure has left goes first: its numbers are the smaller ones.
        let outcome = match self.send(&mut outbox, keys_a_second).await {
            Ok(left) => {
                let taken = self.tallies().take();
                if taken.lost() > 0 {
                    self.meter.usage_lost(taken.lost());
                    tracing::warn!(calls = taken.lost(), "usage was not counted: too many keys wait for the store");
                }
                outbox.fill(taken, self.clock.now());
                self.send(&mut outbox, keys_a_second).await.map(|keys| left + keys)
            }
            Err(error) => Err(error),
        };
        self.meter.usage_flushed(outcome.as_ref().ok().copied(), began.elapsed());
        outcome.map(drop)
    }

    /// Hands over all portions. Returns the number of keys.
    async fn send(&self, outbox: &mut Outbox, keys_a_second: usize) -> Result<usize, StoreError> {
        let mut keys = 0;
        while let Some(portion) = outbox.portions.front() {
            let began = stopwatch();
            self.store.add_usage(portion).await?;
            let rows = portion.keys.len().max(portion.unknown.len());
            keys += portion.keys.len();
            outbox.portions.pop_front();
            if !outbox.portions.is_empty() && !self.is_urgent.load(Relaxed) {
                let share = Duration::from_secs(1) * u32::try_from(rows).unwrap_or(u32::MAX)
                    / u32::try_from(keys_a_second).unwrap_or(u32::MAX);
                sleep(share.saturating_sub(began.elapsed())).await;
            }
        }
        Ok(keys)
    }
}

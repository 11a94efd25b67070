//! The background job that removes dead keys, so that no request has to.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use keymint_domain::KeyId;
use keymint_ports::Removed;
use tokio::task::JoinSet;
use tokio::time::{Interval, MissedTickBehavior, interval};

use crate::pace::Pace;
use crate::steady_clock::SteadyClock;
use crate::{Keys, ServiceError, stopwatch};

/// How often and in which portions dead keys are removed.
#[derive(Debug, Clone, Copy)]
pub struct CleanupOptions {
    /// Time between two runs.
    pub interval: Duration,
    /// Rows that one statement removes at most. It removes fewer where so many take longer than a millisecond.
    pub batch_size: NonZeroU32,
    /// How long the clock must have kept pace with the machine's monotonic clock before anything is removed, since the
    /// job began and since the clock last jumped: a clock that is ahead lets living keys look expired. Zero = no wait.
    pub steady_clock: Duration,
    /// Whether the keys are counted by their state as often, for the meter. It reads every row, a portion at a time.
    pub count: bool,
}

impl Default for CleanupOptions {
    /// Every minute, 100 rows a statement, after ten minutes of a steady clock, and nothing is counted.
    fn default() -> Self {
        const BATCH_SIZE: NonZeroU32 = NonZeroU32::new(100).unwrap();
        Self {
            interval: Duration::from_mins(1),
            batch_size: BATCH_SIZE,
            steady_clock: Duration::from_mins(10),
            count: false,
        }
    }
}

/// The running job. Dropping it ends the job.
#[derive(Debug)]
pub struct Cleanup {
    _tasks: JoinSet<()>,
}

impl Cleanup {
    /// Starts the job on the present Tokio runtime. A run that fails is logged, and the next one tries again. Keys are
    /// counted by a task of its own, so that neither waits for the other.
    pub fn start(keys: Arc<Keys>, options: CleanupOptions) -> Self {
        let mut tasks = JoinSet::new();
        if options.count {
            tasks.spawn(count(Arc::clone(&keys), ticks(options)));
        }
        tasks.spawn(remove(keys, ticks(options), options));
        Self { _tasks: tasks }
    }
}

fn ticks(options: CleanupOptions) -> Interval {
    // An interval of nothing would be none at all, which Tokio refuses.
    let mut ticks = interval(options.interval.max(Duration::from_millis(1)));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

async fn remove(keys: Arc<Keys>, mut ticks: Interval, options: CleanupOptions) {
    let mut clock = SteadyClock::new(keys.clock.now(), stopwatch());
    loop {
        ticks.tick().await;
        let steady = clock.observe(keys.clock.now(), stopwatch());
        if steady < options.steady_clock {
            tracing::debug!(steady_s = steady.as_secs(), "clean-up waits for a steady clock");
            continue;
        }
        let removed = keys.clean_up(options.batch_size).await;
        keys.meter.cleaned_up(removed.as_ref().ok().copied());
        match removed {
            Ok(0) => {}
            Ok(removed) => tracing::info!(removed, "removed dead keys"),
            Err(error) => tracing::warn!(error = &error as &dyn std::error::Error, "clean-up failed"),
        }
    }
}

async fn count(keys: Arc<Keys>, mut ticks: Interval) {
    loop {
        ticks.tick().await;
        if let Err(error) = keys.count().await {
            tracing::warn!(error = &error as &dyn std::error::Error, "the keys could not be counted");
        }
    }
}

/// What a clean-up has come to.
#[derive(Default)]
struct Tally {
    removed: u64,
    kept: u64,
    first_kept: Option<KeyId>,
}

impl Tally {
    fn add(&mut self, Removed { removed, kept }: &Removed) {
        self.removed += u64::from(*removed);
        self.kept += kept.len() as u64;
        self.first_kept = self.first_kept.take().or_else(|| kept.first().cloned());
    }
}

impl Keys {
    /// Removes the keys that are dead now: exhausted for longer than their configuration's retention, and since then
    /// presented once more, or expired, likewise. Returns how many they were. Those to which rows of other tables refer stay, and
    /// are told.
    pub async fn clean_up(&self, batch_size: NonZeroU32) -> Result<u64, ServiceError> {
        let mut tally = Tally::default();
        // Those that were presented are few, while those that have expired may take hours.
        self.remove_exhausted(batch_size, &mut tally).await?;
        self.remove_expired(batch_size, &mut tally).await?;
        self.meter.kept(tally.kept);
        if let Some(id) = &tally.first_kept {
            tracing::warn!(keys = tally.kept, %id, "dead keys stay, because rows of other tables refer to them");
        }
        Ok(tally.removed)
    }

    async fn remove_exhausted(&self, batch_size: NonZeroU32, tally: &mut Tally) -> Result<(), ServiceError> {
        let exhausted = self.exhausted_candidates.take();
        let (now, mut pace, mut left) = (self.clock.now(), Pace::of(batch_size), &exhausted[..]);
        while !left.is_empty() {
            let began = stopwatch();
            let (ids, others) = left.split_at(left.len().min(pace.portion().get() as usize));
            tally.add(&self.store.remove_exhausted(ids, &self.policy, now).await?);
            left = others;
            if !left.is_empty() {
                pace.rest(began.elapsed()).await;
            }
        }
        Ok(())
    }

    async fn remove_expired(&self, batch_size: NonZeroU32, tally: &mut Tally) -> Result<(), ServiceError> {
        let now = self.clock.now();
        for configuration in self.policy.configurations() {
            let governed = self.policy.governed_by(configuration);
            let before = now.minus_millis(configuration.retention_ms);
            let (mut pace, mut skip) = (Pace::of(batch_size), 0_u32);
            loop {
                let (began, portion) = (stopwatch(), pace.portion().get());
                let removed = self.store.remove_expired(&governed, before, skip, portion).await?;
                tally.add(&removed);
                let kept = u32::try_from(removed.kept.len()).unwrap_or(u32::MAX);
                skip = skip.saturating_add(kept);
                if removed.removed.saturating_add(kept) < portion {
                    break;
                }
                pace.rest(began.elapsed()).await;
            }
        }
        Ok(())
    }
}

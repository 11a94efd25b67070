//! The background job that removes dead keys, so that no request has to.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use keymint_domain::KeyId;
use keymint_domain::event::{Actor, EventKind};
use keymint_ports::Removed;
use tokio::task::JoinSet;
use tokio::time::{Interval, MissedTickBehavior, interval};

use crate::pace::Pace;
use crate::steady_clock::SteadyClock;
use crate::{Keys, ServiceError, stopwatch};

/// The interval and the portions in which dead keys are removed.
#[derive(Debug, Clone, Copy)]
pub struct CleanupOptions {
    /// The time between two runs.
    pub interval: Duration,
    /// The largest number of rows that one statement removes. It removes fewer if that takes longer than a millisecond.
    pub batch_size: NonZeroU32,
    /// The time for which the clock must have been steady before anything is removed; zero = no wait.
    ///
    /// The clock is steady while it keeps pace with the machine's monotonic clock, since the job began or the clock
    /// last jumped. A clock that is ahead would make living keys look expired.
    pub steady_clock: Duration,
    /// True if the keys are counted by state at the same interval, for the meter. The count reads every row, a portion
    /// at a time.
    pub count: bool,
}

impl Default for CleanupOptions {
    /// Returns the defaults: one run a minute, 100 rows per statement, ten minutes of a steady clock before the first
    /// run, and no counts.
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

/// The running clean-up job. Dropping it ends the job.
#[derive(Debug)]
pub struct Cleanup {
    _tasks: JoinSet<()>,
}

impl Cleanup {
    /// Starts the job on the current Tokio runtime.
    ///
    /// A run that fails is logged, and the next one retries. A separate task counts the keys, so that neither waits for
    /// the other.
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
    // Tokio rejects an interval of zero.
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

/// The totals of a clean-up.
#[derive(Default)]
struct Tally {
    removed: u64,
    kept: u64,
    first_kept: Option<KeyId>,
}

impl Tally {
    fn add(&mut self, Removed { removed, kept, expiries_told: _ }: &Removed) {
        self.removed += u64::from(*removed);
        self.kept += kept.len() as u64;
        self.first_kept = self.first_kept.take().or_else(|| kept.first().cloned());
    }
}

impl Keys {
    /// Removes the dead keys, and returns their number.
    ///
    /// A key is dead once its configuration's retention has passed since it expired, or since it was exhausted; an
    /// exhausted key is only removed after it was presented again. Keys that rows of other tables refer to are kept,
    /// and logged. Deleted keys that can be restored no more, links and portal sessions that have ended are
    /// removed for good, and are not in the number.
    ///
    /// # Errors
    ///
    /// Returns [`ServiceError::Store`] if the store fails. Portions that were removed before stay removed.
    pub async fn clean_up(&self, batch_size: NonZeroU32) -> Result<u64, ServiceError> {
        let mut tally = Tally::default();
        // First, because the exhausted keys that were presented are few, while expired keys may take hours.
        self.remove_exhausted(batch_size, &mut tally).await?;
        self.remove_expired(batch_size, &mut tally).await?;
        self.purge_deleted(batch_size).await?;
        self.purge_links(batch_size).await?;
        self.meter.kept(tally.kept);
        if let Some(id) = &tally.first_kept {
            tracing::warn!(keys = tally.kept, %id, "dead keys stay, because rows of other tables refer to them");
        }
        Ok(tally.removed)
    }

    /// Removes deleted keys whose time to be restored has ended. They are no keys, and not counted as such.
    async fn purge_deleted(&self, batch_size: NonZeroU32) -> Result<(), ServiceError> {
        let (now, mut pace) = (self.clock.now(), Pace::of(batch_size));
        loop {
            let (began, portion) = (stopwatch(), pace.portion());
            if self.store.purge_deleted(now, portion).await? < portion.get() {
                return Ok(());
            }
            pace.rest(began.elapsed()).await;
        }
    }

    /// Removes links that have expired, and portal sessions that have ended.
    async fn purge_links(&self, batch_size: NonZeroU32) -> Result<(), ServiceError> {
        let Some(users) = &self.users else { return Ok(()) };
        let (now, mut pace) = (self.clock.now(), Pace::of(batch_size));
        loop {
            let (began, portion) = (stopwatch(), pace.portion());
            if users.purge_links(now, portion).await? < portion.get() {
                return Ok(());
            }
            pace.rest(began.elapsed()).await;
        }
    }

    async fn remove_exhausted(&self, batch_size: NonZeroU32, tally: &mut Tally) -> Result<(), ServiceError> {
        let exhausted = self.exhausted_candidates.take();
        let (now, mut pace, mut left) = (self.clock.now(), Pace::of(batch_size), &exhausted[..]);
        let origin = self.announcing(self.own_origin(Actor::CleanUp, now));
        while !left.is_empty() {
            let began = stopwatch();
            let (ids, others) = left.split_at(left.len().min(pace.portion().get() as usize));
            let removed = self.store.remove_exhausted(ids, &self.policy, now, &origin).await?;
            self.tell_expiries(&removed);
            tally.add(&removed);
            left = others;
            if !left.is_empty() {
                pace.rest(began.elapsed()).await;
            }
        }
        Ok(())
    }

    /// Counts the notices of a removal, as the job of notices counts its own.
    pub(crate) fn tell_expiries(&self, removed: &Removed) {
        for _ in 0..removed.expiries_told {
            self.meter.noticed(EventKind::KeyExpired);
        }
    }

    async fn remove_expired(&self, batch_size: NonZeroU32, tally: &mut Tally) -> Result<(), ServiceError> {
        let now = self.clock.now();
        let origin = self.announcing(self.own_origin(Actor::CleanUp, now));
        for configuration in self.policy.configurations() {
            let governed = self.policy.governed_by(configuration);
            let before = now.minus_millis(configuration.retention_ms);
            let (mut pace, mut skip) = (Pace::of(batch_size), 0_u32);
            loop {
                let (began, portion) = (stopwatch(), pace.portion().get());
                let removed = self.store.remove_expired(&governed, before, skip, portion, &origin).await?;
                self.tell_expiries(&removed);
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

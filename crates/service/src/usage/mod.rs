//! The statistics of uses: counted in the process as batches are settled, and handed over to the store once a second.

mod flush;
mod gathering;
mod upkeep;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use keymint_domain::metering::Tallies;
use keymint_domain::verify::{Attempt, Verdict};
use keymint_domain::{Policy, Timestamp};
use keymint_ports::{Clock, Entropy, Meter, StoreError, UsageStore};
use tokio::sync::Mutex as AsyncMutex;
use tokio::task::JoinSet;

use crate::ServiceError;
use flush::Outbox;

pub use upkeep::UsageUpkeep;

/// The options of the statistics of uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UsageOptions {
    /// False if nothing is counted. What was counted before can still be read.
    pub enabled: bool,
    /// The time between two flushes: what a crash loses at most.
    pub interval: Duration,
    /// The longest time for which uses are gathered before they are added. It becomes longer than `interval` if more than
    /// [`KEYS_AN_INTERVAL`](keymint_domain::metering::KEYS_AN_INTERVAL) keys are used within that. A journal in the store
    /// keeps them from a crash meanwhile.
    pub longest_interval: Duration,
    /// The days for which hours are kept, before they are rolled up to days.
    pub hours_days: u32,
    /// The days for which usage is kept.
    pub retention_days: u32,
}

impl Default for UsageOptions {
    /// Returns the defaults: flushes once a second, the uses of many keys gathered for five minutes at most, hours for 35
    /// days, and days for 400.
    fn default() -> Self {
        Self {
            enabled: true,
            interval: Duration::from_secs(1),
            longest_interval: Duration::from_mins(5),
            hours_days: 35,
            retention_days: 400,
        }
    }
}

/// Counts the uses of keys, for all [`Keys`](crate::Keys) of a process, and hands them to a store.
///
/// Dropping it ends its flushes. Call [`Usage::flush`] before, which would else lose the last interval.
pub struct Usage {
    ledger: Arc<UsageLedger>,
    options: UsageOptions,
    _flushes: JoinSet<()>,
}

impl Usage {
    /// Starts the flushes on the current Tokio runtime.
    pub fn start(
        store: Arc<dyn UsageStore>,
        clock: Arc<dyn Clock>,
        entropy: &dyn Entropy,
        meter: Arc<dyn Meter>,
        options: UsageOptions,
    ) -> Self {
        let ledger = Arc::new(UsageLedger {
            tallies: Mutex::default(),
            outbox: AsyncMutex::new(Outbox::new(entropy)),
            is_urgent: false.into(),
            store,
            clock,
            meter,
            // Tokio rejects an interval of zero.
            every: options.interval.max(Duration::from_millis(1)),
            longest: options.longest_interval,
        });
        let mut flushes = JoinSet::new();
        if options.enabled {
            flushes.spawn(Arc::clone(&ledger).keep_flushing());
        }
        Self { ledger, options, _flushes: flushes }
    }

    /// Hands over everything that was counted, without pauses.
    ///
    /// # Errors
    ///
    /// Returns [`ServiceError::Store`] if the store fails. What could not be handed over is kept.
    pub async fn flush(&self) -> Result<(), ServiceError> {
        Ok(self.ledger.flush_at_once().await?)
    }

    /// Returns the options.
    pub fn options(&self) -> UsageOptions {
        self.options
    }

    /// Returns the store that holds the statistics.
    pub(crate) fn store(&self) -> &dyn UsageStore {
        &*self.ledger.store
    }

    /// Returns what counts the uses; `None` = nothing is counted.
    pub(crate) fn ledger(&self) -> Option<Arc<UsageLedger>> {
        self.options.enabled.then(|| Arc::clone(&self.ledger))
    }
}

impl fmt::Debug for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Usage").field("options", &self.options).finish_non_exhaustive()
    }
}

/// The counts of a process on their way to the store.
pub(crate) struct UsageLedger {
    tallies: Mutex<Tallies>,
    /// Held by the flush that is under way.
    outbox: AsyncMutex<Outbox>,
    /// True if a flush must not pause.
    is_urgent: std::sync::atomic::AtomicBool,
    store: Arc<dyn UsageStore>,
    clock: Arc<dyn Clock>,
    meter: Arc<dyn Meter>,
    /// The time between two flushes.
    every: Duration,
    /// The longest time for which uses are gathered.
    longest: Duration,
}

impl UsageLedger {
    /// Counts the settled attempts of a batch. One lock serves all of them.
    pub(crate) fn count_batch(
        &self,
        attempts: &[Attempt],
        answers: &[Result<Verdict, StoreError>],
        policy: &Policy,
        now: Timestamp,
    ) {
        let mut tallies = self.tallies();
        for (attempt, answer) in attempts.iter().zip(answers) {
            // An unknown key may yet be recognized by its foreign hash.
            if let Ok(verdict) = answer
                && !verdict.is_unknown()
            {
                tallies.count(attempt, verdict, policy, now);
            }
        }
    }

    /// Counts one attempt that was settled in the process.
    pub(crate) fn count(&self, attempt: &Attempt, verdict: &Verdict, policy: &Policy, now: Timestamp) {
        self.tallies().count(attempt, verdict, policy, now);
    }

    /// Counts an attempt that the embedder's precheck refused.
    pub(crate) fn count_prechecked(&self, attempt: &Attempt, policy: &Policy) {
        self.tallies().count_refused_unseen(attempt, policy, self.clock.now());
    }

    fn tallies(&self) -> MutexGuard<'_, Tallies> {
        // A count that panicked half-way has left whole numbers.
        self.tallies.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

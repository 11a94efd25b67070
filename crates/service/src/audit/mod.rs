//! The log of all events.

mod check;
mod export;
mod read;
mod sealer;

use std::fmt;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use keymint_domain::event::seal::SealKey;
use keymint_domain::event::{Actor, Event, Origin};
use keymint_ports::{Chain, EventStore, Meter, Unmetered};

use crate::pace::Pace;
use crate::surroundings::{Surroundings, takes_surroundings};
use crate::system::millis;
use crate::system::timer_clock;
use crate::{ServiceError, Source, stopwatch};

pub use check::{AuditCheck, Compared, MAX_BREAKS};
pub use export::{Export, Portion};
pub use read::AuditPage;
pub use sealer::Sealer;

/// The log of all events: seals it, reads it, checks it, and removes what is old.
pub struct Audit {
    store: Arc<dyn EventStore>,
    key: SealKey,
    surroundings: Surroundings,
    meter: Arc<dyn Meter>,
    log_reads: bool,
}

/// The number of events that one statement reads, seals or removes.
const PORTION: NonZeroU32 = NonZeroU32::new(500).unwrap();

takes_surroundings!(Audit);

impl Audit {
    /// Makes the service over the events in `store`, which `key` seals.
    pub fn new(store: Arc<dyn EventStore>, key: SealKey) -> Self {
        Self { store, key, surroundings: Surroundings::default(), meter: Arc::new(Unmetered), log_reads: false }
    }

    /// Sets what is told of sealing and removal; the default is [`Unmetered`].
    #[must_use]
    pub fn with_meter(self, meter: Arc<dyn Meter>) -> Self {
        Self { meter, ..self }
    }

    /// Sets whether reads of the log are recorded, if events are; by default they are not.
    #[must_use]
    pub fn logging_reads(self, log_reads: bool) -> Self {
        Self { log_reads, ..self }
    }

    /// Records what `actor` did without changing the database, as the event that `make` makes.
    ///
    /// # Errors
    ///
    /// Returns [`ServiceError::Store`] if the store fails.
    pub async fn note(
        &self,
        actor: Actor,
        source: &Source,
        make: impl FnOnce(&Origin) -> Option<Event> + Send,
    ) -> Result<(), ServiceError> {
        let origin = self.surroundings.origin(actor, source, self.surroundings.now());
        if let Some(event) = make(&origin) {
            self.store.record(&event).await?;
        }
        Ok(())
    }

    /// Gives all committed events their positions, and returns their number. Readers see an event after that.
    ///
    /// # Errors
    ///
    /// Returns [`ServiceError::Store`] if the store fails.
    pub async fn seal(&self) -> Result<u64, ServiceError> {
        self.seal_paced(Duration::ZERO).await
    }

    /// Seals as [`Audit::seal`] does, and gives way to all other work until `late_after` is over.
    async fn seal_paced(&self, late_after: Duration) -> Result<u64, ServiceError> {
        let (run_began, mut pace, mut total) = (timer_clock(), Pace::yielding(PORTION), 0);
        loop {
            let (began, limit) = (timer_clock(), pace.portion().get());
            let sealed = self.store.seal(&self.key, limit).await?;
            total += u64::from(sealed);
            if sealed < limit {
                return Ok(total);
            }
            if run_began.elapsed() >= late_after {
                pace.hasten();
            }
            pace.rest(began.elapsed()).await;
        }
    }

    /// Returns both ends of the chain.
    ///
    /// # Errors
    ///
    /// Returns [`ServiceError::Store`] if the store fails.
    pub async fn chain(&self) -> Result<Chain, ServiceError> {
        Ok(self.store.chain().await?)
    }

    /// Removes sealed events that are older than `retention`, up to the position `up_to`, and returns their number.
    ///
    /// # Errors
    ///
    /// Returns [`ServiceError::Store`] if the store fails. Portions that were removed before stay removed.
    pub async fn remove_old(&self, retention: Duration, up_to: u64) -> Result<u64, ServiceError> {
        let retention_ms = millis(retention);
        let before = self.surroundings.now().minus_millis(retention_ms);
        let (mut pace, mut total) = (Pace::of(PORTION), 0);
        loop {
            let (began, limit) = (stopwatch(), pace.portion().get());
            let removed = self.store.remove_events(&self.key, before, up_to, limit).await?;
            total += u64::from(removed);
            self.meter.events_removed(u64::from(removed));
            if removed < limit {
                return Ok(total);
            }
            pace.rest(began.elapsed()).await;
        }
    }
}

impl fmt::Debug for Audit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Audit")
    }
}

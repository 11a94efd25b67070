//! Deferred usage: keys without a quota are judged on cached copies in the process, and their usage is written later.
//!
//! A copy is read through the group commit, by a look, and is valid for one flush interval. Its usage is added to the
//! stored key with the next look, by the domain and under the store's lock, so that the calls of every process count. A
//! key without a copy is settled by the store.

mod copies;
mod flush;
mod room;
mod slot;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use keymint_domain::Policy;
use keymint_domain::key::{PlainKey, StoredKey};
use keymint_domain::verify::{Attempt, DryRun};
use keymint_ports::{Clock, KeyStore};

use crate::group_commit::{GroupCommit, Settled};
use crate::usage::UsageLedger;
use crate::{ServiceError, stopwatch};
use copies::Copies;
use flush::Flusher;

/// Caches keys, and judges their uses. Usage that is not written yet is lost if this is dropped without a flush.
pub(crate) struct Deferral {
    copies: Arc<Copies>,
    _flusher: Flusher,
}

impl Deferral {
    /// Starts the flushes on the current Tokio runtime, one every `interval`.
    pub(crate) fn start(
        exact: &Arc<GroupCommit>,
        clock: &Arc<dyn Clock>,
        policy: &Arc<Policy>,
        usage: Option<&Arc<UsageLedger>>,
        interval: Duration,
    ) -> Self {
        let (exact, clock, policy) = (Arc::clone(exact), Arc::clone(clock), Arc::clone(policy));
        let flush_ms = u64::try_from(interval.as_millis()).unwrap_or(u64::MAX);
        let copies = Arc::new(Copies::new(exact, clock, policy, usage.cloned(), flush_ms));
        Self { _flusher: Flusher::start(Arc::clone(&copies), interval), copies }
    }

    /// Settles one attempt, in the process if its key may be judged there.
    pub(crate) async fn settle(&self, attempt: Attempt) -> Result<Settled, ServiceError> {
        let copies = &self.copies;
        let Some(slot) = copies.slot(&attempt) else { return copies.exact.settle(attempt, stopwatch()).await };
        // The first attempt reads the key, and concurrent ones wait for it, so that the copy sees every counted use.
        let mut slot = slot.lock_owned().await;
        if !slot.is_fresh(copies.clock.now(), copies.flush_ms) {
            slot = copies.refresh(slot).await?;
        }
        if (attempt.opens_session_by.is_some() || attempt.settles) && slot.has_copy() {
            // A session belongs to the key's owner, whom only the store knows; a settled use takes less than its cost.
            // The copy's usage is written first.
            if slot.deferred().is_some() {
                slot = copies.refresh(slot).await?;
            }
            slot.forget();
            return copies.exact.settle(attempt, stopwatch()).await;
        }
        let now = copies.clock.now();
        if let Some(verdict) = slot.decide(&attempt, &copies.policy, now) {
            if let Some(usage) = &copies.usage {
                usage.count(&attempt, &verdict, &copies.policy, now);
            }
            return Ok(Settled::Judged(verdict));
        }
        drop(slot);
        copies.exact.settle(attempt, stopwatch()).await
    }

    /// Judges one attempt as [`Deferral::settle`] would, without caching or writing anything.
    pub(crate) async fn dry_run(&self, mut attempt: Attempt, store: &dyn KeyStore) -> Result<DryRun, ServiceError> {
        let copies = &self.copies;
        let slot = copies.slots().get(attempt.hash()).cloned();
        // The lock is held to the end, so that no flush writes the usage in between.
        let slot = match &slot {
            Some(slot) => Some(slot.lock().await),
            None => None,
        };
        let now = copies.clock.now();
        if let Some(slot) = &slot {
            if slot.is_fresh(now, copies.flush_ms)
                && let Some(run) = slot.dry_run(&attempt, &copies.policy, now)
            {
                return Ok(run);
            }
            attempt.deferred = slot.deferred().cloned().map(Box::new);
        }
        Ok(store.dry_run(&attempt, &copies.policy, now).await?)
    }

    /// Makes the next use of the key that is stored under this text read the key again.
    pub(crate) async fn forget(&self, stored: &StoredKey) {
        // A key that is stored unhashed has its slot under its hash, too.
        for hash in [stored, &PlainKey::new(stored.as_str()).hash()] {
            let slot = self.copies.slots().get(hash).cloned();
            if let Some(slot) = slot {
                slot.lock().await.forget();
            }
        }
    }

    /// Writes all deferred usage. Usage that cannot be written is kept for the next flush.
    pub(crate) async fn flush(&self) -> Result<(), ServiceError> {
        self.copies.flush().await
    }
}

impl fmt::Debug for Deferral {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Deferral").field("flush_ms", &self.copies.flush_ms).finish_non_exhaustive()
    }
}

//! Deferred usage: keys without a quota are judged on copies in the process, and what they used is written behind.
//!
//! A copy is read through the group commit, by a look, and counts for the flush interval from then on. What was used on
//! it is added to the stored key with the next look, by the domain and under the store's lock, so that every process'
//! calls count. Whatever has no copy goes the exact way.

mod copies;
mod flush;
mod room;
mod slot;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use keymint_domain::Policy;
use keymint_domain::key::{PlainKey, StoredKey};
use keymint_domain::verify::{Attempt, DryRun, Verdict};
use keymint_ports::{Clock, KeyStore};

use crate::group_commit::GroupCommit;
use crate::{ServiceError, stopwatch};
use copies::Copies;
use flush::Flusher;

/// Remembers keys, and judges their uses. What is not written yet is lost where it is dropped without a flush.
pub(crate) struct Deferral {
    copies: Arc<Copies>,
    _flusher: Flusher,
}

impl Deferral {
    /// Starts the flushes on the present Tokio runtime, one every `interval`.
    pub(crate) fn start(
        exact: &Arc<GroupCommit>,
        clock: &Arc<dyn Clock>,
        policy: &Arc<Policy>,
        interval: Duration,
    ) -> Self {
        let (exact, clock, policy) = (Arc::clone(exact), Arc::clone(clock), Arc::clone(policy));
        let flush_ms = u64::try_from(interval.as_millis()).unwrap_or(u64::MAX);
        let copies = Arc::new(Copies::new(exact, clock, policy, flush_ms));
        Self { _flusher: Flusher::start(Arc::clone(&copies), interval), copies }
    }

    /// Settles one attempt, in the process where its key may be judged there.
    pub(crate) async fn settle(&self, attempt: Attempt) -> Result<Verdict, ServiceError> {
        let copies = &self.copies;
        let Some(slot) = copies.slot(&attempt) else { return copies.exact.settle(attempt, stopwatch()).await };
        // Whoever comes first reads the key, and those who come meanwhile wait for it: none of them is counted where
        // the copy does not see it.
        let mut slot = slot.lock_owned().await;
        if !slot.is_fresh(copies.clock.now(), copies.flush_ms) {
            slot = copies.refresh(slot).await?;
        }
        if attempt.opens_session_by.is_some() && slot.has_copy() {
            // A session is its owner's, whom only the store knows. What the copy counted goes before.
            if slot.deferred().is_some() {
                slot = copies.refresh(slot).await?;
            }
            slot.forget();
            return copies.exact.settle(attempt, stopwatch()).await;
        }
        if let Some(verdict) = slot.decide(&attempt, &copies.policy, copies.clock.now()) {
            return Ok(verdict);
        }
        drop(slot);
        copies.exact.settle(attempt, stopwatch()).await
    }

    /// Judges one attempt as [`Deferral::settle`] would, and remembers and writes nothing.
    pub(crate) async fn dry_run(&self, mut attempt: Attempt, store: &dyn KeyStore) -> Result<DryRun, ServiceError> {
        let copies = &self.copies;
        let slot = copies.slots().get(attempt.hash()).cloned();
        // Held to the end, so that what is not written yet is not written in between.
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

    /// Lets the next use of the key that is kept under this text read it anew.
    pub(crate) async fn forget(&self, stored: &StoredKey) {
        // A key that is kept as it is has its slot under its hash all the same.
        for hash in [stored, &PlainKey::new(stored.as_str()).hash()] {
            let slot = self.copies.slots().get(hash).cloned();
            if let Some(slot) = slot {
                slot.lock().await.forget();
            }
        }
    }

    /// Writes all that is not written yet. What fails is kept for the next flush.
    pub(crate) async fn flush(&self) -> Result<(), ServiceError> {
        self.copies.flush().await
    }
}

impl fmt::Debug for Deferral {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Deferral").field("flush_ms", &self.copies.flush_ms).finish_non_exhaustive()
    }
}

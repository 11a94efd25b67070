use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use keymint_domain::Policy;
use keymint_domain::key::StoredKey;
use keymint_domain::verify::Attempt;
use keymint_ports::{Clock, StoreError};
use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};

use super::room::Room;
use super::slot::Slot;
use crate::group_commit::GroupCommit;
use crate::usage::UsageLedger;
use crate::{ServiceError, stopwatch};

type Slots = HashMap<StoredKey, Arc<AsyncMutex<Slot>>>;

/// The largest number of cached keys. Uses of further keys are settled by the store.
const MAX_SLOTS: usize = 50_000;

/// The approximate size limit of the cache in bytes: room for nearly as many keys of a kilobyte.
const MAX_BYTES: usize = 48 * 1024 * 1024;

/// The cache of keys, by the hash of their text.
pub(super) struct Copies {
    slots: Mutex<Slots>,
    room: Arc<Room>,
    pub(super) exact: Arc<GroupCommit>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) policy: Arc<Policy>,
    pub(super) usage: Option<Arc<UsageLedger>>,
    pub(super) flush_ms: u64,
}

impl Copies {
    pub(super) fn new(
        exact: Arc<GroupCommit>,
        clock: Arc<dyn Clock>,
        policy: Arc<Policy>,
        usage: Option<Arc<UsageLedger>>,
        flush_ms: u64,
    ) -> Self {
        Self { slots: Mutex::default(), room: Room::new(MAX_BYTES), exact, clock, policy, usage, flush_ms }
    }

    pub(super) fn slots(&self) -> MutexGuard<'_, Slots> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the slot of an attempt's key; `None` = the cache is full.
    pub(super) fn slot(&self, attempt: &Attempt) -> Option<Arc<AsyncMutex<Slot>>> {
        let mut slots = self.slots();
        if let Some(slot) = slots.get(attempt.hash()) {
            return Some(Arc::clone(slot));
        }
        if slots.len() >= MAX_SLOTS {
            return None;
        }
        let slot = Arc::new(AsyncMutex::new(Slot::of(attempt, &self.room)?));
        slots.insert(attempt.hash().clone(), Arc::clone(&slot));
        Some(slot)
    }

    /// Adds the deferred usage to the stored key, and reads the key again.
    ///
    /// It runs to its end even if the caller stops waiting: usage that was added must not be added again.
    pub(super) async fn refresh(
        self: &Arc<Self>,
        slot: OwnedMutexGuard<Slot>,
    ) -> Result<OwnedMutexGuard<Slot>, ServiceError> {
        let refreshed = tokio::spawn(Arc::clone(self).read(slot)).await;
        refreshed.map_err(|error| ServiceError::Store(StoreError::unavailable(error)))?
    }

    async fn read(self: Arc<Self>, mut slot: OwnedMutexGuard<Slot>) -> Result<OwnedMutexGuard<Slot>, ServiceError> {
        // The time is taken before the read, so that the copy is never older than it claims.
        let now = self.clock.now();
        let verdict = self.exact.settle(slot.look(), stopwatch()).await?;
        slot.take_in(verdict.into_verdict(), &self.policy, now);
        Ok(slot)
    }
}

#[cfg(test)]
mod tests {
    use keymint_domain::Timestamp;
    use keymint_domain::key::PlainKey;
    use keymint_ports::{FakeClock, Meter, MockKeyStore, Placement, Unmetered};

    use super::*;
    use crate::GroupCommitOptions;

    fn attempt(number: usize, policy: &Policy) -> Attempt {
        Attempt::new(&PlainKey::new(number.to_string()), policy)
    }

    #[tokio::test]
    async fn so_many_keys_are_remembered_and_no_more_until_some_are_given_up() {
        let clock: Arc<dyn Clock> = Arc::new(FakeClock::at(Timestamp::from_millis(1_700_000_000_000)));
        let policy = Arc::new(Policy::default());
        let store = Arc::new(MockKeyStore::new()) as Arc<dyn keymint_ports::KeyStore>;
        let meter: Arc<dyn Meter> = Arc::new(Unmetered);
        let exact = GroupCommit::start(
            &store,
            &clock,
            &meter,
            &policy,
            None,
            Placement::default(),
            GroupCommitOptions::default(),
        );
        let exact = Arc::new(exact);
        let copies = Arc::new(Copies::new(exact, clock, Arc::clone(&policy), None, 60_000));
        for number in 0..MAX_SLOTS {
            assert!(copies.slot(&attempt(number, &policy)).is_some());
        }
        assert!(copies.slot(&attempt(MAX_SLOTS, &policy)).is_none());
        assert!(copies.slot(&attempt(0, &policy)).is_some(), "one that is known stays so");

        let lent = copies.slot(&attempt(7, &policy));
        copies.flush().await.unwrap();
        assert_eq!(copies.slots().len(), 1, "nothing is known of the others");
        assert!(lent.is_some() && copies.slot(&attempt(MAX_SLOTS, &policy)).is_some());
    }
}

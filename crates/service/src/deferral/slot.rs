use std::sync::Arc;

use keymint_domain::verify::{Attempt, Deferred, DryRun, Owner, Verdict, decide, dry_run};
use keymint_domain::{ApiKey, Policy, Timestamp};

use super::room::{Room, Share};

/// The cached state of one key.
pub(super) struct Slot {
    share: Share,
    look: Attempt,
    /// The instant at which the key was last read; `None` = it must be read before it is judged.
    read_at: Option<Timestamp>,
    /// The key with all known uses; `None` = the store settles its uses.
    copy: Option<ApiKey>,
    /// The usage of the copy that is not written yet.
    deferred: Option<Deferred>,
}

impl Slot {
    /// Returns a slot for the attempt's key, of which nothing is known yet; `None` = the cache is full.
    pub(super) fn of(attempt: &Attempt, room: &Arc<Room>) -> Option<Self> {
        let share = room.share(bytes_without_copy(attempt))?;
        Some(Self { share, look: attempt.look(), read_at: None, copy: None, deferred: None })
    }

    /// Returns true if the cached state is valid at `now`.
    pub(super) fn is_fresh(&self, now: Timestamp, flush_ms: u64) -> bool {
        self.read_at.is_some_and(|at| at <= now && now < at.plus_millis(flush_ms))
    }

    pub(super) fn has_copy(&self) -> bool {
        self.copy.is_some()
    }

    pub(super) fn deferred(&self) -> Option<&Deferred> {
        self.deferred.as_ref()
    }

    /// Makes the next use read the key. Deferred usage is kept.
    pub(super) fn forget(&mut self) {
        self.read_at = None;
    }

    /// Returns the attempt that reads the key, and brings along the deferred usage.
    pub(super) fn look(&self) -> Attempt {
        let mut look = self.look.clone();
        look.deferred = self.deferred.clone().map(Box::new);
        look
    }

    /// Takes the answer to [`Slot::look`], which was made at `now`.
    ///
    /// A refused key gets no copy: the store gives the reason, and notices when it ends. Neither does a key that does
    /// not fit into the cache.
    pub(super) fn take_in(&mut self, verdict: Verdict, policy: &Policy, now: Timestamp) {
        self.deferred = None;
        self.read_at = Some(now);
        let without_copy = bytes_without_copy(&self.look);
        self.copy = match verdict {
            Verdict::Accepted(key) if policy.may_defer(&key) && self.share.resize(without_copy + key.heap_bytes()) => {
                Some(key)
            }
            _ => None,
        };
        if self.copy.is_none() {
            self.share.resize(without_copy);
        }
    }

    /// Decides an attempt on the copy; `None` = the store must settle it.
    pub(super) fn decide(&mut self, attempt: &Attempt, policy: &Policy, now: Timestamp) -> Option<Verdict> {
        let copy = self.copy.as_mut()?;
        // The look was accepted, which proves that the owner exists if required, and is not banned.
        let verdict = decide(Some((copy, Owner::Present)), attempt, policy, now);
        if let Verdict::Accepted(key) = &verdict
            && key.usage != copy.usage
        {
            self.deferred = Some(Deferred::after(self.deferred.take(), attempt.cost.0.into(), key));
            copy.usage = key.usage;
        }
        Some(verdict)
    }

    /// Judges an attempt on the copy, as [`Slot::decide`] would; `None` = the store must judge it.
    pub(super) fn dry_run(&self, attempt: &Attempt, policy: &Policy, now: Timestamp) -> Option<DryRun> {
        Some(dry_run(Some((self.copy.as_ref()?, Owner::Present)), attempt, policy, now))
    }
}

/// Returns about the number of bytes that a slot takes without a copy. The map holds the hash a second time.
fn bytes_without_copy(look: &Attempt) -> usize {
    BESIDE + size_of::<Slot>() + 2 * look.heap_bytes()
}

/// The approximate number of bytes that the map and the lock of a slot take.
const BESIDE: usize = 192;

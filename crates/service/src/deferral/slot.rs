use std::sync::Arc;

use keymint_domain::verify::{Attempt, Deferred, DryRun, Owner, Verdict, decide, dry_run};
use keymint_domain::{ApiKey, Policy, Timestamp};

use super::room::{Room, Share};

/// What the process remembers of one key.
pub(super) struct Slot {
    share: Share,
    look: Attempt,
    /// When the key was last read; `None` = it must be read before it is judged.
    read_at: Option<Timestamp>,
    /// The key with all uses that are known of; `None` = it goes the exact way.
    copy: Option<ApiKey>,
    /// What was used on the copy, and is not written yet.
    deferred: Option<Deferred>,
}

impl Slot {
    /// The slot of this attempt's key, of which nothing is known yet; `None` where there is no room for it.
    pub(super) fn of(attempt: &Attempt, room: &Arc<Room>) -> Option<Self> {
        let share = room.share(bytes_without_copy(attempt))?;
        Some(Self { share, look: attempt.look(), read_at: None, copy: None, deferred: None })
    }

    /// Whether what is known counts at `now`.
    pub(super) fn is_fresh(&self, now: Timestamp, flush_ms: u64) -> bool {
        self.read_at.is_some_and(|at| at <= now && now < at.plus_millis(flush_ms))
    }

    pub(super) fn has_copy(&self) -> bool {
        self.copy.is_some()
    }

    pub(super) fn deferred(&self) -> Option<&Deferred> {
        self.deferred.as_ref()
    }

    /// Makes the next use read the key. What is not written yet stays.
    pub(super) fn forget(&mut self) {
        self.read_at = None;
    }

    /// What reads the key, and brings along what is not written yet.
    pub(super) fn look(&self) -> Attempt {
        let mut look = self.look.clone();
        look.deferred = self.deferred.clone().map(Box::new);
        look
    }

    /// Takes the answer to [`Slot::look`], asked at `now`.
    ///
    /// A key that was refused has no copy: the exact way says why, and notices when that ends. Nor has one for which there
    /// is no room.
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

    /// Decides an attempt on the copy; `None` where it must go the exact way.
    pub(super) fn decide(&mut self, attempt: &Attempt, policy: &Policy, now: Timestamp) -> Option<Verdict> {
        let copy = self.copy.as_mut()?;
        // The look was accepted, so the owner had no ban, and was there where that is asked for.
        let verdict = decide(Some((copy, Owner::Present)), attempt, policy, now);
        if let Verdict::Accepted(key) = &verdict
            && key.usage != copy.usage
        {
            self.deferred = Some(Deferred::after(self.deferred.take(), attempt.cost.0.into(), key));
            copy.usage = key.usage;
        }
        Some(verdict)
    }

    /// Judges an attempt on the copy, as [`Slot::decide`] would; `None` where it must go the exact way.
    pub(super) fn dry_run(&self, attempt: &Attempt, policy: &Policy, now: Timestamp) -> Option<DryRun> {
        Some(dry_run(Some((self.copy.as_ref()?, Owner::Present)), attempt, policy, now))
    }
}

/// Bytes that a slot takes before there is a copy, about. The map keeps the hash once more.
fn bytes_without_copy(look: &Attempt) -> usize {
    BESIDE + size_of::<Slot>() + 2 * look.heap_bytes()
}

/// Bytes that the map and the lock of a slot take, about.
const BESIDE: usize = 192;

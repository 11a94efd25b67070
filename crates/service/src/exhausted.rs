use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use keymint_domain::KeyId;
use keymint_domain::verify::{Refusal, Verdict};

/// Exhausted keys that were presented again. The next clean-up removes those for which
/// [`Policy::may_remove_exhausted`](keymint_domain::Policy::may_remove_exhausted) is true at that time.
#[derive(Debug, Default)]
pub(crate) struct ExhaustedCandidates(Mutex<HashSet<KeyId>>);

/// The largest number of keys that wait for clean-up. Others are found again at their next use.
const MAX: usize = 10_000;

impl ExhaustedCandidates {
    /// Adds the key of `verdict`, if it was refused because it is exhausted.
    pub(crate) fn note(&self, verdict: &Verdict) {
        if let Verdict::Refused(Refusal { exhausted: true, key: Some(key), .. }) = verdict {
            let mut candidates = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if candidates.len() < MAX {
                candidates.insert(key.id.clone());
            }
        }
    }

    /// Removes and returns all keys.
    pub(crate) fn take(&self) -> Vec<KeyId> {
        let mut candidates = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *candidates).into_iter().collect()
    }
}

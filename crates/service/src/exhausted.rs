use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use keymint_domain::KeyId;
use keymint_domain::verify::{Refusal, Verdict};

/// Exhausted keys that somebody tried to use, which the next clean-up looks at. Whether one of them is removed is
/// [`Policy::may_remove_exhausted`](keymint_domain::Policy::may_remove_exhausted) on its row as it is then.
#[derive(Debug, Default)]
pub(crate) struct ExhaustedCandidates(Mutex<HashSet<KeyId>>);

/// Candidates that wait for clean-up at most; more are found again when they are next used.
const MAX: usize = 10_000;

impl ExhaustedCandidates {
    /// Remembers the key of `verdict`, if it was refused because it is exhausted.
    pub(crate) fn note(&self, verdict: &Verdict) {
        if let Verdict::Refused(Refusal { exhausted: true, key_id: Some(id), .. }) = verdict {
            let mut candidates = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if candidates.len() < MAX {
                candidates.insert(id.clone());
            }
        }
    }

    /// Hands out all candidates, and forgets them.
    pub(crate) fn take(&self) -> Vec<KeyId> {
        let mut candidates = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *candidates).into_iter().collect()
    }
}

use super::{LeakPlace, Reporter};
use crate::key::{PlainKey, StoredKey};
use crate::policy::Policy;
use crate::verify::Attempt;

/// The largest number of reports that one call takes.
pub const MAX_LEAKS: usize = 1000;

/// A report that a secret is public. It holds the stored forms of the secret, and not its text unless a configuration
/// stores keys unhashed.
#[derive(Debug, Clone)]
pub struct LeakReport {
    /// The forms in which a row may keep the secret. It is never settled.
    pub(super) forms: Attempt,
    /// The one who reports it.
    pub reporter: Reporter,
    /// The place where it was found.
    pub place: LeakPlace,
}

impl LeakReport {
    /// Makes the report that `key` was found at `place`.
    pub fn new(key: &PlainKey, reporter: Reporter, place: LeakPlace, policy: &Policy) -> Self {
        Self { forms: Attempt::new(key, policy), reporter, place }
    }

    /// Returns the texts under which a store may hold the key.
    pub fn stored_forms(&self) -> impl Iterator<Item = &StoredKey> {
        self.forms.stored_forms()
    }
}

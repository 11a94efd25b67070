use crate::policy::Policy;
use crate::usage::Usage;
use crate::{ApiKey, KeyId};

/// Calls that were answered on a cached copy of a key, and that the stored key does not count yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deferred {
    key_id: KeyId,
    /// The total cost of the calls.
    cost: u64,
    /// The copy's counters with all of the calls.
    known: Usage,
}

impl Deferred {
    /// Adds a call of `cost`, which left the copy as `key`, to the calls `before` it.
    #[must_use]
    pub fn after(before: Option<Self>, cost: u64, key: &ApiKey) -> Self {
        let before = before.map_or(0, |before| before.cost);
        Self { key_id: key.details.id.clone(), cost: before.saturating_add(cost), known: key.usage }
    }

    /// Returns the total cost of the calls.
    pub fn cost(&self) -> u64 {
        self.cost
    }

    /// Returns the counters of `key`, as it is stored, with these calls.
    ///
    /// They count whatever the key allows now, because they have been answered. On another key they count nothing.
    pub(super) fn counted_on(&self, key: &ApiKey, policy: &Policy) -> Usage {
        if key.details.id != self.key_id {
            return key.usage;
        }
        let configuration = policy.resolve(&key.details.config_id).ok().filter(|found| found.rate_limit.enabled);
        let limit = configuration.and_then(|found| Some((key.details.rate_limit()?, found.rate_limit.algorithm)));
        key.usage.merged(&self.known, self.cost, limit)
    }
}

use crate::policy::Policy;
use crate::usage::Usage;
use crate::{ApiKey, KeyId};

/// Calls that were answered on a remembered copy of a key, and that the stored key does not count yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deferred {
    key_id: KeyId,
    /// What they cost together.
    cost: u64,
    /// The copy's counters with all of them.
    known: Usage,
}

impl Deferred {
    /// A call of `cost` that left the copy as `key`, after those `before` it.
    #[must_use]
    pub fn after(before: Option<Self>, cost: u64, key: &ApiKey) -> Self {
        let before = before.map_or(0, |before| before.cost);
        Self { key_id: key.details.id.clone(), cost: before.saturating_add(cost), known: key.usage }
    }

    /// What the calls cost together.
    pub fn cost(&self) -> u64 {
        self.cost
    }

    /// The counters of `key`, as it is stored, with these calls. They count whatever the key allows by now: they have
    /// been answered. On another key they count nothing.
    pub(super) fn counted_on(&self, key: &ApiKey, policy: &Policy) -> Usage {
        if key.details.id != self.key_id {
            return key.usage;
        }
        let configuration = policy.resolve(&key.details.config_id).ok().filter(|found| found.rate_limit.enabled);
        let limit = configuration.and_then(|found| Some((key.details.rate_limit()?, found.rate_limit.algorithm)));
        key.usage.merged(&self.known, self.cost, limit)
    }
}

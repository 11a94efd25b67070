use std::collections::BTreeMap;
use std::ops::AddAssign;

/// The uses of keys in some time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    /// The accepted calls.
    pub accepted: u64,
    /// The sum of their costs.
    pub cost: u64,
    /// The refused calls, by the code of the reason. A code may be one of a newer version.
    pub refusals: BTreeMap<String, u64>,
}

impl Counts {
    /// Returns the number of refused calls.
    pub fn refused(&self) -> u64 {
        self.refusals.values().fold(0, |sum, calls| sum.saturating_add(*calls))
    }

    /// Returns true if nothing was counted.
    pub fn is_empty(&self) -> bool {
        self.accepted == 0 && self.refusals.is_empty()
    }

    /// Adds calls that were accepted (an empty `outcome`), or refused with the code `outcome`.
    pub fn add(&mut self, outcome: &str, calls: u64, cost: u64) {
        if outcome.is_empty() {
            self.accepted = self.accepted.saturating_add(calls);
            self.cost = self.cost.saturating_add(cost);
        } else if let Some(refused) = self.refusals.get_mut(outcome) {
            *refused = refused.saturating_add(calls);
        } else {
            self.refusals.insert(outcome.to_owned(), calls);
        }
    }
}

impl AddAssign<&Self> for Counts {
    fn add_assign(&mut self, other: &Self) {
        self.add("", other.accepted, other.cost);
        for (code, calls) in &other.refusals {
            self.add(code, *calls, 0);
        }
    }
}

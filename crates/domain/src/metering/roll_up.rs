use std::collections::BTreeMap;

use super::{Hour, UnknownHour};
use crate::KeyId;

/// A stored count of one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredUsage {
    /// The key.
    pub key: KeyId,
    /// The first hour of the time that it covers.
    pub hour: Hour,
    /// The code of the reason of a refusal; empty = accepted.
    pub outcome: String,
    /// The calls.
    pub calls: u64,
    /// Their cost.
    pub cost: u64,
}

/// Sums up hours to their days. The result is ordered by key, day and outcome, and by day and source.
///
/// The networks that tried unknown keys are dropped: after that time nobody looks for them, and they tell of persons.
pub fn roll_up(keys: Vec<StoredUsage>, unknown: Vec<UnknownHour>) -> (Vec<StoredUsage>, Vec<UnknownHour>) {
    let mut days: BTreeMap<_, (u64, u64)> = BTreeMap::new();
    for StoredUsage { key, hour, outcome, calls, cost } in keys {
        let day = days.entry((key, hour.day(), outcome)).or_default();
        *day = (day.0.saturating_add(calls), day.1.saturating_add(cost));
    }
    let mut unknown_days: BTreeMap<_, u64> = BTreeMap::new();
    for UnknownHour { hour, source, calls } in unknown {
        let day = unknown_days.entry((hour.day(), source.rolled_up())).or_default();
        *day = day.saturating_add(calls);
    }
    let day = |((key, hour, outcome), (calls, cost))| StoredUsage { key, hour, outcome, calls, cost };
    let unknown_day = |((hour, source), calls)| UnknownHour { hour, source, calls };
    (days.into_iter().map(day).collect(), unknown_days.into_iter().map(unknown_day).collect())
}

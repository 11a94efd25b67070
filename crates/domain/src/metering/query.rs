use super::{Counts, Hour, LastUse, Window};
use crate::policy::ConfigFilter;
use crate::{ConfigId, KeyId, OwnerId};

/// The keys that a question about usage is about: those that all members select.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageSelection {
    /// Only this key.
    pub key: Option<KeyId>,
    /// Only keys of this owner.
    pub owner: Option<OwnerId>,
    /// Only keys of these configurations.
    pub configurations: ConfigFilter,
}

impl UsageSelection {
    /// Selects every key.
    pub const ALL: Self = Self { key: None, owner: None, configurations: ConfigFilter::Any };

    /// Selects one key.
    pub fn of_key(key: KeyId) -> Self {
        Self { key: Some(key), ..Self::ALL }
    }

    /// Selects the keys of one owner.
    pub fn of_owner(owner: OwnerId) -> Self {
        Self { owner: Some(owner), ..Self::ALL }
    }

    /// Returns true if a key is selected.
    pub fn includes(&self, activity: &Activity) -> bool {
        let Activity { key, owner, config_id, last_use: _ } = activity;
        self.key.as_ref().is_none_or(|wanted| wanted == key)
            && self.owner.as_ref().is_none_or(|wanted| wanted == owner)
            && self.configurations.includes(config_id)
    }
}

/// The facts about a key that outlive its row, for as long as its usage is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Activity {
    /// The key.
    pub key: KeyId,
    /// Its owner, as of its first use.
    pub owner: OwnerId,
    /// Its configuration, as of its first use.
    pub config_id: ConfigId,
    /// Its last accepted use; `None` = none is known.
    pub last_use: Option<LastUse>,
}

/// The calls of one step with one outcome.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Sum {
    /// The first hour of the step.
    pub start: Hour,
    /// The code of the reason of a refusal; empty = accepted.
    pub outcome: String,
    /// The calls.
    pub calls: u64,
    /// Their cost.
    pub cost: u64,
}

/// The calls of one key, by step and outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeySums {
    /// The key.
    pub activity: Activity,
    /// Its calls, ordered by step and outcome; empty = none in the window.
    pub sums: Vec<Sum>,
}

/// The uses in one step of a window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Point {
    /// The first hour.
    pub start: Hour,
    /// The hour after the last one.
    pub end: Hour,
    /// The uses.
    pub counts: Counts,
}

/// The uses in a window, step by step and in total.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Series {
    /// Every step of the window, in order.
    pub points: Vec<Point>,
    /// The sum of all steps.
    pub totals: Counts,
}

impl Series {
    /// Makes a series from what a store has summed up. Sums outside the window are left out.
    pub fn new(window: &Window, sums: &[Sum]) -> Self {
        let step = window.step();
        let point = |start: Hour| Point { start, end: step.next(start), counts: Counts::default() };
        let mut series = Self { points: window.starts().map(point).collect(), totals: Counts::default() };
        for Sum { start, outcome, calls, cost } in sums {
            if let Ok(place) = series.points.binary_search_by_key(&step.floor(*start), |point| point.start) {
                series.points[place].counts.add(outcome, *calls, *cost);
                series.totals.add(outcome, *calls, *cost);
            }
        }
        series
    }
}

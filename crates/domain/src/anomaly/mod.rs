//! Anomalies: hours in which a key is used otherwise than its own past suggests, and networks that are new to it.
//!
//! [`judge`] compares one hour with the same hours of the preceding weeks. It is robust: an incident in the past hardly
//! changes a median. [`KnownNetworks::observe`] judges the network of a call.
//!
//! The thresholds are tuned on simulated years, and judged on others (`tests/anomalies.rs`).

mod baseline;
mod drop;
mod networks;
mod rise;

pub use networks::{KnownNetwork, KnownNetworks};

use baseline::Past;

/// The calls of a key in one hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct HourCounts {
    /// The calls that were accepted.
    pub accepted: u64,
    /// The calls that were refused.
    pub refused: u64,
}

/// The reason why an hour or a call is an anomaly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// Many more accepted calls than usual.
    Spike,
    /// Hardly any accepted calls in three hours in which many are usual.
    Drop,
    /// Many more refused calls than usual.
    Refusals,
    /// A call from a network that the key was not used from, although its networks hardly change.
    NewNetwork,
}

impl Reason {
    /// Every reason.
    pub const ALL: [Self; 4] = [Self::Spike, Self::Drop, Self::Refusals, Self::NewNetwork];

    /// Returns the name of the reason.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Spike => "spike",
            Self::Drop => "drop",
            Self::Refusals => "refusals",
            Self::NewNetwork => "new_network",
        }
    }
}

/// An anomaly of an hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Anomaly {
    /// The reason.
    pub reason: Reason,
    /// The calls that were counted: accepted or refused ones, by the reason.
    pub seen: u64,
    /// The calls that are usual at this time.
    pub usual: u64,
}

/// The hours that [`judge`] reads, the judged one included: five weeks. More hours change nothing.
pub const HOURS_READ: usize = 5 * WEEK + 1;

/// The hours of past that a key must have before it is judged.
pub const HOURS_KNOWN: usize = 3 * WEEK;

/// The least accepted or refused calls of an hour in which a rise is an anomaly.
pub const MIN_UNUSUAL_CALLS: u64 = 100;

/// About the least calls of an hour a week before one in which a silence is an anomaly.
pub const MIN_SILENT_CALLS: u64 = 10;

const DAY: usize = 24;
const WEEK: usize = 7 * DAY;

/// The progress of the hour that is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// More calls may come. Spikes and refusals are already judged: more calls do not refute them.
    Running,
    /// The hour is over.
    Over,
}

/// Returns true if [`judge`] may find a rise in an hour, given the same hour of the week before.
///
/// It spares reading five weeks of every busy key. A rise is more than four times the usual calls, and a week before
/// hardly ever has two thirds of that by chance.
pub fn may_be_unusual(hour: HourCounts, week_before: HourCounts) -> bool {
    let may_be = |now: u64, before: u64| now >= MIN_UNUSUAL_CALLS && now.saturating_mul(2) > before.saturating_mul(3);
    may_be(hour.accepted, week_before.accepted) || may_be(hour.refused, week_before.refused)
}

/// Judges the last of a key's hours by those before it.
///
/// `hours` follow each other without gaps, and begin with the key's creation or [`HOURS_READ`] hours ago. A shorter past
/// than [`HOURS_KNOWN`] hours gives no anomaly.
pub fn judge(hours: &[HourCounts], progress: Progress) -> Vec<Anomaly> {
    let hours = &hours[hours.len().saturating_sub(HOURS_READ)..];
    if hours.len() <= HOURS_KNOWN {
        return Vec::new();
    }
    let accepted = Past::new(hours, |hour| hour.accepted);
    let refused = Past::new(hours, |hour| hour.refused);
    let spike = rise::find(accepted, rise::SPIKE).map(|(seen, usual)| Anomaly { reason: Reason::Spike, seen, usual });
    let storm =
        rise::find(refused, rise::REFUSALS).map(|(seen, usual)| Anomaly { reason: Reason::Refusals, seen, usual });
    let drop = (progress == Progress::Over).then(|| drop::find(accepted)).flatten();
    let drop = drop.map(|(seen, usual)| Anomaly { reason: Reason::Drop, seen, usual });
    [spike, drop, storm].into_iter().flatten().collect()
}

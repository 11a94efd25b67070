use super::baseline::{Past, Usual, count, float, median};
use super::{DAY, MIN_UNUSUAL_CALLS, WEEK};

/// The thresholds of a rise.
#[derive(Debug, Clone, Copy)]
pub(super) struct Thresholds {
    /// The least calls of an hour that are worth a notice.
    min_volume: u64,
    /// The multiple of the usual calls.
    factor: f64,
    /// The multiple of the usual deviation above the usual calls.
    deviations: f64,
}

pub(super) const SPIKE: Thresholds = Thresholds { min_volume: MIN_UNUSUAL_CALLS, factor: 4.25, deviations: 5.0 };
pub(super) const REFUSALS: Thresholds = Thresholds { min_volume: MIN_UNUSUAL_CALLS, factor: 5.0, deviations: 20.0 };

/// The distances at which a rhythm repeats itself.
const RHYTHMS: [usize; 2] = [DAY, WEEK];
/// The distances of the same day of the month, whose lengths differ.
const MONTHS: [usize; 4] = [28 * DAY, 29 * DAY, 30 * DAY, 31 * DAY];

/// The largest rise of the level that allowance is made for.
const MAX_LEVEL: f64 = 4.0;

/// The multiple of the usual calls of a neighbouring hour.
const NEIGHBOUR_FACTOR: f64 = 1.5;

/// Finds a rise in the last hour. Returns the calls and the usual calls.
pub(super) fn find(past: Past<'_>, thresholds: Thresholds) -> Option<(u64, u64)> {
    let now = past.last();
    let seen = past.at(now);
    if seen < thresholds.min_volume {
        return None;
    }
    let neighbours = [past.usual(now - 1, 1), past.usual(now + 1, 1)];
    let neighbour = if neighbours[0].median > neighbours[1].median { neighbours[0] } else { neighbours[1] };
    let own = past.usual(now, 1);
    let usual = if own.median < 1.0 { neighbour } else { own };
    // The cheap test first: it refutes nearly every hour.
    if !is_far(float(seen), usual, 1.0, thresholds) {
        return None;
    }
    // A key without a rhythm at this time is compared with its busiest hours.
    if usual.median < 1.0 && float(seen) < thresholds.factor * float(past.largest()) {
        return None;
    }
    let level = level(past);
    let usual = Usual { deviation: usual.deviation.max(noise(past) * usual.median), ..usual };
    // Clocks change, and a job may begin a little earlier or later: then the calls that are usual in the hour before
    // are missing there, or those of the next hour come now.
    let before = neighbours[0].median * level;
    let is_late = float(past.at(now - 1)) < before / 2.0 && float(seen) < NEIGHBOUR_FACTOR * before;
    let is_early = float(seen) < NEIGHBOUR_FACTOR * neighbours[1].median * level;
    if is_late || is_early || !is_far(float(seen), usual, level, thresholds) || repeats(past, seen, own, thresholds) {
        return None;
    }
    Some((seen, count(usual.median * level)))
}

fn is_far(seen: f64, usual: Usual, level: f64, thresholds: Thresholds) -> bool {
    let expected = usual.median * level;
    seen > expected * thresholds.factor && seen > expected + thresholds.deviations * usual.deviation * level
}

/// Returns the factor by which the key is busier than in the past weeks, from the hours before this one and from
/// yesterday's at the same time: 1 or more.
fn level(past: Past<'_>) -> f64 {
    let now = past.last();
    let own = past.usual(now, 1).median;
    let of = |end: usize| {
        let usual: f64 = (end - 2..=end).map(|index| past.usual(index, 1).median).sum();
        (float(past.sum(end, 3)) + own) / (usual + own).max(1.0)
    };
    (of(now - 1) * of(now + 1 - DAY)).sqrt().clamp(1.0, MAX_LEVEL)
}

/// Returns the deviation from the usual calls that was usual in the past week, as a share of them.
fn noise(past: Past<'_>) -> f64 {
    let now = past.last();
    let deviation = |index: usize| {
        let usual = past.usual(index, 1).median;
        (usual >= 1.0).then(|| (float(past.at(index)) - usual).abs() / usual)
    };
    let mut deviations: Vec<f64> = (now - WEEK..now).filter_map(deviation).collect();
    1.4826 * median(&mut deviations)
}

/// Returns true if a similar rise came a day or a week ago: then it is a rhythm that the medians do not know yet. At a
/// time without usual calls, it may also have come a month ago.
fn repeats(past: Past<'_>, seen: u64, usual: Usual, thresholds: Thresholds) -> bool {
    let now = past.last();
    let months = if usual.median < 1.0 { &MONTHS[..] } else { &[] };
    let distances = RHYTHMS.iter().chain(months).filter(|distance| **distance < now);
    let mut hours = distances.flat_map(|distance| now - distance - 1..=now - distance + 1);
    hours.any(|index| {
        let then = past.at(index);
        then.saturating_mul(2) >= seen && is_far(float(then), past.usual(index, 1), 1.0, thresholds)
    })
}

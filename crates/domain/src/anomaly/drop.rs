use super::WEEK;
use super::baseline::{Past, Usual, count, float};

/// The hours that must be silent together. A deployment of the client takes less.
const SILENT: usize = 3;
/// The least calls that are usual in those hours.
const MIN_VOLUME: f64 = 100.0;
/// The share of the usual calls that is still silence.
const SHARE: f64 = 0.05;
/// The multiple of the usual deviation below the usual calls.
const DEVIATIONS: f64 = 2.5;

/// The state of a span of hours.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Span {
    /// Few calls are usual in it, or they come irregularly.
    Unknown,
    Alive,
    Silent {
        seen: u64,
        usual: f64,
    },
}

/// Finds the beginning of a silence in the hours that end with the last one. Returns the calls and the usual calls.
///
/// A silence is found once: not if the last span in which calls are usual was silent already.
pub(super) fn find(past: Past<'_>) -> Option<(u64, u64)> {
    let now = past.last();
    let Span::Silent { seen, usual } = span(past, now) else { return None };
    let earlier = (now - WEEK..now).rev().map(|end| span(past, end));
    let before = earlier.into_iter().find(|span| *span != Span::Unknown);
    (before == Some(Span::Alive)).then(|| (seen, count(usual)))
}

fn span(past: Past<'_>, end: usize) -> Span {
    let seen = past.sum(end, SILENT);
    // The quietest of the hour and its neighbours: clocks change.
    let of = |end| past.usual(end, SILENT);
    let quieter = |left: Usual, right: Usual| if right.median < left.median { right } else { left };
    let usual = quieter(quieter(of(end), of(end - 1)), of(end + 1));
    // A job of one hour may be late, or fail once: silence is judged only of keys that are used in each of the hours.
    let is_steady = || (end + 1 - SILENT..=end).all(|hour| past.usual(hour, 1).median >= usual.median / 10.0);
    if usual.median < MIN_VOLUME || usual.median < DEVIATIONS * usual.deviation || !is_steady() {
        return Span::Unknown;
    }
    let is_silent = float(seen) <= SHARE * usual.median && float(seen) < usual.median - DEVIATIONS * usual.deviation;
    if is_silent { Span::Silent { seen, usual: usual.median } } else { Span::Alive }
}

use super::{HourCounts, WEEK};

/// One of the counts of a key's hours.
#[derive(Clone, Copy)]
pub(super) struct Past<'h> {
    hours: &'h [HourCounts],
    count: fn(&HourCounts) -> u64,
}

/// The usual count of an hour of the week, and the deviation from it that is usual.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Usual {
    pub(super) median: f64,
    /// The median absolute deviation, scaled to a standard deviation, and at least the square root of the median: even
    /// calls that come independently of each other deviate by that much.
    pub(super) deviation: f64,
}

/// The ratio of a normal distribution's standard deviation to its median absolute deviation.
const NORMAL: f64 = 1.4826;

impl<'h> Past<'h> {
    pub(super) fn new(hours: &'h [HourCounts], count: fn(&HourCounts) -> u64) -> Self {
        Self { hours, count }
    }

    /// Returns the index of the judged hour, the last one.
    pub(super) fn last(self) -> usize {
        self.hours.len() - 1
    }

    /// Returns the count of an hour; 0 outside the known past.
    pub(super) fn at(self, index: usize) -> u64 {
        self.hours.get(index).map_or(0, self.count)
    }

    /// Returns the calls of `width` hours that end with `index`.
    pub(super) fn sum(self, index: usize, width: usize) -> u64 {
        (index + 1 - width..=index).map(|index| self.at(index)).fold(0, u64::saturating_add)
    }

    /// Returns the largest count before the judged hour.
    pub(super) fn largest(self) -> u64 {
        (0..self.last()).map(|index| self.at(index)).max().unwrap_or(0)
    }

    /// Returns the usual calls of `width` hours that end with the same hour of the week as `index`: by all weeks that
    /// end before the judged hour, except the week of `index`.
    pub(super) fn usual(self, index: usize, width: usize) -> Usual {
        let first = index % WEEK;
        let ends = (first..self.last()).step_by(WEEK).filter(|end| *end != index && *end + 1 >= width);
        let mut sums: Vec<f64> = ends.map(|end| float(self.sum(end, width))).collect();
        let median = median(&mut sums);
        for sum in &mut sums {
            *sum = (*sum - median).abs();
        }
        let spread = NORMAL * self::median(&mut sums);
        Usual { median, deviation: spread.max(median.sqrt()) }
    }
}

/// Returns the median, which of an even number is the lower of the middle two; 0 of nothing.
pub(super) fn median(values: &mut [f64]) -> f64 {
    if values.is_empty() {
        return 0.0;
    }
    let middle = (values.len() - 1) / 2;
    *values.select_nth_unstable_by(middle, f64::total_cmp).1
}

#[expect(clippy::cast_precision_loss, reason = "thresholds need no more than 52 bits")]
pub(super) fn float(count: u64) -> f64 {
    count as f64
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a median of counts, rounded")]
pub(super) fn count(value: f64) -> u64 {
    value.round().max(0.0) as u64
}

use super::MAX_KEY_HOURS;

/// The number of keys whose uses are added in every interval.
pub const KEYS_AN_INTERVAL: usize = 100;

/// The number of keys whose uses are added however little time has passed: they take some hundred megabytes.
pub const MANY_KEYS: usize = 2 * MAX_KEY_HOURS;

/// Returns the time for which the uses of this many keys are gathered before they are added, in milliseconds: an interval
/// for each [`KEYS_AN_INTERVAL`], at least one, at most `longest_ms`. That of [`MANY_KEYS`] is one interval again.
///
/// A store pays for a row by the page that the row is on, whether it counts one use or many. The longer uses are gathered,
/// the more of them share a row.
pub fn gathering_ms(keys: usize, interval_ms: u64, longest_ms: u64) -> u64 {
    if keys >= MANY_KEYS {
        return interval_ms;
    }
    let intervals = u64::try_from(keys.div_ceil(KEYS_AN_INTERVAL)).unwrap_or(u64::MAX);
    interval_ms.saturating_mul(intervals).min(longest_ms).max(interval_ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hundred_keys_wait_for_an_interval_and_more_keys_for_more() {
        let of = |keys| gathering_ms(keys, 1000, 60_000);
        assert_eq!([0, 1, 100].map(of), [1000; 3]);
        assert_eq!([101, 200, 201, 1000].map(of), [2000, 2000, 3000, 10_000]);
    }

    #[test]
    fn nothing_waits_longer_than_it_may_or_shorter_than_an_interval() {
        assert_eq!(gathering_ms(MANY_KEYS - 1, 1000, 60_000), 60_000);
        assert_eq!(gathering_ms(usize::MAX, 1000, 60_000), 1000);
        assert_eq!(gathering_ms(5000, 1000, 1), 1000);
        assert_eq!(gathering_ms(5000, u64::MAX, u64::MAX), u64::MAX);
    }
}

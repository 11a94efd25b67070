use std::time::{Duration, Instant};

use keymint_domain::Timestamp;

use crate::system::millis;

/// The difference between both clocks that is not a jump: a time server's correction, and the work between two
/// readings.
const TOLERANCE: Duration = Duration::from_secs(2);

/// The drift that is not a jump, as one part in this many. Time servers speed a clock up, or slow it down, by at most
/// half of it.
const TOLERATED_DRIFT: u32 = 1000;

/// Measures how long the system's clock has kept pace with the monotonic one, which nobody can set.
///
/// A wrong clock is only noticed when it is corrected. Irreversible work therefore waits until the clock has not jumped
/// for a while.
#[derive(Debug)]
pub(crate) struct SteadyClock {
    since: Instant,
    last: (Timestamp, Instant),
}

impl SteadyClock {
    /// Begins with the first reading of both clocks.
    pub(crate) fn new(wall: Timestamp, monotonic: Instant) -> Self {
        Self { since: monotonic, last: (wall, monotonic) }
    }

    /// Takes the next reading of both clocks, and returns how long they have kept pace: zero after a jump.
    pub(crate) fn observe(&mut self, wall: Timestamp, monotonic: Instant) -> Duration {
        let (last_wall, last_monotonic) = std::mem::replace(&mut self.last, (wall, monotonic));
        let elapsed = monotonic.saturating_duration_since(last_monotonic);
        let expected = last_wall.as_millis().saturating_add_unsigned(millis(elapsed));
        let apart = Duration::from_millis(wall.as_millis().abs_diff(expected));
        if apart > TOLERANCE + elapsed / TOLERATED_DRIFT {
            self.since = monotonic;
        }
        monotonic.saturating_duration_since(self.since)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stopwatch;

    const START: Timestamp = Timestamp::from_millis(1_700_000_000_000);
    const MINUTE: Duration = Duration::from_mins(1);

    /// Returns how long the clock has been steady after readings that are a minute apart, each by the given number of
    /// milliseconds on the wall clock.
    fn steady_after(readings: &[i64]) -> Duration {
        let (mut wall, mut monotonic) = (START, stopwatch());
        let mut clock = SteadyClock::new(wall, monotonic);
        let mut steady = Duration::ZERO;
        for passed_ms in readings {
            wall = Timestamp::from_millis(wall.as_millis() + passed_ms);
            monotonic += MINUTE;
            steady = clock.observe(wall, monotonic);
        }
        steady
    }

    #[test]
    fn a_clock_is_steady_for_as_long_as_it_keeps_pace() {
        assert_eq!(steady_after(&[60_000, 60_000, 60_000]), 3 * MINUTE);
        assert_eq!(steady_after(&[62_000, 58_000, 60_030]), 3 * MINUTE, "a time server corrects it");
    }

    #[test]
    fn a_jump_in_either_direction_begins_the_wait_anew() {
        for jump in [34_560_000_000, 63_000, 57_000, 0, -300_000] {
            assert_eq!(steady_after(&[60_000, jump]), Duration::ZERO, "{jump} ms in a minute");
            assert_eq!(steady_after(&[60_000, jump, 60_000]), MINUTE, "{jump} ms in a minute");
        }
    }

    #[test]
    fn instants_at_the_ends_of_time_are_taken() {
        let mut clock = SteadyClock::new(Timestamp::from_millis(i64::MAX), stopwatch());
        let later = stopwatch() + MINUTE;
        assert_eq!(clock.observe(Timestamp::from_millis(i64::MIN), later), Duration::ZERO);
    }
}

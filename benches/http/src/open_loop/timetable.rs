//! The times at which requests are due, and from which they count.
//!
//! If the previous request on its connection is unanswered when a request is due, it counts from then: a server that
//! stalls is charged for all who would have waited.
//!
//! A request that is due on a free connection counts from when it is sent. Until then the thread was asleep, or busy
//! with another connection, which is not the server's fault. But that takes microseconds. A longer delay comes from a
//! machine without a spare core, likely because of the server, so that the part that exceeds [`FORGIVEN`] is charged.
//!
//! A request ends when its answer has been read. The thread may have read others before; that is charged, a microsecond
//! or two for each.

use std::num::NonZeroU32;
use std::time::Duration;

/// The largest delay that is the load generator's own fault: timers end up to 50 us late on Linux, and then the thread
/// must wake up.
const FORGIVEN: Duration = Duration::from_micros(100);

/// Requests at equal distances. All times are since the round's beginning.
#[derive(Debug, Clone, Copy)]
pub(super) struct Timetable {
    rate: f64,
    seconds: NonZeroU32,
}

impl Timetable {
    /// Returns a timetable of `rate` requests a second for that long.
    pub(super) fn new(rate: f64, seconds: NonZeroU32) -> Self {
        Self { rate, seconds }
    }

    /// Returns the time at which a request is due; `None` = there is no such request.
    #[expect(clippy::cast_precision_loss, reason = "counts of one round are far below 2^53")]
    pub(super) fn due(&self, number: usize) -> Option<Duration> {
        let due = number as f64 / self.rate;
        (due < f64::from(self.seconds.get())).then(|| Duration::from_secs_f64(due))
    }
}

/// Returns the time from which a request counts that was `due` on a connection that was free at `free`, and was sent at
/// `sent`.
pub(super) fn counts_from(due: Duration, free: Duration, sent: Duration) -> Duration {
    if due < free { due } else { sent.min(due + FORGIVEN) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn us(micros: u64) -> Duration {
        Duration::from_micros(micros)
    }

    #[test]
    fn requests_are_due_evenly_until_the_time_is_over() {
        let timetable = Timetable::new(4.0, NonZeroU32::MIN);
        let due: Vec<_> = (0..).map_while(|number| timetable.due(number)).collect();
        assert_eq!(due, [0, 250, 500, 750].map(Duration::from_millis));
    }

    #[test]
    fn a_request_that_an_answer_kept_waiting_counts_from_when_it_was_due() {
        assert_eq!(counts_from(us(1000), us(1001), us(1002)), us(1000));
        assert_eq!(counts_from(us(1000), us(900_000), us(900_001)), us(1000));
    }

    #[test]
    fn a_request_that_overslept_counts_from_when_it_was_sent() {
        assert_eq!(counts_from(us(1000), us(0), us(1060)), us(1060));
        assert_eq!(counts_from(us(1000), us(1000), us(1060)), us(1060));
    }

    #[test]
    fn what_is_too_late_for_sleep_to_explain_it_is_charged() {
        assert_eq!(counts_from(us(1000), us(0), us(5000)), us(1100));
    }
}

//! When requests are due, and from when they count.
//!
//! A request that is due while the one before it on its connection is unanswered counts from when it was due: a server
//! that stalls is charged for all who would have waited.
//!
//! One that is due on a free connection counts from when it was sent. Until then the thread was asleep, or at work for
//! another connection, which is no fault of the server's. But that takes microseconds: a longer delay comes from a
//! machine without a core to spare, as likely as not because of the server, so that what exceeds [`FORGIVEN`] is charged.
//!
//! An answer ends its request when it has been read. That the thread may have read others before is charged, a
//! microsecond or two for each.

use std::num::NonZeroU32;
use std::time::Duration;

/// How late the load generator may be by its own fault: timers end up to 50 us late on Linux, and then the thread must
/// wake up.
const FORGIVEN: Duration = Duration::from_micros(100);

/// Requests at the same distance from each other. All times are since the round's beginning.
#[derive(Debug, Clone, Copy)]
pub(super) struct Timetable {
    rate: f64,
    seconds: NonZeroU32,
}

impl Timetable {
    /// `rate` requests a second for that long.
    pub(super) fn new(rate: f64, seconds: NonZeroU32) -> Self {
        Self { rate, seconds }
    }

    /// When a request is due; `None` where there is no such request.
    #[expect(clippy::cast_precision_loss, reason = "counts of one round are far below 2^53")]
    pub(super) fn due(&self, number: usize) -> Option<Duration> {
        let due = number as f64 / self.rate;
        (due < f64::from(self.seconds.get())).then(|| Duration::from_secs_f64(due))
    }
}

/// From when a request counts that was `due` on a connection that was free again at `free`, and that was sent at `sent`.
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

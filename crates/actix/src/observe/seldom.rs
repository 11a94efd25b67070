use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Limits a log line that strangers cause to once a minute, so that they cannot fill the log.
#[derive(Debug, Default)]
pub(crate) struct Seldom(Mutex<Option<Instant>>);

/// The shortest time between two lines.
const PAUSE: Duration = Duration::from_mins(1);

impl Seldom {
    /// Returns true the first time, and once a minute at most.
    pub(crate) fn is_due(&self, now: Instant) -> bool {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_due = last.is_none_or(|last| now.saturating_duration_since(last) >= PAUSE);
        if is_due {
            *last = Some(now);
        }
        is_due
    }
}

#[cfg(test)]
mod tests {
    use keymint_service::stopwatch;

    use super::*;

    #[test]
    fn a_line_is_due_once_a_minute() {
        let (seldom, start) = (Seldom::default(), stopwatch());
        let due = [0, 1, 59_999, 60_000, 60_001, 119_999, 120_000]
            .map(|after_ms| seldom.is_due(start + Duration::from_millis(after_ms)));
        assert_eq!(due, [true, false, false, true, false, false, true]);
    }
}

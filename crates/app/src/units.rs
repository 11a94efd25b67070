//! The units of options and of keys of the configuration, which take durations beside numbers.

use std::time::Duration;

/// The unit of a number that stands for a duration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    Milliseconds,
    Seconds,
    Hours,
    Days,
}

impl Unit {
    /// Returns the number of units in a duration; `None` = it is not a whole number of them.
    pub(crate) fn of(self, duration: Duration) -> Option<u64> {
        let ms = u64::try_from(duration.as_millis()).ok()?;
        ms.is_multiple_of(self.ms()).then(|| ms / self.ms())
    }

    pub(crate) fn plural(self) -> &'static str {
        match self {
            Self::Milliseconds => "milliseconds",
            Self::Seconds => "seconds",
            Self::Hours => "hours",
            Self::Days => "days",
        }
    }

    fn ms(self) -> u64 {
        match self {
            Self::Milliseconds => 1,
            Self::Seconds => 1000,
            Self::Hours => 3_600_000,
            Self::Days => 86_400_000,
        }
    }
}

use std::num::NonZeroU32;
use std::time::Duration;

use crate::config::section::Section;

/// The background job that removes expired and exhausted keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cleanup {
    /// The pause between two runs; `None` = it never runs.
    pub interval: Option<Duration>,
    /// The keys removed in one transaction.
    pub batch_size: NonZeroU32,
    /// The time for which the clock must not have jumped before anything is removed.
    pub steady_clock: Duration,
}

pub(in crate::config) fn read(section: &mut Section<'_, '_>) -> Cleanup {
    let seconds = section.integer("interval_seconds", 60_u32, 0..=86_400);
    let batch_size = section.integer("batch_size", 100_u32, 1..=10_000);
    let steady_clock = section.integer("steady_clock_seconds", 600_u32, 0..=86_400);
    Cleanup {
        interval: (seconds > 0).then(|| Duration::from_secs(seconds.into())),
        batch_size: NonZeroU32::new(batch_size).unwrap_or(NonZeroU32::MIN),
        steady_clock: Duration::from_secs(steady_clock.into()),
    }
}

use std::num::NonZeroU32;
use std::time::Duration;

use keymint_service::CleanupOptions;

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
    let default = CleanupOptions::default();
    let interval = section.seconds("interval_seconds", default.interval, 0..=86_400);
    let batch_size = section.integer("batch_size", default.batch_size.get(), 1..=10_000);
    Cleanup {
        interval: Some(interval).filter(|interval| !interval.is_zero()),
        batch_size: NonZeroU32::new(batch_size).unwrap_or(NonZeroU32::MIN),
        steady_clock: section.seconds("steady_clock_seconds", default.steady_clock, 0..=86_400),
    }
}

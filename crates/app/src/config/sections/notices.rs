use std::time::Duration;

use crate::config::section::Section;

/// The background job that makes notices and finds anomalies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Notices {
    /// The pause between two runs; `None` = it never runs.
    pub interval: Option<Duration>,
}

const EVERY: Duration = Duration::from_mins(5);

pub(in crate::config) fn read(section: &mut Section<'_, '_>) -> Notices {
    let interval = section.seconds("interval_seconds", EVERY, 0..=86_400);
    Notices { interval: Some(interval).filter(|interval| !interval.is_zero()) }
}

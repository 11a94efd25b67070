use std::time::Duration;

use crate::config::section::Section;
use crate::units::Unit;

/// The record of changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Audit {
    /// True if changes are recorded as events.
    pub enabled: bool,
    /// The time for which events are kept; `None` = for ever.
    pub retention: Option<Duration>,
    /// True if reading the audit log is an event, too.
    pub log_reads: bool,
}

pub(in crate::config) fn read(section: &mut Section<'_, '_>) -> Audit {
    const DAY: Duration = Duration::from_hours(24);
    let enabled = section.boolean("enabled", true);
    let retention_days = section.duration("retention_days", 0_u32, Unit::Days, 0..=36_500);
    Audit {
        enabled,
        retention: (retention_days > 0).then(|| DAY * retention_days),
        log_reads: section.boolean("log_reads", false),
    }
}

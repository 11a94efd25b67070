use std::time::Duration;

use keymint_service::UsageOptions;

use crate::config::section::Section;
use crate::units::Unit;

/// The statistics of uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    /// False if nothing is counted.
    pub enabled: bool,
    /// The longest time for which uses are gathered.
    pub longest_interval: Duration,
    /// The days for which hours are kept, before they are rolled up to days.
    pub hours_days: u32,
    /// The days for which usage is kept.
    pub retention_days: u32,
}

pub(in crate::config) fn read(section: &mut Section<'_, '_>) -> Usage {
    let default = UsageOptions::default();
    let enabled = section.boolean("enabled", default.enabled);
    let longest_interval = section.seconds("longest_interval_seconds", default.longest_interval, 1..=3600);
    let hours_days = section.duration("hours_days", default.hours_days, Unit::Days, 1..=400);
    let retention_days = section.duration("retention_days", default.retention_days, Unit::Days, 1..=4000);
    Usage { enabled, longest_interval, hours_days, retention_days }
}

use keymint_domain::policy::{Expiration, LengthRange, RateLimitDefaults};
use keymint_domain::usage::Algorithm;
use keymint_domain::value::{Lifetime, MAX_COUNT, MAX_PERIOD_MS};

use crate::config::section::Section;
use crate::units::Unit;

/// The largest number of days: a century.
const MAX_DAYS: u32 = 36_500;

pub(super) fn lengths(
    section: &mut Section<'_, '_>,
    key: &'static str,
    default: LengthRange,
    least: usize,
) -> LengthRange {
    section.section(key, |section| {
        let min = section.integer("min", default.min, least..=255);
        let max = section.integer("max", default.max, 1..=255);
        check_order(section, ["min", "max"], min <= max);
        LengthRange { min, max }
    })
}

/// Reads the number of UTF-16 units of a key that are stored to recognize it by; `None` = none are.
pub(super) fn starting_characters(section: &mut Section<'_, '_>, default: Option<usize>) -> Option<usize> {
    section.section("starting_characters", |section| {
        let store = section.boolean("store", default.is_some());
        let length = section.integer("length", default.unwrap_or(6), 1..=64);
        store.then_some(length)
    })
}

pub(super) fn expiration(section: &mut Section<'_, '_>, default: Expiration) -> Expiration {
    section.section("expiration", |section| {
        let seconds = section.duration("default_seconds", 0, Unit::Seconds, 0..=MAX_DAYS * 86_400);
        let allow_custom = section.boolean("allow_custom", default.allow_custom);
        let min_days = section.duration("min_days", default.min_days, Unit::Days, 0..=MAX_DAYS);
        let max_days = section.duration("max_days", default.max_days, Unit::Days, 0..=MAX_DAYS);
        check_order(section, ["min_days", "max_days"], min_days <= max_days);
        // The key's 0 means no lifetime. The default need not lie between the limits: they apply to requests.
        let lifetime = Lifetime::from_seconds(seconds.into()).ok();
        Expiration { default: lifetime, allow_custom, min_days, max_days, ..default }
    })
}

pub(super) fn rate_limit(section: &mut Section<'_, '_>, default: RateLimitDefaults) -> RateLimitDefaults {
    let algorithms = [("gcra", Algorithm::Gcra), ("idle-window", Algorithm::IdleWindow)];
    section.section("rate_limit", |section| RateLimitDefaults {
        enabled: section.boolean("enabled", default.enabled),
        window_ms: section.duration("window_ms", default.window_ms, Unit::Milliseconds, 1..=MAX_PERIOD_MS),
        max_requests: section.integer("max_requests", default.max_requests, 1..=MAX_COUNT.into()),
        algorithm: section.choice("algorithm", default.algorithm, &algorithms),
    })
}

/// Reports a lower end above the upper one, at the lower end unless only the upper one was set.
fn check_order(section: &mut Section<'_, '_>, [min, max]: [&'static str; 2], ordered: bool) {
    if ordered {
        return;
    }
    if section.is_set(min) {
        section.problem(section.location(min), format!("must not be above {max}"));
    } else {
        section.problem(section.location(max), format!("must not be below {min}"));
    }
}

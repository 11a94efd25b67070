use chrono::{Datelike as _, NaiveDate};

use crate::Timestamp;

const HOUR_MS: i64 = 3_600_000;
const HOURS_OF_A_DAY: i64 = 24;

/// A whole hour in UTC, as the number of hours since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hour(i64);

impl Hour {
    /// Returns the hour that an instant is in.
    pub const fn of(instant: Timestamp) -> Self {
        Self(instant.as_millis().div_euclid(HOUR_MS))
    }

    /// Takes the number of hours since 1970. An hour outside the years 0000 to 9999 becomes the nearest one inside.
    pub const fn from_number(number: i64) -> Self {
        Self::of(Timestamp::from_millis(number.saturating_mul(HOUR_MS)))
    }

    /// Returns the number of hours since 1970.
    pub const fn number(self) -> i64 {
        self.0
    }

    /// Returns the first instant of the hour.
    pub const fn start(self) -> Timestamp {
        Timestamp::from_millis(self.0.saturating_mul(HOUR_MS))
    }

    /// Returns the first hour of this hour's day.
    #[must_use]
    pub const fn day(self) -> Self {
        Self(self.0.div_euclid(HOURS_OF_A_DAY) * HOURS_OF_A_DAY)
    }

    /// Returns the hour that is this many days earlier.
    #[must_use]
    pub const fn minus_days(self, days: u32) -> Self {
        Self::from_number(self.0.saturating_sub(days as i64 * HOURS_OF_A_DAY))
    }

    /// Returns the hour before.
    #[must_use]
    pub const fn previous(self) -> Self {
        Self::from_number(self.0.saturating_sub(1))
    }

    const fn plus(self, hours: i64) -> Self {
        Self(self.0.saturating_add(hours))
    }

    /// Returns the first hour of a month, which may be the thirteenth of a year.
    fn of_month(year: i32, month: u32) -> Self {
        let (year, month) = if month > 12 { (year + 1, 1) } else { (year, month) };
        let first = NaiveDate::from_ymd_opt(year, month, 1).unwrap_or(NaiveDate::MAX);
        let days = first.signed_duration_since(NaiveDate::from_ymd_opt(1970, 1, 1).unwrap_or_default()).num_days();
        Self(days.saturating_mul(HOURS_OF_A_DAY))
    }
}

/// The time that a stored row covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Span {
    /// An hour.
    Hour,
    /// A day, once its hours were rolled up.
    Day,
}

impl Span {
    /// Returns the number of hours.
    pub const fn hours(self) -> i64 {
        match self {
            Self::Hour => 1,
            Self::Day => HOURS_OF_A_DAY,
        }
    }
}

/// The time between two points of a series.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Step {
    /// An hour.
    Hour,
    /// A day in UTC.
    #[default]
    Day,
    /// A calendar month in UTC.
    Month,
}

impl Step {
    /// All steps.
    pub const ALL: [Self; 3] = [Self::Hour, Self::Day, Self::Month];

    /// Returns the word for the step.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Month => "month",
        }
    }

    /// Returns the first hour of the step that `hour` is in.
    #[must_use]
    pub fn floor(self, hour: Hour) -> Hour {
        match self {
            Self::Hour => hour,
            Self::Day => hour.day(),
            Self::Month => {
                let date = hour.start().to_utc().date_naive();
                Hour::of_month(date.year(), date.month())
            }
        }
    }

    /// Returns the first hour of the step after the one that `hour` is in.
    #[must_use]
    pub fn next(self, hour: Hour) -> Hour {
        match self {
            Self::Hour => hour.plus(1),
            Self::Day => hour.day().plus(HOURS_OF_A_DAY),
            Self::Month => {
                let date = hour.start().to_utc().date_naive();
                Hour::of_month(date.year(), date.month() + 1)
            }
        }
    }
}

/// The time that a question is about, in whole steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    from: Hour,
    to: Hour,
    step: Step,
}

/// The reason why a question about usage cannot be answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidWindow {
    /// The window ends before it begins, or at the same instant.
    #[error("must be later than from")]
    Backwards,
    /// The window has too many steps.
    #[error("must be at most {} steps after from", Window::MAX_POINTS)]
    TooManyPoints,
    /// The hours were summed up to days.
    #[error("must be within the last {days} days if the step is an hour")]
    HoursGone {
        /// The days for which hours are kept.
        days: u32,
    },
}

impl InvalidWindow {
    /// Returns the end of the window that must be another one: `from` or `to`.
    pub const fn member(self) -> &'static str {
        match self {
            Self::Backwards | Self::TooManyPoints => "to",
            Self::HoursGone { .. } => "from",
        }
    }
}

impl Window {
    /// The largest number of steps: 41 days of hours, more than two years of days.
    pub const MAX_POINTS: usize = 1000;

    /// The days before now at which a window begins if nothing else is asked for.
    const DEFAULT_DAYS: u32 = 30;

    /// Returns the window that a question means at `now`: from 30 days ago, and up to now, unless it says otherwise.
    /// Hours are kept for `hours_days` days.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`Window::new`], and [`InvalidWindow::HoursGone`] if hours of older days are asked for.
    pub fn asked(
        from: Option<Timestamp>,
        to: Option<Timestamp>,
        step: Step,
        now: Timestamp,
        hours_days: u32,
    ) -> Result<Self, InvalidWindow> {
        let days_ago = |days| Hour::of(now).minus_days(days);
        let window = Self::new(from.unwrap_or_else(|| days_ago(Self::DEFAULT_DAYS).start()), to.unwrap_or(now), step)?;
        if step == Step::Hour && window.from < days_ago(hours_days).day() {
            return Err(InvalidWindow::HoursGone { days: hours_days });
        }
        Ok(window)
    }

    /// Returns the steps from the one that `from` is in to the one that ends at or after `to`.
    ///
    /// # Errors
    ///
    /// Returns [`InvalidWindow`] if `to` is not later than `from`, or if there are too many steps.
    pub fn new(from: Timestamp, to: Timestamp, step: Step) -> Result<Self, InvalidWindow> {
        if to <= from {
            return Err(InvalidWindow::Backwards);
        }
        let (from, last) = (step.floor(Hour::of(from)), step.floor(Hour::of(to.minus_millis(1))));
        let window = Self { from, to: step.next(last), step };
        // Without a walk over every hour of ten thousand years.
        let months = window.to.number().saturating_sub(from.number()) / (31 * HOURS_OF_A_DAY);
        let points = if usize::try_from(months).is_ok_and(|months| months <= Self::MAX_POINTS) {
            window.starts().take(Self::MAX_POINTS + 1).count()
        } else {
            usize::MAX
        };
        if points > Self::MAX_POINTS { Err(InvalidWindow::TooManyPoints) } else { Ok(window) }
    }

    /// Returns the first hour.
    pub const fn from(&self) -> Hour {
        self.from
    }

    /// Returns the hour after the last one.
    pub const fn to(&self) -> Hour {
        self.to
    }

    /// Returns the step.
    pub const fn step(&self) -> Step {
        self.step
    }

    /// Returns true if the hour is in the window.
    pub fn contains(&self, hour: Hour) -> bool {
        self.from <= hour && hour < self.to
    }

    /// Returns the first hour of each step, in order.
    pub fn starts(&self) -> impl Iterator<Item = Hour> + use<> {
        let Self { from, to, step } = *self;
        std::iter::successors(Some(from), move |hour| Some(step.next(*hour)).filter(|next| *next < to))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    fn window(from: &str, to: &str, step: Step) -> Result<Vec<String>, InvalidWindow> {
        let window = Window::new(at(from), at(to), step)?;
        Ok(window.starts().chain([window.to()]).map(|hour| hour.start().to_string()[..13].to_owned()).collect())
    }

    #[test]
    fn a_window_is_widened_to_whole_steps() {
        let hours = window("2026-02-28T22:59:59.999Z", "2026-03-01T00:00:00.001Z", Step::Hour);
        assert_eq!(hours.unwrap(), ["2026-02-28T22", "2026-02-28T23", "2026-03-01T00", "2026-03-01T01"]);
        let days = window("2024-02-28T12:00:00Z", "2024-03-01T00:00:00Z", Step::Day);
        assert_eq!(days.unwrap(), ["2024-02-28T00", "2024-02-29T00", "2024-03-01T00"]);
        let months = window("2025-11-30T23:00:00Z", "2026-01-01T00:00:00.001Z", Step::Month);
        assert_eq!(months.unwrap(), ["2025-11-01T00", "2025-12-01T00", "2026-01-01T00", "2026-02-01T00"]);
    }

    #[test]
    fn a_window_that_is_backwards_empty_or_too_long_is_refused() {
        let (early, late) = ("2026-01-01T00:00:00Z", "2026-01-01T00:00:00.001Z");
        for step in Step::ALL {
            assert_eq!(window(late, early, step), Err(InvalidWindow::Backwards));
            assert_eq!(window(early, early, step), Err(InvalidWindow::Backwards));
            assert_eq!(window(early, late, step).unwrap().len(), 2);
        }
        assert_eq!(window(early, "2026-02-11T16:00:00Z", Step::Hour).unwrap().len(), 1001);
        assert_eq!(window(early, "2026-02-11T16:00:00.001Z", Step::Hour), Err(InvalidWindow::TooManyPoints));
        for step in Step::ALL {
            let all = Window::new(Timestamp::MIN, Timestamp::MAX, step);
            assert_eq!(all, Err(InvalidWindow::TooManyPoints), "{step:?}");
        }
    }

    proptest! {
        #[test]
        fn steps_follow_each_other_without_gap_or_overlap(
            from in Timestamp::MIN.as_millis()..Timestamp::MAX.as_millis(),
            hours in 1..20_000_i64,
            step in prop::sample::select(Step::ALL.to_vec()),
        ) {
            let (from, to) = (Timestamp::from_millis(from), Timestamp::from_millis(from + hours * HOUR_MS));
            if let Ok(window) = Window::new(from, to, step) {
                let starts: Vec<_> = window.starts().collect();
                prop_assert!(starts[0].start() <= from && window.to().number() * HOUR_MS >= to.as_millis());
                for (start, next) in starts.iter().zip(starts.iter().skip(1).chain([&window.to()])) {
                    prop_assert!(start < next);
                    prop_assert_eq!(step.next(*start), *next);
                    prop_assert_eq!(step.floor(*start), *start);
                    prop_assert_eq!(step.floor(Hour(next.number() - 1)), *start);
                }
            }
        }

        #[test]
        fn every_instant_is_in_its_hour_and_every_hour_in_its_day(ms in Timestamp::MIN.as_millis()..=Timestamp::MAX.as_millis()) {
            let instant = Timestamp::from_millis(ms);
            let hour = Hour::of(instant);
            prop_assert!(hour.start() <= instant && instant.millis_since(hour.start()) < 3_600_000);
            prop_assert_eq!(Hour::from_number(hour.number()), hour);
            prop_assert!(hour.start().to_string().starts_with(&instant.to_string()[..13]));
            prop_assert_eq!(hour.day().start().to_string(), format!("{}T00:00:00.000Z", &instant.to_string()[..10]));
        }
    }
}

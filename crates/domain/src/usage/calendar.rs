use chrono::{Datelike as _, Days, Months, NaiveDate, NaiveTime};

use crate::Timestamp;

/// A period of the calendar in UTC, on whose borders a quota is refilled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Every {
    /// A day, from midnight.
    Day,
    /// A week, from Monday's midnight (ISO 8601).
    Week,
    /// A month, from midnight of its first day.
    Month,
}

impl Every {
    /// Every period.
    pub const ALL: [Self; 3] = [Self::Day, Self::Week, Self::Month];

    /// Returns the name of the period.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
        }
    }

    /// Reads the name of a period.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|every| every.as_str() == text)
    }

    /// Returns the first instant of the period that contains `at`.
    pub fn start(self, at: Timestamp) -> Timestamp {
        midnight(self.first_day(at))
    }

    /// Returns the first instant of the period after the one that contains `at`.
    pub fn next(self, at: Timestamp) -> Timestamp {
        let first = self.first_day(at);
        let next = match self {
            Self::Day => first.checked_add_days(Days::new(1)),
            Self::Week => first.checked_add_days(Days::new(7)),
            Self::Month => first.checked_add_months(Months::new(1)),
        };
        next.map_or(Timestamp::MAX, midnight)
    }

    fn first_day(self, at: Timestamp) -> NaiveDate {
        let day = at.to_utc().date_naive();
        let first = match self {
            Self::Day => Some(day),
            Self::Week => day.checked_sub_days(Days::new(day.weekday().num_days_from_monday().into())),
            Self::Month => day.with_day(1),
        };
        first.unwrap_or(day)
    }
}

fn midnight(day: NaiveDate) -> Timestamp {
    Timestamp::from(day.and_time(NaiveTime::MIN).and_utc())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    #[test]
    fn months_end_where_the_calendar_says() {
        for (every, now, start, next) in [
            (Every::Month, "2024-02-29T23:59:59.999Z", "2024-02-01T00:00:00Z", "2024-03-01T00:00:00Z"),
            (Every::Month, "2023-02-28T23:59:59.999Z", "2023-02-01T00:00:00Z", "2023-03-01T00:00:00Z"),
            (Every::Month, "2100-02-28T12:00:00Z", "2100-02-01T00:00:00Z", "2100-03-01T00:00:00Z"),
            (Every::Month, "2025-12-31T23:59:59.999Z", "2025-12-01T00:00:00Z", "2026-01-01T00:00:00Z"),
            (Every::Month, "2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"),
            (Every::Day, "2024-02-28T12:00:00Z", "2024-02-28T00:00:00Z", "2024-02-29T00:00:00Z"),
            (Every::Day, "2016-12-31T23:59:59.999Z", "2016-12-31T00:00:00Z", "2017-01-01T00:00:00Z"),
            (Every::Week, "2024-03-03T23:59:59.999Z", "2024-02-26T00:00:00Z", "2024-03-04T00:00:00Z"),
            (Every::Week, "2024-03-04T00:00:00Z", "2024-03-04T00:00:00Z", "2024-03-11T00:00:00Z"),
            (Every::Week, "2027-01-01T00:00:00Z", "2026-12-28T00:00:00Z", "2027-01-04T00:00:00Z"),
        ] {
            assert_eq!((every.start(at(now)), every.next(at(now))), (at(start), at(next)), "{every:?} {now}");
        }
    }

    #[test]
    fn names_are_read_as_they_are_printed() {
        for every in Every::ALL {
            assert_eq!(Every::parse(every.as_str()), Some(every));
        }
        for text in ["", "Month", "year", "months"] {
            assert_eq!(Every::parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn periods_follow_each_other_without_gap_or_overlap(
            every in prop::sample::select(&Every::ALL[..]),
            ms in -62_000_000_000_000_i64..253_000_000_000_000,
        ) {
            let now = Timestamp::from_millis(ms);
            let (start, next) = (every.start(now), every.next(now));
            prop_assert!(start <= now && now < next);
            prop_assert_eq!(every.start(start), start);
            prop_assert_eq!(every.start(next), next);
            prop_assert_eq!(every.next(next.minus_millis(1)), next);
            prop_assert_eq!(every.next(start.minus_millis(1)), start);
            let days = next.millis_since(start) / 86_400_000;
            let lengths = match every {
                Every::Day => 1..=1,
                Every::Week => 7..=7,
                Every::Month => 28..=31,
            };
            prop_assert!(lengths.contains(&days), "{}", days);
        }

        #[test]
        fn the_far_ends_of_time_are_no_panic(every in prop::sample::select(&Every::ALL[..]), ms in any::<i64>()) {
            let now = Timestamp::from_millis(ms);
            prop_assert!(every.next(now) >= now);
            let _ = every.start(now);
        }
    }
}

use std::fmt;

use chrono::{DateTime, Datelike as _, NaiveDate, Timelike as _, Utc};

/// An instant in whole milliseconds since 1970-01-01T00:00:00Z, from the year 0000 to 9999.
///
/// Whole milliseconds let SQLite's text, Postgres' `timestamptz` (microseconds) and JSON agree exactly.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// The error for a text or number that is not an instant between the years 0000 and 9999.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an instant between the years 0000 and 9999")]
pub struct InvalidTimestamp;

impl Timestamp {
    /// 0000-01-01T00:00:00.000Z, the earliest instant.
    pub const MIN: Self = Self(-62_167_219_200_000);
    /// 9999-12-31T23:59:59.999Z, the latest instant.
    pub const MAX: Self = Self(253_402_300_799_999);

    /// Takes milliseconds since 1970. An instant outside the years 0000 to 9999 becomes the nearest one inside.
    pub const fn from_millis(millis: i64) -> Self {
        if millis < Self::MIN.0 {
            Self::MIN
        } else if millis > Self::MAX.0 {
            Self::MAX
        } else {
            Self(millis)
        }
    }

    /// Returns the milliseconds since 1970.
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// Reads an RFC 3339 date-time, and drops digits below the millisecond.
    ///
    /// # Errors
    ///
    /// Returns [`InvalidTimestamp`] for any other text.
    pub fn parse(text: &str) -> Result<Self, InvalidTimestamp> {
        let any = || DateTime::parse_from_rfc3339(text).ok().map(|instant| Self::from(instant.to_utc()));
        Self::parse_usual(text.as_bytes()).or_else(any).ok_or(InvalidTimestamp)
    }

    /// Reads an RFC 3339 date-time, or a date, which stands for its midnight in UTC.
    ///
    /// # Errors
    ///
    /// Returns [`InvalidTimestamp`] for any other text.
    pub fn parse_or_date(text: &str) -> Result<Self, InvalidTimestamp> {
        Self::parse(text).or_else(|_| Self::parse(&format!("{text}T00:00:00Z")))
    }

    /// Reads the text of a stored row: a date-time as RFC 3339, SQLite's own functions or JavaScript print it.
    ///
    /// A time without a zone is in UTC. An instant outside the years 0000 to 9999 becomes the nearest one inside.
    ///
    /// # Errors
    ///
    /// Returns [`InvalidTimestamp`] for any other text.
    pub fn from_stored(text: &str) -> Result<Self, InvalidTimestamp> {
        Self::parse(text)
            .ok()
            .or_else(|| Self::parse_long_year(text))
            .or_else(|| Self::parse_of_sqlite(text))
            .ok_or(InvalidTimestamp)
    }

    /// Reads JavaScript's form of years with more than four digits: `+010056-11-27T19:16:23.627Z`.
    fn parse_long_year(text: &str) -> Option<Self> {
        let beyond = match text.as_bytes().first()? {
            b'+' => Self::MAX,
            b'-' => Self::MIN,
            _ => return None,
        };
        let (year, rest) = text[1..].split_at_checked(6)?;
        // Any leap year serves to check the rest.
        let is_date_time =
            year.bytes().all(|digit| digit.is_ascii_digit()) && Self::parse(&format!("2000{rest}")).is_ok();
        is_date_time.then_some(beyond)
    }

    /// Reads the texts that SQLite's `date` and `datetime` print or accept: `YYYY-MM-DD`, then optionally `HH:MM`,
    /// `HH:MM:SS` or `HH:MM:SS.SSS`, and a zone.
    fn parse_of_sqlite(text: &str) -> Option<Self> {
        let (date, rest) = text.split_at_checked(10)?;
        let rest = rest.trim_start_matches([' ', 'T']);
        let (time, zone) = rest.split_at(rest.find(['Z', 'z', '+', '-']).unwrap_or(rest.len()));
        let (time, zone) = (time.trim_end(), if zone.is_empty() { "Z" } else { zone });
        let time = match time.len() {
            0 => "00:00:00".to_owned(),
            5 => format!("{time}:00"),
            _ => time.to_owned(),
        };
        Self::parse(&format!("{date}T{time}{zone}")).ok()
    }

    /// Reads the form that this type prints. The general parser takes ten times as long, and every verification reads
    /// several instants.
    fn parse_usual(text: &[u8]) -> Option<Self> {
        let text: &[u8; 24] = text.try_into().ok()?;
        let separators = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':'), (19, b'.'), (23, b'Z')];
        if separators.iter().any(|(place, separator)| text[*place] != *separator) {
            return None;
        }
        let number = |from: usize, to: usize| {
            text[from..to]
                .iter()
                .try_fold(0, |number, digit| digit.is_ascii_digit().then(|| number * 10 + u32::from(digit - b'0')))
        };
        let day = NaiveDate::from_ymd_opt(i32::try_from(number(0, 4)?).ok()?, number(5, 7)?, number(8, 10)?)?;
        let instant = day.and_hms_milli_opt(number(11, 13)?, number(14, 16)?, number(17, 19)?, number(20, 23)?)?;
        Some(Self::from(instant.and_utc()))
    }

    /// Converts the instant to `chrono`'s type.
    pub fn to_utc(self) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(self.0).unwrap_or_default()
    }

    /// Returns the instant `millis` later, at most [`Timestamp::MAX`].
    #[must_use]
    pub fn plus_millis(self, millis: u64) -> Self {
        Self::from_millis(self.0.saturating_add_unsigned(millis))
    }

    /// Returns the instant `millis` earlier, at least [`Timestamp::MIN`].
    #[must_use]
    pub fn minus_millis(self, millis: u64) -> Self {
        Self::from_millis(self.0.saturating_sub_unsigned(millis))
    }

    /// Returns the milliseconds since `earlier`, or 0 if `earlier` is later.
    pub fn millis_since(self, earlier: Self) -> u64 {
        u64::try_from(self.0 - earlier.0).unwrap_or(0)
    }
}

impl From<DateTime<Utc>> for Timestamp {
    fn from(instant: DateTime<Utc>) -> Self {
        Self::from_millis(instant.timestamp_millis())
    }
}

impl From<std::time::SystemTime> for Timestamp {
    fn from(instant: std::time::SystemTime) -> Self {
        Self::from(DateTime::<Utc>::from(instant))
    }
}

/// Prints `YYYY-MM-DDTHH:MM:SS.sssZ`, the only form that Better Auth writes (docs/better-auth-wire.md 1.7, 11.1).
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The same result as `to_rfc3339_opts`, without the cost of the general formatter.
        let at = self.to_utc();
        let parts = [
            (at.year().unsigned_abs(), 0..4),
            (at.month(), 5..7),
            (at.day(), 8..10),
            (at.hour(), 11..13),
            (at.minute(), 14..16),
            (at.second(), 17..19),
            (at.timestamp_subsec_millis(), 20..23),
        ];
        let mut text = *b"0000-00-00T00:00:00.000Z";
        for (mut number, places) in parts {
            for place in places.rev() {
                text[place] = b"0123456789"[(number % 10) as usize];
                number /= 10;
            }
        }
        f.write_str(std::str::from_utf8(&text).map_err(|_| fmt::Error)?)
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use chrono::SecondsFormat;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn far_ends_print_four_digit_years() {
        assert_eq!(Timestamp::MIN.to_string(), "0000-01-01T00:00:00.000Z");
        assert_eq!(Timestamp::MAX.to_string(), "9999-12-31T23:59:59.999Z");
        assert_eq!(Timestamp::from_millis(i64::MAX), Timestamp::MAX);
        assert_eq!(Timestamp::MAX.plus_millis(u64::MAX), Timestamp::MAX);
        assert_eq!(Timestamp::MIN.minus_millis(1), Timestamp::MIN);
    }

    #[test]
    fn garbage_is_no_instant() {
        for text in ["", "now", "2026-02-30T00:00:00Z", "2026-01-01", "NaN"] {
            assert_eq!(Timestamp::parse(text), Err(InvalidTimestamp), "{text}");
        }
    }

    #[test]
    fn a_date_stands_for_its_midnight() {
        for (text, instant) in
            [("2026-02-03", "2026-02-03T00:00:00.000Z"), ("2026-02-03T04:05:06+01:00", "2026-02-03T03:05:06.000Z")]
        {
            assert_eq!(Timestamp::parse_or_date(text).map(|read| read.to_string()).as_deref(), Ok(instant), "{text}");
        }
        for text in ["", "2026-02-30", "2026-02", "2026-02-03 04:05:06", "2026-02-03T04:05:06"] {
            assert_eq!(Timestamp::parse_or_date(text), Err(InvalidTimestamp), "{text}");
        }
    }

    #[test]
    fn stored_texts_are_read_in_every_form_that_a_database_or_a_driver_makes() {
        for (text, instant) in [
            ("2026-02-03T04:05:06.789Z", "2026-02-03T04:05:06.789Z"),
            ("2026-02-03 04:05:06", "2026-02-03T04:05:06.000Z"),
            ("2026-02-03 04:05:06.789", "2026-02-03T04:05:06.789Z"),
            ("2026-02-03T04:05:06.7", "2026-02-03T04:05:06.700Z"),
            ("2026-02-03 04:05", "2026-02-03T04:05:00.000Z"),
            ("2026-02-03", "2026-02-03T00:00:00.000Z"),
            ("2026-02-03 04:05:06+02:00", "2026-02-03T02:05:06.000Z"),
            ("2026-02-03 04:05 -02:00", "2026-02-03T06:05:00.000Z"),
            ("2026-02-03 04:05:06Z", "2026-02-03T04:05:06.000Z"),
            ("+010056-11-27T19:16:23.627Z", "9999-12-31T23:59:59.999Z"),
            ("-000001-11-27T19:16:23.627Z", "0000-01-01T00:00:00.000Z"),
        ] {
            assert_eq!(Timestamp::from_stored(text).map(|read| read.to_string()).as_deref(), Ok(instant), "{text}");
        }
        for text in
            ["", "now", "2026-02-30", "2026-02-03 25:00:00", "2026-02-03 04", "+010056-13-27T19:16:23.627Z", "+1", "é"]
        {
            assert_eq!(Timestamp::from_stored(text), Err(InvalidTimestamp), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_stored_text_is_too_odd_to_be_judged(text in ".{0,40}", tail in "[-+ TZ:.0-9é]{0,20}") {
            let _ = Timestamp::from_stored(&text);
            let _ = Timestamp::from_stored(&format!("2026-02-03{tail}"));
        }

        #[test]
        fn what_is_printed_is_read_back(millis in Timestamp::MIN.0..=Timestamp::MAX.0) {
            let instant = Timestamp::from_millis(millis);
            prop_assert_eq!(Timestamp::parse(&instant.to_string()), Ok(instant));
        }

        #[test]
        fn the_general_formatter_and_parser_say_the_same(millis in Timestamp::MIN.0..=Timestamp::MAX.0) {
            let instant = Timestamp::from_millis(millis);
            let general = instant.to_utc().to_rfc3339_opts(SecondsFormat::Millis, true);
            prop_assert_eq!(instant.to_string(), &*general);
            prop_assert_eq!(Timestamp::parse(&general.replace('Z', "+00:00")), Ok(instant));
        }

        #[test]
        fn what_looks_usual_is_judged_as_the_general_parser_does(text in "[0-9]{4}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-6][0-9]:[0-6][0-9]\\.[0-9]{3}Z") {
            let general = DateTime::parse_from_rfc3339(&text).ok().map(|instant| Timestamp::from(instant.to_utc()));
            prop_assert_eq!(Timestamp::parse(&text).ok(), general);
        }
    }
}

use std::ops::RangeInclusive;

use keymint_domain::key::Field;
use keymint_domain::value::{Lifetime, parse_duration};
use serde_json::Value;

use super::{Options, json};
use crate::units::Unit;

/// The words for an option that takes a duration beside a number.
const NUMBER_OR_DURATION: &str = "number or duration (30d, 12h, 5m, 10s, 250ms)";

impl Options {
    /// Reads seconds or a duration; `null` = for ever.
    pub(in crate::cli) fn lifetime(&mut self, option: &str, text: Option<String>) -> Field<Lifetime> {
        let seconds = match text.map(|text| (parse_duration(&text), json(text))) {
            None => return Field::Absent,
            Some((_, Value::Null)) => return Field::Null,
            Some((Ok(duration), _)) => Some(duration.as_secs_f64()),
            Some((_, Value::Number(number))) => number.as_f64(),
            Some((_, other)) => {
                self.expected(option, NUMBER_OR_DURATION, &other);
                return Field::Absent;
            }
        };
        if let Some(Ok(lifetime)) = seconds.map(Lifetime::from_seconds) {
            return Field::Given(lifetime);
        }
        self.problem(option, "Too small: expected number to be >=1");
        Field::Absent
    }

    /// Reads a whole number of `unit`s within `range`, or a duration of as many.
    pub(in crate::cli) fn duration(
        &mut self,
        option: &str,
        text: Option<String>,
        unit: Unit,
        range: RangeInclusive<u64>,
    ) -> Option<u64> {
        match self.nullable_duration(option, text, unit, range) {
            Field::Given(number) => Some(number),
            Field::Null => {
                self.expected(option, NUMBER_OR_DURATION, &Value::Null);
                None
            }
            Field::Absent => None,
        }
    }

    /// Reads the same, where `null` is a value of its own.
    pub(in crate::cli) fn nullable_duration(
        &mut self,
        option: &str,
        text: Option<String>,
        unit: Unit,
        range: RangeInclusive<u64>,
    ) -> Field<u64> {
        let Some(text) = text else { return Field::Absent };
        let value = match parse_duration(&text).map(|duration| unit.of(duration)) {
            Ok(Some(number)) => number.into(),
            Ok(None) => {
                self.problem(option, format_args!("Invalid input: expected a duration of whole {}", unit.plural()));
                return Field::Absent;
            }
            Err(_) => json(text),
        };
        match value {
            Value::Null => Field::Null,
            Value::Number(_) => self.whole(option, &value, range).map_or(Field::Absent, Field::Given),
            other => {
                self.expected(option, NUMBER_OR_DURATION, &other);
                Field::Absent
            }
        }
    }

    /// Reads a whole number within `range`, where `null` is a value of its own.
    pub(in crate::cli) fn nullable_integer(
        &mut self,
        option: &str,
        text: Option<String>,
        range: RangeInclusive<u64>,
    ) -> Field<u64> {
        match text.map(json) {
            None => Field::Absent,
            Some(Value::Null) => Field::Null,
            Some(value) => self.whole(option, &value, range).map_or(Field::Absent, Field::Given),
        }
    }

    /// Reads a whole number from `-max` to `max`.
    pub(in crate::cli) fn signed_integer(&mut self, option: &str, text: Option<String>, max: u32) -> Option<i64> {
        let text = text?;
        let negative = text.strip_prefix('-').map(str::to_owned);
        let size = match &negative {
            Some(size) if json(size.clone()).as_f64().is_some_and(|size| size > f64::from(max)) => {
                self.problem(option, format_args!("Too small: expected number to be >=-{max}"));
                return None;
            }
            Some(size) => self.whole(option, &json(size.clone()), 0..=max.into())?,
            None => self.whole(option, &json(text), 0..=max.into())?,
        };
        let size = i64::try_from(size).ok()?;
        Some(if negative.is_some() { -size } else { size })
    }

    /// Reads a whole number within `range`.
    pub(in crate::cli) fn integer(
        &mut self,
        option: &str,
        text: Option<String>,
        range: RangeInclusive<u64>,
    ) -> Option<u64> {
        self.whole(option, &json(text?), range)
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "whole, and compared with a range of exact numbers before it is cast"
    )]
    fn whole(&mut self, option: &str, value: &Value, range: RangeInclusive<u64>) -> Option<u64> {
        let (min, max) = range.into_inner();
        match value.as_f64() {
            None => self.expected(option, "number", value),
            Some(number) if number.fract() != 0.0 => self.expected(option, "int", value),
            Some(number) if number < min as f64 => {
                self.problem(option, format_args!("Too small: expected number to be >={min}"));
            }
            Some(number) if number > max as f64 => {
                self.problem(option, format_args!("Too big: expected number to be <={max}"));
            }
            Some(number) => return Some(number as u64),
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::options::support::{owned, read};

    #[test]
    fn numbers_are_whole_and_within_their_range() {
        for (text, answer) in [
            ("1", Ok(Some(1))),
            ("1.0", Ok(Some(1))),
            ("2147483647", Ok(Some(2_147_483_647))),
            ("2147483648", Err("[option.n] Too big: expected number to be <=2147483647")),
            ("-1", Err("[option.n] Too small: expected number to be >=1")),
            ("1.5", Err("[option.n] Invalid input: expected int, received number")),
            ("many", Err("[option.n] Invalid input: expected number, received string")),
            ("null", Err("[option.n] Invalid input: expected number, received null")),
            ("[]", Err("[option.n] Invalid input: expected number, received array")),
        ] {
            let found = read(|options| options.integer("n", Some(owned(text)), 1..=2_147_483_647));
            assert_eq!(found.as_ref().map_err(String::as_str), answer.as_ref().map_err(|text| *text), "{text}");
        }
        assert_eq!(read(|options| options.nullable_integer("n", Some(owned("null")), 0..=9)), Ok(Field::Null));
        assert_eq!(read(|options| options.nullable_integer("n", None, 0..=9)), Ok(Field::Absent));
    }

    #[test]
    fn a_lifetime_is_a_second_or_more_and_null_is_for_ever() {
        let lifetime = |text| read(|options| options.lifetime("n", Some(owned(text))));
        assert_eq!(lifetime("1.5"), Ok(Field::Given(Lifetime::from_seconds(1.5).unwrap())));
        assert_eq!(lifetime("null"), Ok(Field::Null));
        assert_eq!(lifetime("0.5"), Err("[option.n] Too small: expected number to be >=1".to_owned()));
        assert_eq!(lifetime("30d"), Ok(Field::Given(Lifetime::from_seconds(2_592_000.0).unwrap())));
        assert_eq!(lifetime("1s500ms"), Ok(Field::Given(Lifetime::from_seconds(1.5).unwrap())));
        assert_eq!(lifetime("999ms"), Err("[option.n] Too small: expected number to be >=1".to_owned()));
        let soon = "[option.n] Invalid input: expected number or duration (30d, 12h, 5m, 10s, 250ms), received string";
        assert_eq!(lifetime("soon"), Err(soon.to_owned()));
    }

    #[test]
    fn a_duration_is_a_number_of_its_unit() {
        let hours = |text| read(|options| options.duration("n", Some(owned(text)), Unit::Seconds, 60..=86_400));
        for (text, seconds) in [("3600", 3600), ("1h", 3600), ("1h30m", 5400), ("1d", 86_400), ("60000ms", 60)] {
            assert_eq!(hours(text), Ok(Some(seconds)), "{text}");
        }
        for (text, problem) in [
            ("2d", "Too big: expected number to be <=86400"),
            ("59s", "Too small: expected number to be >=60"),
            ("90500ms", "Invalid input: expected a duration of whole seconds"),
            ("1.5", "Invalid input: expected int, received number"),
            ("long", "Invalid input: expected number or duration (30d, 12h, 5m, 10s, 250ms), received string"),
            ("null", "Invalid input: expected number or duration (30d, 12h, 5m, 10s, 250ms), received null"),
        ] {
            assert_eq!(hours(text), Err(format!("[option.n] {problem}")), "{text}");
        }
        let nullable = |text| read(|options| options.nullable_duration("n", text, Unit::Milliseconds, 1..=9));
        assert_eq!(nullable(Some(owned("null"))), Ok(Field::Null));
        assert_eq!(nullable(Some(owned("9ms"))), Ok(Field::Given(9)));
        assert_eq!(nullable(None), Ok(Field::Absent));
    }
}

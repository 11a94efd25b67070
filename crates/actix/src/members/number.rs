use std::ops::RangeInclusive;

use keymint_domain::key::Field;
use keymint_domain::value::MAX_COUNT;
use serde_json::Value;
use utoipa::openapi::schema::ObjectBuilder;

use super::schema::{self, MAX_SAFE_INTEGER};
use super::{Member, kind};

impl Member<'_, '_> {
    /// Reads a count from `min` to 2147483647.
    pub(crate) fn count(self, min: u64) -> Option<u64> {
        self.integer(min..=MAX_COUNT.into())
    }

    /// Reads a count from `min` to 2147483647, or null.
    pub(crate) fn nullable_count(self, min: u64) -> Field<u64> {
        self.nullable_integer(min..=MAX_COUNT.into())
    }

    /// Reads a whole number within `range`, or null.
    pub(crate) fn nullable_integer(mut self, range: RangeInclusive<u64>) -> Field<u64> {
        self.state(|_| schema::nullable(schema_of(&range)));
        if self.value() == Some(&Value::Null) {
            return Field::Null;
        }
        self.read_integer(&range).map_or(Field::Absent, Field::Given)
    }

    /// Reads a count from -2147483647 to 2147483647.
    pub(crate) fn signed_count(mut self) -> Option<i64> {
        self.state(|_| schema::signed_integer(-i32::MAX, i32::MAX));
        let number = self.read_number()?;
        if number < 0.0 {
            if number < -f64::from(MAX_COUNT) {
                self.refuse(format_args!("Too small: expected number to be >=-{MAX_COUNT}"));
                return None;
            }
            let size = self.whole(-number, &(0..=MAX_COUNT.into()))?;
            return i64::try_from(size).ok().map(|size| -size);
        }
        i64::try_from(self.whole(number, &(0..=MAX_COUNT.into()))?).ok()
    }

    /// Reads a whole number within `range`.
    pub(crate) fn integer<T: Copy + Into<u64> + TryFrom<u64>>(mut self, range: RangeInclusive<T>) -> Option<T> {
        let range = widened(&range);
        self.state(|_| schema_of(&range));
        self.read_integer(&range)?.try_into().ok()
    }

    /// Reads a whole number within `range` that is written as text, as in a query: as JavaScript's `Number()` reads it.
    pub(crate) fn coerced_integer<T: Copy + Into<u64> + TryFrom<u64>>(mut self, range: RangeInclusive<T>) -> Option<T> {
        let range = widened(&range);
        self.state(|_| schema_of(&range));
        let number = match self.value()? {
            Value::String(text) => to_number(text),
            _ => f64::NAN,
        };
        if number.is_finite() {
            return self.whole(number, &range)?.try_into().ok();
        }
        self.expected("number", if number.is_nan() { "NaN" } else { "Infinity" });
        None
    }

    /// Reads a number of `min` or more, fractions allowed, or null.
    pub(super) fn read_nullable_number(&mut self, min: f64) -> Field<f64> {
        if self.value() == Some(&Value::Null) {
            return Field::Null;
        }
        match self.read_number() {
            None => Field::Absent,
            Some(number) if number < min => {
                self.refuse(format_args!("Too small: expected number to be >={min}"));
                Field::Absent
            }
            Some(number) => Field::Given(number),
        }
    }

    fn read_integer(&mut self, range: &RangeInclusive<u64>) -> Option<u64> {
        let number = self.read_number()?;
        self.whole(number, range)
    }

    fn read_number(&mut self) -> Option<f64> {
        match self.value() {
            None => None,
            Some(Value::Number(number)) => number.as_f64(),
            other => {
                let received = kind(other);
                self.expected("number", received);
                None
            }
        }
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "whole, within JavaScript's safe integers, and compared before it is cast"
    )]
    fn whole(&mut self, number: f64, range: &RangeInclusive<u64>) -> Option<u64> {
        let (min, max) = (*range.start(), *range.end());
        if number.fract() != 0.0 {
            self.expected("int", "number");
        } else if number > MAX_SAFE_INTEGER as f64 {
            self.refuse(format_args!("Too big: expected int to be <={MAX_SAFE_INTEGER}"));
        } else if number < min as f64 {
            self.refuse(format_args!("Too small: expected number to be >={min}"));
        } else if number > max as f64 {
            self.refuse(format_args!("Too big: expected number to be <={max}"));
        } else {
            return Some(number as u64);
        }
        None
    }
}

fn widened<T: Copy + Into<u64>>(range: &RangeInclusive<T>) -> RangeInclusive<u64> {
    (*range.start()).into()..=(*range.end()).into()
}

fn schema_of(range: &RangeInclusive<u64>) -> ObjectBuilder {
    schema::integer(*range.start(), *range.end())
}

/// Returns the number that JavaScript's `Number()` makes of a text; empty is 0.
#[expect(clippy::cast_precision_loss, reason = "JavaScript has no other numbers")]
fn to_number(text: &str) -> f64 {
    let text = text.trim();
    match text {
        "" => return 0.0,
        "Infinity" | "+Infinity" => return f64::INFINITY,
        "-Infinity" => return f64::NEG_INFINITY,
        _ => {}
    }
    for (prefix, radix) in [("0x", 16), ("0X", 16), ("0o", 8), ("0O", 8), ("0b", 2), ("0B", 2)] {
        if let Some(digits) = text.strip_prefix(prefix) {
            let is_digit = digits.chars().all(|digit| digit.is_digit(radix));
            return u64::from_str_radix(digits, radix).ok().filter(|_| is_digit).map_or(f64::NAN, |n| n as f64);
        }
    }
    let decimal = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'E' | b'+' | b'-');
    if text.bytes().all(decimal) { text.parse().unwrap_or(f64::NAN) } else { f64::NAN }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::members::support::read;

    #[test]
    fn counts_are_whole_and_bounded() {
        for (value, answer) in [
            (json!(1), Ok(Some(1))),
            (json!(1.0), Ok(Some(1))),
            (json!(2_147_483_647), Ok(Some(2_147_483_647))),
            (json!(2_147_483_648_u64), Err("[body.n] Too big: expected number to be <=2147483647")),
            (json!(9_223_372_036_854_775_808_u64), Err("[body.n] Too big: expected int to be <=9007199254740991")),
            (json!(1e308), Err("[body.n] Too big: expected int to be <=9007199254740991")),
            (json!(0), Err("[body.n] Too small: expected number to be >=1")),
            (json!(-1), Err("[body.n] Too small: expected number to be >=1")),
            (json!(1.5), Err("[body.n] Invalid input: expected int, received number")),
            (json!("1"), Err("[body.n] Invalid input: expected number, received string")),
            (json!("NaN"), Err("[body.n] Invalid input: expected number, received string")),
            (json!(null), Err("[body.n] Invalid input: expected number, received null")),
            (json!([]), Err("[body.n] Invalid input: expected number, received array")),
        ] {
            let found = read(&value, |body| body.optional("n", "").count(1));
            assert_eq!(found.as_ref().map_err(String::as_str), answer.as_ref().map_err(|text| *text), "{value}");
        }
    }

    #[test]
    fn signed_counts_are_whole_and_bounded_at_both_ends() {
        for (value, answer) in [
            (json!(0), Ok(Some(0))),
            (json!(-5), Ok(Some(-5))),
            (json!(2_147_483_647), Ok(Some(2_147_483_647))),
            (json!(-2_147_483_647), Ok(Some(-2_147_483_647))),
            (json!(2_147_483_648_u64), Err("[body.n] Too big: expected number to be <=2147483647")),
            (json!(-2_147_483_648_i64), Err("[body.n] Too small: expected number to be >=-2147483647")),
            (json!(-1e308), Err("[body.n] Too small: expected number to be >=-2147483647")),
            (json!(-1.5), Err("[body.n] Invalid input: expected int, received number")),
            (json!("1"), Err("[body.n] Invalid input: expected number, received string")),
            (json!(null), Err("[body.n] Invalid input: expected number, received null")),
        ] {
            let found = read(&value, |body| body.optional("n", "").signed_count());
            assert_eq!(found.as_ref().map_err(String::as_str), answer.as_ref().map_err(|text| *text), "{value}");
        }
    }

    #[test]
    fn null_may_be_a_value() {
        assert_eq!(read(&json!(null), |body| body.optional("n", "").nullable_count(0)), Ok(Field::Null));
        assert_eq!(read(&json!(1.5), |body| body.optional("n", "").read_nullable_number(1.0)), Ok(Field::Given(1.5)));
        assert_eq!(
            read(&json!(0.5), |body| body.optional("n", "").read_nullable_number(1.0)),
            Err("[body.n] Too small: expected number to be >=1".to_owned())
        );
    }

    #[test]
    fn texts_are_read_as_numbers_like_javascript_does() {
        for (text, answer) in [
            ("", Ok(Some(0))),
            (" 12 ", Ok(Some(12))),
            ("1e2", Ok(Some(100))),
            ("0x2", Ok(Some(2))),
            ("0b11", Ok(Some(3))),
            ("0x", Err("[body.n] Invalid input: expected number, received NaN")),
            ("0x+2", Err("[body.n] Invalid input: expected number, received NaN")),
            ("Infinity", Err("[body.n] Invalid input: expected number, received Infinity")),
            ("x", Err("[body.n] Invalid input: expected number, received NaN")),
            ("inf", Err("[body.n] Invalid input: expected number, received NaN")),
            ("1e400", Err("[body.n] Invalid input: expected number, received Infinity")),
            ("9007199254740993", Err("[body.n] Too big: expected int to be <=9007199254740991")),
            ("-1", Err("[body.n] Too small: expected number to be >=0")),
            ("0.5", Err("[body.n] Invalid input: expected int, received number")),
        ] {
            let found = read(&json!(text), |body| body.optional("n", "").coerced_integer(0..=100_u64));
            assert_eq!(found.as_ref().map_err(String::as_str), answer.as_ref().map_err(|text| *text), "{text}");
        }
    }
}

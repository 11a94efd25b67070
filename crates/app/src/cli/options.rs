use std::fmt::Display;
use std::ops::RangeInclusive;

use keymint_domain::address::{Network, Networks};
use keymint_domain::key::{Field, MetadataInput};
use keymint_domain::value::{InvalidText, Lifetime, parse_duration};
use keymint_domain::{Metadata, Permissions, Timestamp};
use serde_json::Value;

use super::{CliResult, Misused};
use crate::units::Unit;

/// The words for an option that takes a duration beside a number.
const NUMBER_OR_DURATION: &str = "number or duration (30d, 12h, 5m, 10s, 250ms)";

/// Reads the options of a command into values of the domain, and collects all problems.
///
/// Names and error messages of options are those of the API's members, so that users of both learn one language.
#[derive(Default)]
pub(super) struct Options {
    problems: Vec<String>,
}

impl Options {
    /// Returns `value`, or an error that names every problem.
    pub(super) fn finish<T>(self, value: Option<T>) -> CliResult<T> {
        match value {
            Some(value) if self.problems.is_empty() => Ok(value),
            _ => Err(Misused(self.problems.join("; ")).into()),
        }
    }

    /// Reads a value of the domain.
    pub(super) fn parsed<T, E: Display>(
        &mut self,
        option: &str,
        text: Option<String>,
        parse: impl FnOnce(String) -> Result<T, E>,
    ) -> Option<T> {
        parse(text?).map_err(|error| self.problem(option, error)).ok()
    }

    /// Reads a name or an id.
    pub(super) fn text<T>(
        &mut self,
        option: &str,
        text: Option<String>,
        parse: impl FnOnce(String) -> Result<T, InvalidText>,
    ) -> Option<T> {
        self.parsed(option, text, |text| parse(text).map_err(|error| format!("Invalid string: {error}")))
    }

    /// Reads one of these words.
    pub(super) fn choice<T: Copy>(&mut self, option: &str, text: Option<String>, words: &[(&str, T)]) -> Option<T> {
        self.parsed(option, text, |text| {
            let found = words.iter().find(|(word, _)| *word == text);
            let words = || words.iter().map(|(word, _)| format!("\"{word}\"")).collect::<Vec<_>>().join("|");
            found.map(|(_, value)| *value).ok_or_else(|| format!("Invalid option: expected one of {}", words()))
        })
    }

    /// Reads a date-time as RFC 3339 has it, or a date, which stands for its midnight in UTC.
    pub(super) fn instant(&mut self, option: &str, text: Option<String>) -> Option<Timestamp> {
        let problem = "Invalid date-time: must be RFC 3339, or a date";
        self.parsed(option, text, |text| Timestamp::parse_or_date(&text).map_err(|_| problem))
    }

    /// Reads seconds or a duration; `null` = for ever.
    pub(super) fn lifetime(&mut self, option: &str, text: Option<String>) -> Field<Lifetime> {
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
        match seconds.map(Lifetime::from_seconds) {
            Some(Ok(lifetime)) => Field::Given(lifetime),
            _ => {
                self.problem(option, "Too small: expected number to be >=1");
                Field::Absent
            }
        }
    }

    /// Reads a whole number of `unit`s within `range`, or a duration of as many.
    pub(super) fn duration(
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
    pub(super) fn nullable_duration(
        &mut self,
        option: &str,
        text: Option<String>,
        unit: Unit,
        range: RangeInclusive<u64>,
    ) -> Field<u64> {
        let Some(text) = text else { return Field::Absent };
        let value = match parse_duration(&text) {
            Ok(duration) => match unit.of(duration) {
                Some(number) => number.into(),
                None => {
                    self.problem(option, format_args!("Invalid input: expected a duration of whole {}", unit.plural()));
                    return Field::Absent;
                }
            },
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
    pub(super) fn nullable_integer(
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
    pub(super) fn signed_integer(&mut self, option: &str, text: Option<String>, max: u32) -> Option<i64> {
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
    pub(super) fn integer(&mut self, option: &str, text: Option<String>, range: RangeInclusive<u64>) -> Option<u64> {
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

    /// Reads permissions as JSON: an object of lists, or a bare list; `null` is a value of its own.
    pub(super) fn nullable_permissions(&mut self, option: &str, text: Option<String>) -> Field<Permissions> {
        match text.map(json) {
            None => Field::Absent,
            Some(Value::Null) => Field::Null,
            Some(value) => self.permissions_of(option, &value).map_or(Field::Absent, Field::Given),
        }
    }

    /// Reads permissions as JSON: an object of lists, or a bare list.
    pub(super) fn permissions(&mut self, option: &str, text: Option<String>) -> Option<Permissions> {
        self.permissions_of(option, &json(text?))
    }

    fn permissions_of(&mut self, option: &str, value: &Value) -> Option<Permissions> {
        if let Ok(permissions) = Permissions::from_json(value) {
            return Some(permissions);
        }
        match value {
            Value::Object(resources) => {
                for (resource, actions) in resources {
                    self.refuse_actions(&format!("{option}.{resource}"), actions);
                }
            }
            Value::Array(_) => self.refuse_actions(option, value),
            other => self.expected(option, "record", other),
        }
        None
    }

    /// Collects the problems of a resource's actions, if there are any.
    fn refuse_actions(&mut self, place: &str, value: &Value) {
        let Value::Array(actions) = value else { return self.expected(place, "array", value) };
        for (index, action) in actions.iter().enumerate().filter(|(_, action)| !action.is_string()) {
            self.expected(&format!("{place}.{index}"), "string", action);
        }
    }

    /// Reads metadata as JSON. The configuration decides whether its type is allowed.
    pub(super) fn metadata(text: Option<String>) -> MetadataInput {
        match text.map(json) {
            None => MetadataInput::Absent,
            Some(Value::Null) => MetadataInput::Null,
            Some(value) => Metadata::from_json(&value).map_or(MetadataInput::WrongType, MetadataInput::Given),
        }
    }

    /// Reads metadata of a new key. An empty text, `0` and `false` mean none, as in the API.
    pub(super) fn new_metadata(text: Option<String>) -> MetadataInput {
        match text.as_deref() {
            Some("" | "\"\"" | "0" | "false") => MetadataInput::Null,
            _ => Self::metadata(text),
        }
    }

    /// Reads networks; a single `null` means none.
    pub(super) fn networks(&mut self, option: &str, texts: &[String]) -> Option<Networks> {
        match texts {
            [] => return None,
            [text] if text == "null" => return Some(Networks::default()),
            _ if texts.len() > Networks::MAX => {
                self.problem(option, format_args!("Too big: expected array to have <={} items", Networks::MAX));
                return None;
            }
            _ => {}
        }
        let mut networks = Vec::new();
        for (index, text) in texts.iter().enumerate() {
            match Network::parse(text) {
                Ok(network) => networks.push(network),
                Err(error) => self.problem(&format!("{option}.{index}"), format_args!("Invalid network: {error}")),
            }
        }
        Networks::new(networks).ok()
    }

    fn expected(&mut self, place: &str, expected: &str, found: &Value) {
        self.problem(place, format_args!("Invalid input: expected {expected}, received {}", kind(found)));
    }

    /// Reports a problem of an option that was read.
    pub(super) fn refuse(&mut self, option: &str, text: impl Display) {
        self.problem(option, text);
    }

    fn problem(&mut self, place: &str, text: impl Display) {
        self.problems.push(format!("[option.{place}] {text}"));
    }
}

/// Reads an option that holds JSON. Other text stays text, which a reader of another type then refuses.
fn json(text: String) -> Value {
    serde_json::from_str(&text).unwrap_or(Value::String(text))
}

/// Returns zod's name for the type of a value.
fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the result of `read` on the option `n`, or the text of the error.
    fn read<T>(read: impl FnOnce(&mut Options) -> T) -> Result<T, String> {
        let mut options = Options::default();
        let value = read(&mut options);
        options.finish(Some(value)).map_err(|error| error.to_string())
    }

    fn owned(text: &str) -> String {
        text.to_owned()
    }

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

    #[test]
    fn every_wrong_permission_is_named_with_its_place() {
        let permissions = |text| read(|options| options.permissions("n", Some(owned(text))));
        assert_eq!(permissions(r#"["read"]"#), Ok(Some(Permissions::of(&[("*", &["read"])]))));
        let wrong = "[option.n.a.1] Invalid input: expected string, received number; \
                     [option.n.b] Invalid input: expected array, received string";
        assert_eq!(permissions(r#"{"a":["r",1],"b":"r","c":[]}"#), Err(wrong.to_owned()));
        let wrong = "[option.n.0] Invalid input: expected string, received null";
        assert_eq!(permissions("[null]"), Err(wrong.to_owned()));
        let wrong = "[option.n] Invalid input: expected record, received string";
        assert_eq!(permissions("read"), Err(wrong.to_owned()));
        assert_eq!(read(|options| options.nullable_permissions("n", Some(owned("null")))), Ok(Field::Null));
    }

    #[test]
    fn networks_are_a_list_and_a_lone_null_is_none() {
        let networks = |texts: &[&str]| {
            let texts: Vec<_> = texts.iter().map(|text| (*text).to_owned()).collect();
            read(|options| options.networks("n", &texts))
        };
        assert_eq!(networks(&[]), Ok(None));
        assert_eq!(networks(&["null"]), Ok(Some(Networks::default())));
        let found = networks(&["10.0.0.0/8", "null"]).unwrap_err();
        assert!(found.starts_with("[option.n.1] Invalid network: must be an address or a network"), "{found}");
        let many = networks(&["10.0.0.0/8"; 101]);
        assert_eq!(many, Err("[option.n] Too big: expected array to have <=100 items".to_owned()));
    }

    #[test]
    fn falsy_metadata_of_a_new_key_means_none() {
        for text in ["", "\"\"", "0", "false", "null"] {
            assert_eq!(Options::new_metadata(Some(owned(text))), MetadataInput::Null, "{text}");
        }
        assert_eq!(Options::metadata(Some(owned(""))), MetadataInput::WrongType);
        assert_eq!(Options::metadata(None), MetadataInput::Absent);
    }

    #[test]
    fn all_problems_are_told_together_in_the_order_of_reading() {
        let found = read(|options| {
            options.choice("way", Some(owned("up")), &[("asc", ()), ("desc", ())]);
            options.text("id", Some(owned("")), keymint_domain::KeyId::parse);
            options.choice("way", None, &[("asc", ())]);
        });
        let expected = "[option.way] Invalid option: expected one of \"asc\"|\"desc\"; \
                        [option.id] Invalid string: must have 1 or more characters";
        assert_eq!(found, Err(expected.to_owned()));
    }
}

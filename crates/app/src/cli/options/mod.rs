//! The options of commands, and all that is wrong with them, in the words of the API.

mod number;
mod record;

use std::fmt::Display;

use keymint_domain::Timestamp;
use keymint_domain::address::{Network, Networks};
use keymint_domain::value::InvalidText;
use serde_json::Value;

use super::{CliResult, Misused};

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
mod support {
    use super::Options;

    /// Returns the result of `read` on the option `n`, or the text of the error.
    pub(super) fn read<T>(read: impl FnOnce(&mut Options) -> T) -> Result<T, String> {
        let mut options = Options::default();
        let value = read(&mut options);
        options.finish(Some(value)).map_err(|error| error.to_string())
    }

    pub(super) fn owned(text: &str) -> String {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::support::{owned, read};
    use super::*;

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

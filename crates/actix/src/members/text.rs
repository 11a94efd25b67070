use std::fmt::Display;

use keymint_domain::Timestamp;
use keymint_domain::key::Field;
use keymint_domain::listing::Search;
use keymint_domain::value::InvalidText;
use keymint_ports::BulkCursor;
use serde_json::Value;

use super::{Member, kind, schema};

impl Member<'_, '_> {
    /// Reads a text.
    pub(crate) fn text(mut self) -> Option<String> {
        self.state(|_| schema::text());
        self.read_text()
    }

    /// Reads a text; the document says that the store refuses U+0000 in it.
    pub(crate) fn plain_text(mut self) -> Option<String> {
        self.state(|_| schema::plain_text());
        self.read_text()
    }

    /// Reads a text that the domain parses; the document says that the store refuses U+0000 in it.
    pub(crate) fn parsed_text<T, E: Display>(mut self, parse: impl FnOnce(&str) -> Result<T, E>) -> Option<T> {
        self.state(|_| schema::plain_text());
        let text = self.read_text();
        self.parsed(text, |text| parse(&text).map_err(|error| format!("Invalid string: {error}")))
    }

    /// Reads `true` or `false`.
    pub(crate) fn boolean(mut self) -> Option<bool> {
        self.state(|_| schema::boolean());
        match self.value() {
            None => None,
            Some(Value::Bool(value)) => Some(*value),
            other => {
                let received = kind(other);
                self.expected("boolean", received);
                None
            }
        }
    }

    /// Reads one of these texts.
    pub(crate) fn choice<T: Copy>(mut self, options: &[(&'static str, T)]) -> Option<T> {
        self.state(|_| schema::choice(options.iter().map(|(option, _)| *option)));
        self.read_choice(options)
    }

    /// Reads a date-time as RFC 3339 has it, or a date, which stands for its midnight in UTC.
    pub(crate) fn instant(mut self) -> Option<Timestamp> {
        self.state(|_| schema::instant());
        let text = self.read_text();
        let problem = "Invalid date-time: must be RFC 3339, or a date";
        self.parsed(text, |text| Timestamp::parse_or_date(&text).map_err(|_| problem))
    }

    /// Reads one of these texts. Better Auth checks first that it is a text, which one that is given twice is not.
    pub(crate) fn choice_of_texts<T: Copy>(mut self, options: &[(&'static str, T)]) -> Option<T> {
        self.state(|_| schema::choice(options.iter().map(|(option, _)| *option)));
        self.read_text()?;
        self.read_choice(options)
    }

    /// Reads an id.
    pub(crate) fn id<T>(mut self, parse: impl FnOnce(String) -> Result<T, InvalidText>) -> Option<T> {
        self.state(|_| schema::id());
        let id = self.read_text();
        self.parsed_id(id, parse)
    }

    /// Reads a position that an earlier answer named.
    pub(crate) fn cursor(mut self) -> Option<BulkCursor> {
        self.state(|_| schema::text());
        let text = self.read_text();
        self.parsed(text, |text| BulkCursor::parse(&text).map_err(|error| format!("Invalid string: {error}")))
    }

    /// Reads a text that finds keys.
    pub(crate) fn search(self) -> Option<Search> {
        self.id(Search::parse)
    }

    /// Reads an id; an empty one is [`Field::Null`].
    pub(crate) fn id_or_empty<T>(mut self, parse: impl FnOnce(String) -> Result<T, InvalidText>) -> Field<T> {
        self.state(|_| schema::id_or_empty());
        match self.read_text() {
            Some(id) if id.is_empty() => Field::Null,
            id => self.parsed_id(id, parse).map_or(Field::Absent, Field::Given),
        }
    }

    /// Reads an id that is turned into a text, which the document takes for one.
    pub(crate) fn coerced_id<T>(mut self, parse: impl FnOnce(String) -> Result<T, InvalidText>) -> Option<T> {
        self.state(|_| schema::id());
        let id = self.read_coerced();
        self.parsed_id(id, parse)
    }

    /// Reads an id that is turned into a text. Better Auth ignores an empty one, which the document does not offer.
    pub(crate) fn coerced_id_if_any<T>(mut self, parse: impl FnOnce(String) -> Result<T, InvalidText>) -> Option<T> {
        self.state(|_| schema::id());
        let id = self.read_coerced().filter(|id| !id.is_empty());
        self.parsed_id(id, parse)
    }

    /// Reads an id that is turned into a text; an empty one is [`Field::Null`].
    pub(crate) fn coerced_id_or_empty<T>(mut self, parse: impl FnOnce(String) -> Result<T, InvalidText>) -> Field<T> {
        self.state(|_| schema::id_or_empty());
        // The members of a query are texts already; one that is given twice is none.
        if self.is_in_query() {
            self.read_text();
        }
        match self.read_coerced() {
            Some(id) if id.is_empty() => Field::Null,
            id => self.parsed_id(id, parse).map_or(Field::Absent, Field::Given),
        }
    }

    pub(super) fn read_text(&mut self) -> Option<String> {
        match self.value() {
            None if !self.is_required => None,
            Some(Value::String(text)) => Some(text.clone()),
            other => {
                let received = kind(other);
                self.expected("string", received);
                None
            }
        }
    }

    /// Reads the text that JavaScript's `String()` makes of the member.
    fn read_coerced(&self) -> Option<String> {
        self.value().map(to_text)
    }

    fn read_choice<T: Copy>(&mut self, options: &[(&'static str, T)]) -> Option<T> {
        let given = self.value()?;
        let found = options.iter().find(|(option, _)| given.as_str() == Some(option));
        if found.is_none() {
            self.refuse(not_one_of(options));
        }
        found.map(|(_, value)| *value)
    }

    /// Turns a text that was read into a value of the domain.
    pub(super) fn parsed<T, E: Display>(
        &mut self,
        text: Option<String>,
        parse: impl FnOnce(String) -> Result<T, E>,
    ) -> Option<T> {
        parse(text?).map_err(|error| self.refuse(error)).ok()
    }

    /// The same, with zod's words around those of the domain.
    pub(super) fn parsed_id<T>(
        &mut self,
        id: Option<String>,
        parse: impl FnOnce(String) -> Result<T, InvalidText>,
    ) -> Option<T> {
        self.parsed(id, |id| parse(id).map_err(|error| format!("Invalid string: {error}")))
    }
}

fn to_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(values) => values.iter().map(to_text).collect::<Vec<_>>().join(","),
        Value::Object(_) => "[object Object]".to_owned(),
        // JavaScript has one kind of number, and writes a whole one without a fraction.
        Value::Number(number) if number.as_f64().is_some_and(|float| float.fract() == 0.0 && float.abs() < 1e21) => {
            format!("{:.0}", number.as_f64().unwrap_or_default())
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}

/// Returns zod's words for a text that is none of these.
pub(super) fn not_one_of<T>(options: &[(&'static str, T)]) -> String {
    let options: Vec<_> = options.iter().map(|(option, _)| format!("\"{option}\"")).collect();
    format!("Invalid option: expected one of {}", options.join("|"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::error::ApiError;
    use crate::members::Members;

    fn issues(body: &Value, read: impl FnOnce(&mut Members<'_>)) -> String {
        let mut members = Members::body(Some(body)).unwrap();
        read(&mut members);
        match members.finish(Some(())) {
            Err(ApiError::Validation(text)) => text,
            _ => String::new(),
        }
    }

    #[test]
    fn only_objects_have_members() {
        for (body, received) in [(None, "undefined"), (Some(json!(null)), "null"), (Some(json!([])), "array")] {
            let Err(ApiError::Validation(text)) = Members::body(body.as_ref()) else { panic!("refused") };
            assert_eq!(text, format!("[body] Invalid input: expected object, received {received}"));
        }
    }

    #[test]
    fn all_issues_come_together_in_the_order_of_the_schema() {
        let body = json!({ "b": 1, "a": null, "c": "up" });
        let text = issues(&body, |body| {
            body.optional("a", "").text();
            body.optional("b", "").boolean();
            body.optional("c", "").choice(&[("asc", ()), ("desc", ())]);
            body.required("d", "").text();
            body.optional("absent", "").text();
        });
        assert_eq!(
            text,
            "[body.a] Invalid input: expected string, received null; \
             [body.b] Invalid input: expected boolean, received number; \
             [body.c] Invalid option: expected one of \"asc\"|\"desc\"; \
             [body.d] Invalid input: expected string, received undefined"
        );
    }

    #[test]
    fn every_wrong_text_of_a_list_is_named_and_an_instant_has_one_form() {
        let body = json!({ "a": "x", "b": ["x", 5, null], "c": ["x", "y", "z"], "d": "yesterday" });
        let text = issues(&body, |body| {
            body.optional("a", "").texts(2, "^.$");
            body.optional("b", "").texts(3, "^.$");
            body.optional("c", "").texts(2, "^.$");
            body.optional("d", "").instant();
        });
        assert_eq!(
            text,
            "[body.a] Invalid input: expected array, received string; \
             [body.b.1] Invalid input: expected string, received number; \
             [body.b.2] Invalid input: expected string, received null; \
             [body.c] Too big: expected array to have <=2 items; \
             [body.d] Invalid date-time: must be RFC 3339, or a date"
        );
    }

    #[test]
    fn coerced_text_is_what_javascript_makes_of_it() {
        let body = json!({ "a": null, "b": 7.0, "c": true, "d": [1, "x"], "e": {} });
        let mut members = Members::body(Some(&body)).unwrap();
        let texts = ["a", "b", "c", "d", "e", "f"].map(|name| members.optional(name, "").read_coerced());
        let texts = texts.each_ref().map(|text| text.as_deref());
        assert_eq!(texts, [Some("null"), Some("7"), Some("true"), Some("1,x"), Some("[object Object]"), None]);
    }
}

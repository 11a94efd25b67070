use std::borrow::Cow;
use std::fmt::{self, Display};

use actix_web::HttpRequest;
use serde_json::{Map, Value};

use super::kind::kind;
use crate::ApiError;
use crate::request::pairs;

/// The members of a body or a query, and what is wrong with those that were read so far.
pub struct Object<'a> {
    part: &'static str,
    members: Cow<'a, Map<String, Value>>,
    issues: Vec<String>,
}

/// Names alone: a value may be somebody's key.
impl fmt::Debug for Object<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Object")
            .field("part", &self.part)
            .field("members", &self.members.keys())
            .finish_non_exhaustive()
    }
}

impl<'a> Object<'a> {
    /// The members of a body. Anything but an object is refused at once.
    pub fn body(body: Option<&'a Value>) -> Result<Self, ApiError> {
        let Some(Value::Object(members)) = body else {
            let received = kind(body);
            return Err(ApiError::Validation(format!("[body] Invalid input: expected object, received {received}")));
        };
        Ok(Self { part: "body", members: Cow::Borrowed(members), issues: Vec::new() })
    }

    /// The members of a query, all of them texts. One that is given twice is an array.
    pub fn query(request: &HttpRequest) -> Result<Self, ApiError> {
        let mut members: Map<String, Value> = Map::new();
        let pairs = pairs(request.query_string());
        let pairs = pairs.ok_or_else(|| ApiError::Validation("[query] Invalid input: expected object".to_owned()))?;
        for (name, value) in pairs {
            match members.get_mut(&name) {
                None => drop(members.insert(name, Value::String(value))),
                Some(Value::Array(values)) => values.push(Value::String(value)),
                Some(earlier) => *earlier = Value::Array(vec![earlier.take(), Value::String(value)]),
            }
        }
        Ok(Self { part: "query", members: Cow::Owned(members), issues: Vec::new() })
    }

    /// Answers `value`, or with everything that was wrong.
    pub fn finish<T>(self, value: Option<T>) -> Result<T, ApiError> {
        match value {
            Some(value) if self.issues.is_empty() => Ok(value),
            _ => Err(ApiError::Validation(self.issues.join("; "))),
        }
    }

    /// An optional text.
    pub fn text(&mut self, name: &str) -> Option<String> {
        match self.get(name) {
            None => None,
            Some(Value::String(text)) => Some(text.clone()),
            other => {
                let received = kind(other);
                self.expected(name, "string", received);
                None
            }
        }
    }

    /// A text that must be there.
    pub fn required_text(&mut self, name: &str) -> Option<String> {
        if self.get(name).is_none() {
            self.expected(name, "string", "undefined");
        }
        self.text(name)
    }

    /// A text of one or more characters that must be there.
    pub fn required_nonempty_text(&mut self, name: &str) -> Option<String> {
        let text = self.required_text(name)?;
        if text.is_empty() {
            self.refuse(name, "Too small: expected string to have >=1 characters");
            return None;
        }
        Some(text)
    }

    /// Notes what is wrong with a member, in the words of whoever found it.
    pub fn refuse(&mut self, name: &str, reason: impl Display) {
        self.issue(name, reason);
    }

    /// An optional member that is turned into text, as JavaScript's `String()` does with texts, whole numbers, `true`,
    /// `false` and null.
    pub fn coerced_text(&mut self, name: &str) -> Option<String> {
        self.get(name).map(to_text)
    }

    /// An optional `true` or `false`.
    pub fn boolean(&mut self, name: &str) -> Option<bool> {
        match self.get(name) {
            None => None,
            Some(Value::Bool(value)) => Some(*value),
            other => {
                let received = kind(other);
                self.expected(name, "boolean", received);
                None
            }
        }
    }

    /// An optional text that must be one of these.
    pub fn choice<T: Copy>(&mut self, name: &str, options: &[(&str, T)]) -> Option<T> {
        let given = self.get(name)?;
        let found = options.iter().find(|(option, _)| given.as_str() == Some(option));
        if found.is_none() {
            let options: Vec<_> = options.iter().map(|(option, _)| format!("\"{option}\"")).collect();
            self.issue(name, format_args!("Invalid option: expected one of {}", options.join("|")));
        }
        found.map(|(_, value)| *value)
    }

    /// Turns a text that was read into a value of the domain.
    pub fn parse<T, E: Display>(
        &mut self,
        name: &str,
        text: Option<String>,
        parse: impl FnOnce(String) -> Result<T, E>,
    ) -> Option<T> {
        let parsed = parse(text?);
        parsed.map_err(|error| self.issue(name, format_args!("{error}"))).ok()
    }

    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.members.get(name)
    }

    pub(super) fn expected(&mut self, name: &str, expected: &str, received: &str) {
        self.issue(name, format_args!("Invalid input: expected {expected}, received {received}"));
    }

    pub(super) fn issue(&mut self, name: &str, text: impl Display) {
        self.issues.push(format!("[{}.{name}] {text}", self.part));
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn issues(body: &Value, read: impl FnOnce(&mut Object<'_>)) -> String {
        let mut object = Object::body(Some(body)).unwrap();
        read(&mut object);
        match object.finish(Some(())) {
            Err(ApiError::Validation(text)) => text,
            _ => String::new(),
        }
    }

    #[test]
    fn only_objects_have_members() {
        for (body, received) in [(None, "undefined"), (Some(json!(null)), "null"), (Some(json!([])), "array")] {
            let Err(ApiError::Validation(text)) = Object::body(body.as_ref()) else { panic!("refused") };
            assert_eq!(text, format!("[body] Invalid input: expected object, received {received}"));
        }
    }

    #[test]
    fn all_issues_come_together_in_the_order_of_the_schema() {
        let body = json!({ "b": 1, "a": null, "c": "up" });
        let text = issues(&body, |body| {
            body.text("a");
            body.boolean("b");
            body.choice("c", &[("asc", ()), ("desc", ())]);
            body.required_text("d");
            body.text("absent");
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
    fn coerced_text_is_what_javascript_makes_of_it() {
        let body = json!({ "a": null, "b": 7.0, "c": true, "d": [1, "x"], "e": {} });
        let mut object = Object::body(Some(&body)).unwrap();
        let texts = ["a", "b", "c", "d", "e", "f"].map(|name| object.coerced_text(name));
        let texts = texts.each_ref().map(|text| text.as_deref());
        assert_eq!(texts, [Some("null"), Some("7"), Some("true"), Some("1,x"), Some("[object Object]"), None]);
    }
}

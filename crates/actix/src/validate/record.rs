use keymint_domain::key::{Field, MetadataInput};
use keymint_domain::{Metadata, Permissions};
use serde_json::Value;

use super::Object;
use super::kind::kind;

impl Object<'_> {
    /// An object of string arrays, or a bare one; null is a value of its own.
    pub fn nullable_permissions(&mut self, name: &str) -> Field<Permissions> {
        match self.get(name) {
            Some(Value::Null) => Field::Null,
            _ => self.permissions(name).map_or(Field::Absent, Field::Given),
        }
    }

    /// An object of string arrays, or a bare one, which Better Auth does not take.
    pub fn permissions(&mut self, name: &str) -> Option<Permissions> {
        let value = self.get(name)?;
        if let Ok(permissions) = Permissions::from_json(value) {
            return Some(permissions);
        }
        let mut wrong = Vec::new();
        match value {
            Value::Object(resources) => {
                for (resource, actions) in resources {
                    let path = format!("{name}.{resource}");
                    match actions {
                        Value::Array(actions) => wrong.extend(no_texts(&path, actions)),
                        other => wrong.push((path, "array", kind(Some(other)))),
                    }
                }
            }
            Value::Array(actions) => wrong.extend(no_texts(name, actions)),
            other => wrong.push((name.to_owned(), "record", kind(Some(other)))),
        }
        for (path, expected, received) in wrong {
            self.expected(&path, expected, received);
        }
        None
    }

    /// Metadata of a new key, of which every falsy value means none (docs/better-auth-wire.md 7.1).
    pub fn new_metadata(&mut self, name: &str) -> MetadataInput {
        match self.get(name) {
            Some(Value::Bool(false)) => MetadataInput::Null,
            Some(Value::String(text)) if text.is_empty() => MetadataInput::Null,
            Some(Value::Number(number)) if number.as_f64() == Some(0.0) => MetadataInput::Null,
            _ => self.metadata(name),
        }
    }

    /// Metadata of any type; whether the type will do is the configuration's business.
    pub fn metadata(&mut self, name: &str) -> MetadataInput {
        match self.get(name) {
            None => MetadataInput::Absent,
            Some(Value::Null) => MetadataInput::Null,
            Some(value) => Metadata::from_json(value).map_or(MetadataInput::WrongType, MetadataInput::Given),
        }
    }
}

/// Those that are no texts, as places with what was expected there and what was found.
fn no_texts(path: &str, values: &[Value]) -> impl Iterator<Item = (String, &'static str, &'static str)> {
    let wrong = values.iter().enumerate().filter(|(_, value)| !value.is_string());
    wrong.map(move |(index, value)| (format!("{path}.{index}"), "string", kind(Some(value))))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::ApiError;

    #[test]
    fn every_wrong_permission_is_named() {
        let body = json!({ "permissions": { "a": ["r", 1], "b": "r", "c": [] } });
        let mut object = Object::body(Some(&body)).unwrap();
        object.permissions("permissions");
        let Err(ApiError::Validation(text)) = object.finish(Some(())) else { panic!("refused") };
        assert_eq!(
            text,
            "[body.permissions.a.1] Invalid input: expected string, received number; \
             [body.permissions.b] Invalid input: expected array, received string"
        );
    }

    #[test]
    fn a_bare_list_is_taken_and_what_is_wrong_in_it_is_named() {
        let body = json!({ "good": ["read"], "bad": ["read", null, 5] });
        let mut object = Object::body(Some(&body)).unwrap();
        assert_eq!(object.permissions("good"), Some(Permissions::of(&[("*", &["read"])])));
        object.permissions("bad");
        let Err(ApiError::Validation(text)) = object.finish(Some(())) else { panic!("refused") };
        assert_eq!(
            text,
            "[body.bad.1] Invalid input: expected string, received null; \
             [body.bad.2] Invalid input: expected string, received number"
        );
    }

    #[test]
    fn falsy_metadata_of_a_new_key_means_none() {
        for (value, expected) in [
            (json!(""), MetadataInput::Null),
            (json!(0), MetadataInput::Null),
            (json!(false), MetadataInput::Null),
            (json!(true), MetadataInput::WrongType),
            (json!("x"), MetadataInput::WrongType),
        ] {
            let body = json!({ "metadata": value });
            assert_eq!(Object::body(Some(&body)).unwrap().new_metadata("metadata"), expected, "{body}");
        }
    }
}

use keymint_domain::key::{Field, MetadataInput};
use keymint_domain::{Metadata, Permissions};
use serde_json::{Value, json};
use utoipa::openapi::Schema;
use utoipa::openapi::schema::{AdditionalProperties, ArrayBuilder, ObjectBuilder, Type};

use super::{Member, kind, schema};

impl Member<'_, '_> {
    /// Reads lists of actions by resource, or a bare list of actions of every resource, which neither Better Auth takes nor
    /// the document offers.
    pub(crate) fn permissions(mut self) -> Option<Permissions> {
        self.state(|_| permissions());
        self.read_permissions()
    }

    /// Reads permissions, or null.
    pub(crate) fn nullable_permissions(mut self) -> Field<Permissions> {
        self.state(|_| schema::nullable(permissions()));
        match self.value() {
            Some(Value::Null) => Field::Null,
            _ => self.read_permissions().map_or(Field::Absent, Field::Given),
        }
    }

    /// Reads metadata of any type; the configuration decides if the type will do. The document offers objects and null.
    pub(crate) fn metadata(mut self) -> MetadataInput {
        self.state(|_| schema::nullable(metadata()));
        self.read_metadata()
    }

    /// Reads metadata of a new key: every falsy value means none (docs/better-auth-wire.md 7.1).
    pub(crate) fn new_metadata(mut self) -> MetadataInput {
        self.state(|_| metadata());
        match self.value() {
            Some(Value::Bool(false)) => MetadataInput::Null,
            Some(Value::String(text)) if text.is_empty() => MetadataInput::Null,
            Some(Value::Number(number)) if number.as_f64() == Some(0.0) => MetadataInput::Null,
            _ => self.read_metadata(),
        }
    }

    fn read_permissions(&mut self) -> Option<Permissions> {
        let value = self.value()?;
        if let Ok(permissions) = Permissions::from_json(value) {
            return Some(permissions);
        }
        let name = self.name;
        let mut wrong = Vec::new();
        match value {
            Value::Object(resources) => {
                for (resource, actions) in resources {
                    let path = format!("{name}.{resource}");
                    match actions {
                        Value::Array(actions) => wrong.extend(non_texts(&path, actions)),
                        other => wrong.push((path, "array", kind(Some(other)))),
                    }
                }
            }
            Value::Array(actions) => wrong.extend(non_texts(name, actions)),
            other => wrong.push((name.to_owned(), "record", kind(Some(other)))),
        }
        for (path, expected, received) in wrong {
            self.expected_at(&path, expected, received);
        }
        None
    }

    fn read_metadata(&self) -> MetadataInput {
        match self.value() {
            None => MetadataInput::Absent,
            Some(Value::Null) => MetadataInput::Null,
            Some(value) => Metadata::from_json(value).map_or(MetadataInput::WrongType, MetadataInput::Given),
        }
    }
}

fn permissions() -> ObjectBuilder {
    let actions = ArrayBuilder::new().items(schema::text());
    ObjectBuilder::new()
        .schema_type(Type::Object)
        .additional_properties(Some(actions))
        .examples([json!({ "files": ["read"] })])
}

fn metadata() -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(Type::Object)
        .additional_properties(Some(AdditionalProperties::<Schema>::FreeForm(true)))
        .examples([json!({ "team": "billing" })])
}

/// Returns the elements that are no texts: the path, the expected and the actual type of each.
fn non_texts(path: &str, values: &[Value]) -> impl Iterator<Item = (String, &'static str, &'static str)> {
    let wrong = values.iter().enumerate().filter(|(_, value)| !value.is_string());
    wrong.map(move |(index, value)| (format!("{path}.{index}"), "string", kind(Some(value))))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::error::ApiError;
    use crate::members::Members;

    #[test]
    fn every_wrong_permission_is_named() {
        let body = json!({ "permissions": { "a": ["r", 1], "b": "r", "c": [] } });
        let mut members = Members::body(Some(&body)).unwrap();
        members.optional("permissions", "").permissions();
        let Err(ApiError::Validation(text)) = members.finish(Some(())) else { panic!("refused") };
        assert_eq!(
            text,
            "[body.permissions.a.1] Invalid input: expected string, received number; \
             [body.permissions.b] Invalid input: expected array, received string"
        );
    }

    #[test]
    fn a_bare_list_is_taken_and_what_is_wrong_in_it_is_named() {
        let body = json!({ "good": ["read"], "bad": ["read", null, 5] });
        let mut members = Members::body(Some(&body)).unwrap();
        assert_eq!(members.optional("good", "").permissions(), Some(Permissions::of(&[("*", &["read"])])));
        members.optional("bad", "").permissions();
        let Err(ApiError::Validation(text)) = members.finish(Some(())) else { panic!("refused") };
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
            assert_eq!(Members::body(Some(&body)).unwrap().optional("metadata", "").new_metadata(), expected, "{body}");
        }
    }
}

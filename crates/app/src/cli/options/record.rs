use keymint_domain::key::{Field, MetadataInput};
use keymint_domain::{Metadata, Permissions};
use serde_json::Value;

use super::{Options, json};

impl Options {
    /// Reads permissions as JSON: an object of lists, or a bare list; `null` is a value of its own.
    pub(in crate::cli) fn nullable_permissions(&mut self, option: &str, text: Option<String>) -> Field<Permissions> {
        match text.map(json) {
            None => Field::Absent,
            Some(Value::Null) => Field::Null,
            Some(value) => self.permissions_of(option, &value).map_or(Field::Absent, Field::Given),
        }
    }

    /// Reads permissions as JSON: an object of lists, or a bare list.
    pub(in crate::cli) fn permissions(&mut self, option: &str, text: Option<String>) -> Option<Permissions> {
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
    pub(in crate::cli) fn metadata(text: Option<String>) -> MetadataInput {
        match text.map(json) {
            None => MetadataInput::Absent,
            Some(Value::Null) => MetadataInput::Null,
            Some(value) => Metadata::from_json(&value).map_or(MetadataInput::WrongType, MetadataInput::Given),
        }
    }

    /// Reads metadata of a new key. An empty text, `0` and `false` mean none, as in the API.
    pub(in crate::cli) fn new_metadata(text: Option<String>) -> MetadataInput {
        match text.as_deref() {
            Some("" | "\"\"" | "0" | "false") => MetadataInput::Null,
            _ => Self::metadata(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::options::support::{owned, read};

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
    fn falsy_metadata_of_a_new_key_means_none() {
        for text in ["", "\"\"", "0", "false", "null"] {
            assert_eq!(Options::new_metadata(Some(owned(text))), MetadataInput::Null, "{text}");
        }
        assert_eq!(Options::metadata(Some(owned(""))), MetadataInput::WrongType);
        assert_eq!(Options::metadata(None), MetadataInput::Absent);
    }
}

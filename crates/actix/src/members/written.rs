//! The members of requests that clients send. The readers of this folder read them back.

use keymint_domain::address::Networks;
use keymint_domain::key::{Field, MetadataInput};
use keymint_domain::usage::Every;
use keymint_domain::{ConfigId, Permissions};
use serde_json::{Map, Value, json};

/// The members of a body; those that are absent are left out.
#[derive(Default)]
pub(crate) struct Body(Map<String, Value>);

impl Body {
    pub(crate) fn put(&mut self, name: &str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.0.insert(name.to_owned(), value.into());
        }
    }

    pub(crate) fn put_field(&mut self, name: &str, field: Field<impl Into<Value>>) {
        match field {
            Field::Absent => {}
            Field::Null => self.put(name, Some(Value::Null)),
            Field::Given(value) => self.put(name, Some(value)),
        }
    }

    pub(crate) fn put_config_id(&mut self, id: Option<&ConfigId>) {
        self.put("configId", id.map(ConfigId::as_str));
    }
}

impl From<Body> for Value {
    fn from(Body(members): Body) -> Self {
        Self::Object(members)
    }
}

pub(crate) fn calendar(every: Every) -> Value {
    json!({ "every": every.as_str(), "at": "UTC" })
}

pub(crate) fn permissions(permissions: &Permissions) -> Value {
    parse(permissions.as_json())
}

/// Writes metadata. The server's configuration decides about a wrong type, for which `true` stands.
pub(crate) fn metadata(metadata: &MetadataInput) -> Field<Value> {
    match metadata {
        MetadataInput::Absent => Field::Absent,
        MetadataInput::Null => Field::Null,
        MetadataInput::Given(metadata) => Field::Given(parse(metadata.as_json())),
        MetadataInput::WrongType => Field::Given(true.into()),
    }
}

/// Writes networks; none are null.
pub(crate) fn networks(networks: &Networks) -> Value {
    if networks.is_empty() { Value::Null } else { networks.texts().collect::<Vec<_>>().into() }
}

/// Reads the JSON of a value that keeps it as a text.
fn parse(json: &str) -> Value {
    serde_json::from_str(json).unwrap_or_default()
}

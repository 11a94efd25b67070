use std::borrow::Cow;

use keymint_domain::Policy;
use serde_json::Map;
use utoipa::openapi::path::{Parameter, ParameterIn};
use utoipa::openapi::schema::ObjectBuilder;
use utoipa::openapi::{RefOr, Schema};

use super::schema::{Property, object};
use super::{BODY, Members, QUERY};

/// The members that a reader reads, for the OpenAPI document.
#[derive(Default)]
pub(crate) struct Shape {
    properties: Vec<Property>,
}

/// A shape that is being stated.
pub(super) struct Stated<'a> {
    /// The configurations, whose limits are those of members.
    pub(super) policy: &'a Policy,
    pub(super) shape: Shape,
}

impl Shape {
    /// Returns the members of a body that `read` reads under `policy`.
    pub(crate) fn of_body<T>(policy: &Policy, read: impl FnOnce(&mut Members<'_>) -> T) -> Self {
        Self::of(BODY, policy, read)
    }

    /// Returns the members of a query that `read` reads under `policy`.
    pub(crate) fn of_query<T>(policy: &Policy, read: impl FnOnce(&mut Members<'_>) -> T) -> Self {
        Self::of(QUERY, policy, read)
    }

    fn of<T>(part: &'static str, policy: &Policy, read: impl FnOnce(&mut Members<'_>) -> T) -> Self {
        let mut members = Members::new(part, Cow::Owned(Map::new()));
        members.stated = Some(Stated { policy, shape: Self::default() });
        read(&mut members);
        members.stated.map(|stated| stated.shape).unwrap_or_default()
    }

    pub(super) fn add(
        &mut self,
        name: &'static str,
        is_required: bool,
        schema: RefOr<Schema>,
        description: &'static str,
    ) {
        self.properties.push(Property { name, is_required, schema, description });
    }

    /// Returns the schema of the body.
    pub(crate) fn into_object(self) -> ObjectBuilder {
        object(self.properties)
    }

    /// Returns the members as parameters.
    pub(crate) fn into_parameters(self, place: &ParameterIn) -> impl Iterator<Item = Parameter> {
        self.properties.into_iter().map(|property| property.into_parameter(place.clone()))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_shape_is_what_the_calls_state() {
        let policy = Policy::default();
        let body = Shape::of_body(&policy, |body| {
            body.required("key", "Its text.").text();
            body.optional("cost", "Its cost.").integer(0..=9_u32);
        });
        let body = serde_json::to_value(body.into_object().build()).unwrap();
        assert_eq!(body["required"], json!(["key"]));
        assert_eq!(body["properties"]["key"], json!({ "type": "string", "description": "Its text." }));
        let cost = json!({
            "type": "integer", "format": "int32", "description": "Its cost.", "maximum": 9, "minimum": 0
        });
        assert_eq!(body["properties"]["cost"], cost);
    }
}

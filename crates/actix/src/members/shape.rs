use std::borrow::Cow;

use keymint_domain::Policy;
use serde_json::{Map, Value, json};
use utoipa::openapi::extensions::Extensions;
use utoipa::openapi::path::{Parameter, ParameterIn};
use utoipa::openapi::schema::ObjectBuilder;

use super::schema::{Property, object};
use super::{BODY, Members, QUERY};

/// The members that a reader reads, for the OpenAPI document.
#[derive(Default)]
pub(crate) struct Shape {
    properties: Vec<Property>,
    /// A member, and those of which one must be with it, and none without it.
    halves: Vec<(&'static str, [&'static str; 2])>,
    /// Members of which exactly one must be there.
    either: Vec<[&'static str; 2]>,
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
        schema: ObjectBuilder,
        description: &'static str,
    ) {
        self.properties.push(Property { name, is_required, schema, description });
    }

    pub(super) fn half(&mut self, name: &'static str, others: [&'static str; 2]) {
        self.halves.push((name, others));
    }

    pub(super) fn either(&mut self, names: [&'static str; 2]) {
        self.either.push(names);
    }

    /// Returns the schema of the body.
    pub(crate) fn into_object(self) -> ObjectBuilder {
        let object = object(self.properties);
        if self.halves.is_empty() && self.either.is_empty() {
            return object;
        }
        let all = self.halves.iter().map(|(name, [one, other])| {
            let given =
                |name: &str| json!({ "required": [name], "properties": { name: { "not": { "type": "null" } } } });
            let absent = |name: &str| json!({ "not": { "required": [name] } });
            json!({ "oneOf": [
                { "allOf": [absent(name), absent(one), absent(other)] },
                { "allOf": [given(name), given(one), absent(other)] },
                { "allOf": [given(name), given(other), absent(one)] },
                { "required": [name, one], "properties": { *name: { "type": "null" }, *one: { "type": "null" } } },
            ] })
        });
        let either =
            self.either.iter().map(|names| json!({ "oneOf": names.map(|name| json!({ "required": [name] })) }));
        let all = all.chain(either);
        // A keyword of JSON Schema for which an object of utoipa has no name.
        object.extensions(Some(Extensions::from_iter([("allOf", Value::Array(all.collect()))])))
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
            body.refill();
        });
        let body = serde_json::to_value(body.into_object().build()).unwrap();
        assert_eq!(body["required"], json!(["key"]));
        assert_eq!(body["properties"]["key"], json!({ "type": "string", "description": "Its text." }));
        let cost = json!({ "type": "integer", "description": "Its cost.", "maximum": 9, "minimum": 0 });
        assert_eq!(body["properties"]["cost"], cost);
        let ways = body["allOf"][0]["oneOf"].as_array().unwrap();
        assert_eq!(ways.len(), 4, "absent, an interval, a calendar, or null");
        assert_eq!(ways[0]["allOf"][0], json!({ "not": { "required": ["refillAmount"] } }));
        assert_eq!(ways[3]["required"], json!(["refillAmount", "refillInterval"]));
        let body = Shape::of_body(&policy, |body| body.state_either(["id", "owner"]));
        let body = serde_json::to_value(body.into_object().build()).unwrap();
        let either = json!([{ "oneOf": [{ "required": ["id"] }, { "required": ["owner"] }] }]);
        assert_eq!(body["allOf"], either);
    }

    #[test]
    fn members_of_a_query_are_texts() {
        let shape = |of: fn(&Policy, fn(&mut Members<'_>)) -> Shape| {
            let read =
                |members: &mut Members<'_>| drop(members.optional("id", "").coerced_id(keymint_domain::OwnerId::parse));
            serde_json::to_value(of(&Policy::default(), read).into_object().build()).unwrap()["properties"]["id"]
                .clone()
        };
        assert_eq!(shape(Shape::of_query)["type"], "string");
        assert_eq!(shape(Shape::of_body).get("type"), None, "any JSON");
    }
}

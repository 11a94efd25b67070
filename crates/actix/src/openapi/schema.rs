//! Schemas of what comes in. Requests are read member by member, so that what is wrong with them can be told in Better
//! Auth's words; a list of [`Member`]s beside the reader says the same to the document.

use keymint_domain::address::Networks;
use keymint_domain::policy::{Configuration, Policy};
use serde_json::json;
use utoipa::openapi::extensions::Extensions;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, SchemaType, Type};
use utoipa::openapi::{Object, Required, SchemaFormat};

/// The largest count that a request may have.
const MAX_COUNT: u64 = 2_147_483_647;
/// The largest integer that JavaScript counts to exactly.
pub(crate) const MAX_SAFE_INTEGER: u64 = 9_007_199_254_740_991;
/// Bytes of an id at most.
const MAX_ID_LENGTH: usize = 2048;
/// Any text that every store can keep.
const WITHOUT_NUL: &str = r"^[^\x00]*$";
/// A name has nothing in it that is not seen, as `value::is_unseen` says.
const SEEN: &str =
    r"^[^\u0000-\u001f\u007f-\u009f\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]*$";
const DAY: f64 = 86_400.0;

/// A member of a body, or a parameter.
pub(crate) struct Member {
    name: &'static str,
    required: Required,
    schema: ObjectBuilder,
    description: &'static str,
}

/// A member that must be there.
pub(crate) fn required(name: &'static str, schema: ObjectBuilder, description: &'static str) -> Member {
    Member { name, required: Required::True, schema, description }
}

/// A member that may be left out.
pub(crate) fn optional(name: &'static str, schema: ObjectBuilder, description: &'static str) -> Member {
    Member { name, required: Required::False, schema, description }
}

/// An object with these members, and whatever others, which are dropped.
pub(crate) fn object(members: Vec<Member>) -> ObjectBuilder {
    members.into_iter().fold(ObjectBuilder::new().schema_type(Type::Object), |object, member| {
        let schema = member.schema.description(Some(member.description));
        let object = object.property(member.name, schema);
        if member.required == Required::True { object.required(member.name) } else { object }
    })
}

/// Says of two members of an object that neither may be there without the other.
pub(crate) fn together(object: ObjectBuilder, [one, other]: [&'static str; 2]) -> ObjectBuilder {
    let rule = json!({ one: [other], other: [one] });
    // A keyword of JSON Schema for which utoipa has no name.
    object.extensions(Some(Extensions::from_iter([("dependentRequired", rule)])))
}

impl Member {
    /// The member as a parameter of the query, or of the head.
    pub(crate) fn parameter(self, place: ParameterIn) -> Parameter {
        ParameterBuilder::new()
            .name(self.name)
            .parameter_in(place)
            .required(self.required)
            .description(Some(self.description))
            .schema(Some(self.schema))
            .build()
    }
}

/// Any text.
pub(crate) fn text() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}

/// A text without U+0000.
pub(crate) fn plain_text() -> ObjectBuilder {
    text().pattern(Some(WITHOUT_NUL))
}

/// A name: a text of what is seen.
pub(crate) fn seen_text() -> ObjectBuilder {
    text().pattern(Some(SEEN))
}

/// An id: a plain text that is not empty.
pub(crate) fn id() -> ObjectBuilder {
    id_or_empty().min_length(Some(1))
}

/// An id, or an empty text that stands for one.
pub(crate) fn id_or_empty() -> ObjectBuilder {
    plain_text().max_length(Some(MAX_ID_LENGTH))
}

/// An id as Better Auth coerces it: other JSON than texts is turned into one.
pub(crate) fn coerced_id() -> ObjectBuilder {
    let nothing = Extensions::from_iter([("minItems", json!(1))]);
    coerced_id_or_empty().min_length(Some(1)).extensions(Some(nothing))
}

/// The same, or what becomes an empty text.
pub(crate) fn coerced_id_or_empty() -> ObjectBuilder {
    id_or_empty().schema_type(SchemaType::AnyValue)
}

/// One of these texts.
pub(crate) fn choice<'a>(options: impl IntoIterator<Item = &'a str>) -> ObjectBuilder {
    text().enum_values(Some(options))
}

/// `true` or `false`.
pub(crate) fn boolean() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::Boolean)
}

/// A whole number within these bounds.
pub(crate) fn integer(min: u64, max: u64) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(min)).maximum(Some(max))
}

/// A count of `min` or more.
pub(crate) fn count(min: u64) -> ObjectBuilder {
    integer(min, MAX_COUNT)
}

/// A network address. JSON Schema's own formats know no ports, and either kind of address alone.
pub(crate) fn address() -> ObjectBuilder {
    text().format(Some(SchemaFormat::Custom("ip".to_owned()))).examples(["203.0.113.7"])
}

/// A list of networks, or null.
pub(crate) fn networks() -> ObjectBuilder {
    let item = json!({ "type": "string", "format": "cidr" });
    let kinds = json!([{ "type": "array", "items": item, "maxItems": Networks::MAX }, { "type": "null" }]);
    ObjectBuilder::new()
        .schema_type(SchemaType::AnyValue)
        .extensions(Some(Extensions::from_iter([("anyOf", kinds)])))
        .examples([json!(["203.0.113.0/24", "2001:db8::7"])])
}

/// Lists of actions by resource, or one of actions of every resource.
pub(crate) fn permissions() -> ObjectBuilder {
    let actions = ArrayBuilder::new().items(text());
    ObjectBuilder::new()
        .schema_type(SchemaType::from_iter([Type::Object, Type::Array]))
        .additional_properties(Some(actions))
        .extensions(Some(Extensions::from_iter([("items", json!({ "type": "string" }))])))
        .examples([json!({ "files": ["read"] })])
}

/// What was asked for and is not granted, in an answer.
pub(crate) fn missing() -> ObjectBuilder {
    let actions = ArrayBuilder::new().items(text());
    let description = "Permissions that were asked for and are not granted, where that is the reason.";
    ObjectBuilder::new().schema_type(Type::Object).additional_properties(Some(actions)).description(Some(description))
}

/// What is attached to a key.
pub(crate) fn metadata() -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(SchemaType::from_iter([Type::Object, Type::Array, Type::Null]))
        .examples([json!({ "team": "billing" })])
}

/// What is attached to a new key, where falsy JSON is none.
pub(crate) fn new_metadata() -> ObjectBuilder {
    let kinds = json!([{ "type": ["object", "array", "null"] }, { "enum": ["", 0, false] }]);
    let kinds = Extensions::from_iter([("anyOf", kinds)]);
    metadata().schema_type(SchemaType::AnyValue).extensions(Some(kinds))
}

/// The same, or null.
pub(crate) fn nullable(schema: ObjectBuilder) -> ObjectBuilder {
    let schema = Object::from(schema);
    let types = match schema.schema_type.clone() {
        SchemaType::Type(of) => vec![of, Type::Null],
        SchemaType::Array(of) => of.into_iter().chain([Type::Null]).collect(),
        SchemaType::AnyValue => return ObjectBuilder::from(schema),
    };
    ObjectBuilder::from(schema).schema_type(SchemaType::Array(types))
}

/// A key's name, as long as some configuration takes it. `or_empty` where an empty one counts as none.
pub(crate) fn name(policy: &Policy, or_empty: bool) -> ObjectBuilder {
    let all = policy.configurations();
    let least = |entry: &Configuration| if or_empty && !entry.require_name { 0 } else { entry.name_length.min };
    seen_text().min_length(all.iter().map(least).min()).max_length(all.iter().map(|entry| entry.name_length.max).max())
}

/// What a key begins with, as long as some configuration takes it.
pub(crate) fn prefix(policy: &Policy) -> ObjectBuilder {
    let all = policy.configurations();
    text()
        .pattern(Some("^[A-Za-z0-9_-]+$"))
        .min_length(all.iter().map(|entry| entry.prefix_length.min).min())
        .max_length(all.iter().map(|entry| entry.prefix_length.max).max())
}

/// Seconds that a key may live by some configuration, or null.
pub(crate) fn lifetime(policy: &Policy) -> ObjectBuilder {
    let limits = || policy.configurations().iter().map(|entry| entry.expiration);
    let least = limits().map(|limits| f64::from(limits.min_days) * DAY).fold(f64::INFINITY, f64::min);
    let most = limits().map(|limits| f64::from(limits.max_days) * DAY).fold(1.0, f64::max);
    let number = ObjectBuilder::new().schema_type(Type::Number).minimum(Some(least.max(1.0))).maximum(Some(most));
    nullable(number).examples([json!(86_400)])
}

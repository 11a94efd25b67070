//! Schemas of JSON: the types of members, and objects of them.

use serde_json::json;
use utoipa::openapi::extensions::Extensions;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, SchemaType, Type};
use utoipa::openapi::{KnownFormat, Object, Required, SchemaFormat};

/// The largest integer that JavaScript counts to exactly.
pub(crate) const MAX_SAFE_INTEGER: u64 = 9_007_199_254_740_991;
/// The largest id, in bytes.
const MAX_ID_LENGTH: usize = 2048;
/// A text without invisible characters, as `value::is_unseen` in the domain defines them.
const VISIBLE: &str =
    r"^[^\u0000-\u001f\u007f-\u009f\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]*$";
/// Any text that every store can keep.
const WITHOUT_NUL: &str = r"^[^\x00]*$";

/// A member of an object, or a parameter.
pub(crate) struct Property {
    pub(super) name: &'static str,
    pub(super) is_required: bool,
    pub(super) schema: ObjectBuilder,
    pub(super) description: &'static str,
}

/// Returns a property that must be there.
pub(crate) fn required(name: &'static str, schema: ObjectBuilder, description: &'static str) -> Property {
    Property { name, is_required: true, schema, description }
}

/// Returns a property that may be absent.
pub(crate) fn optional(name: &'static str, schema: ObjectBuilder, description: &'static str) -> Property {
    Property { name, is_required: false, schema, description }
}

/// Returns an object with these properties and any others.
pub(crate) fn object(properties: Vec<Property>) -> ObjectBuilder {
    properties.into_iter().fold(ObjectBuilder::new().schema_type(Type::Object), |object, property| {
        let schema = property.schema.description(Some(property.description));
        let object = object.property(property.name, schema);
        if property.is_required { object.required(property.name) } else { object }
    })
}

impl Property {
    /// Returns the property as a parameter of the query, of the head or of the path.
    pub(crate) fn into_parameter(self, place: ParameterIn) -> Parameter {
        ParameterBuilder::new()
            .name(self.name)
            .parameter_in(place)
            .required(if self.is_required { Required::True } else { Required::False })
            .description(Some(self.description))
            .schema(Some(self.schema))
            .build()
    }
}

/// Any text.
pub(crate) fn text() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}

/// A date-time.
pub(crate) fn instant() -> ObjectBuilder {
    text().format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
}

/// A text without U+0000.
pub(crate) fn plain_text() -> ObjectBuilder {
    text().pattern(Some(WITHOUT_NUL))
}

/// A name without invisible characters.
pub(crate) fn visible_text() -> ObjectBuilder {
    text().pattern(Some(VISIBLE))
}

/// An id: a plain text that is not empty.
pub(crate) fn id() -> ObjectBuilder {
    id_or_empty().min_length(Some(1))
}

/// An id, or an empty text that means something else.
pub(super) fn id_or_empty() -> ObjectBuilder {
    plain_text().max_length(Some(MAX_ID_LENGTH))
}

/// An id as Better Auth coerces it: JSON of other types is turned into a text.
pub(super) fn coerced_id() -> ObjectBuilder {
    let nothing = Extensions::from_iter([("minItems", json!(1))]);
    coerced_id_or_empty().min_length(Some(1)).extensions(Some(nothing))
}

/// The same, or what becomes an empty text.
pub(super) fn coerced_id_or_empty() -> ObjectBuilder {
    id_or_empty().schema_type(SchemaType::AnyValue)
}

/// A list of at most so many texts of a pattern.
pub(super) fn texts(max: usize, pattern: &str) -> ObjectBuilder {
    let item = json!({ "type": "string", "pattern": pattern });
    // One extension: several are in another order in each process, and the document would differ from itself.
    let list = json!([{ "type": "array", "items": item, "maxItems": max }]);
    ObjectBuilder::new().schema_type(SchemaType::AnyValue).extensions(Some(Extensions::from_iter([("allOf", list)])))
}

/// A list of some of these texts.
pub(super) fn choices<'a>(options: impl IntoIterator<Item = &'a str>) -> ObjectBuilder {
    let options: Vec<_> = options.into_iter().collect();
    let list = json!([{ "type": "array", "items": { "enum": options }, "maxItems": options.len() }]);
    ObjectBuilder::new().schema_type(SchemaType::AnyValue).extensions(Some(Extensions::from_iter([("allOf", list)])))
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

/// A whole number within these bounds.
pub(super) fn signed_integer(min: i64, max: i64) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(min)).maximum(Some(max))
}

/// A schema's value, or null.
pub(super) fn nullable(schema: ObjectBuilder) -> ObjectBuilder {
    let schema = Object::from(schema);
    let types = match schema.schema_type.clone() {
        SchemaType::Type(of) => vec![of, Type::Null],
        SchemaType::Array(of) => of.into_iter().chain([Type::Null]).collect(),
        SchemaType::AnyValue => return ObjectBuilder::from(schema),
    };
    ObjectBuilder::from(schema).schema_type(SchemaType::Array(types))
}

//! Schemas of JSON: the types of members, and objects of them.
//!
//! They say what a client should send, in the words that generators of clients know (docs/adr/0094). The calls
//! that read members take more, as Better Auth does.

use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, SchemaType, Type};
use utoipa::openapi::{KnownFormat, Object, RefOr, Required, Schema, SchemaFormat};

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
    pub(super) schema: RefOr<Schema>,
    pub(super) description: &'static str,
}

/// Returns a property that must be there.
pub(crate) fn required(name: &'static str, schema: impl Into<RefOr<Schema>>, description: &'static str) -> Property {
    Property { name, is_required: true, schema: schema.into(), description }
}

/// Returns a property that may be absent.
pub(crate) fn optional(name: &'static str, schema: impl Into<RefOr<Schema>>, description: &'static str) -> Property {
    Property { name, is_required: false, schema: schema.into(), description }
}

/// Returns an object with these properties and any others.
pub(crate) fn object(properties: Vec<Property>) -> ObjectBuilder {
    properties.into_iter().fold(ObjectBuilder::new().schema_type(Type::Object), |object, property| {
        let object = object.property(property.name, described(property.schema, property.description));
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

/// Returns the schema with a description.
fn described(mut schema: RefOr<Schema>, description: &str) -> RefOr<Schema> {
    let description = description.to_owned();
    match &mut schema {
        RefOr::T(Schema::Object(object)) => object.description = Some(description),
        RefOr::T(Schema::Array(array)) => array.description = Some(description),
        RefOr::Ref(reference) => reference.description = description,
        RefOr::T(_) => {}
    }
    schema
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

/// A list of at most so many texts of a pattern.
pub(super) fn texts(max: usize, pattern: &str) -> ArrayBuilder {
    list(text().pattern(Some(pattern)), max)
}

/// A list of some of these texts.
pub(super) fn choices<'a>(options: impl IntoIterator<Item = &'a str>) -> ArrayBuilder {
    let options: Vec<_> = options.into_iter().collect();
    let max = options.len();
    list(choice(options), max)
}

/// A list of at most so many items.
pub(crate) fn list(item: ObjectBuilder, max: usize) -> ArrayBuilder {
    ArrayBuilder::new().items(item).max_items(Some(max))
}

/// One of these texts.
pub(crate) fn choice<'a>(options: impl IntoIterator<Item = &'a str>) -> ObjectBuilder {
    text().enum_values(Some(options))
}

/// `true` or `false`.
pub(crate) fn boolean() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::Boolean)
}

/// A whole number within these bounds. The format is the width: without it, clients take 32 bits for enough.
pub(crate) fn integer(min: u64, max: u64) -> ObjectBuilder {
    let format = if i32::try_from(max).is_ok() { KnownFormat::Int32 } else { KnownFormat::Int64 };
    let integer = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(min)).maximum(Some(max));
    integer.format(Some(SchemaFormat::KnownFormat(format)))
}

/// A whole number of 32 bits within these bounds.
pub(super) fn signed_integer(min: i32, max: i32) -> ObjectBuilder {
    let integer = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(min)).maximum(Some(max));
    integer.format(Some(SchemaFormat::KnownFormat(KnownFormat::Int32)))
}

/// A schema's value, or null.
pub(crate) fn nullable(schema: ObjectBuilder) -> ObjectBuilder {
    let schema = Object::from(schema);
    let types = match schema.schema_type.clone() {
        SchemaType::Type(of) => vec![of, Type::Null],
        SchemaType::Array(of) => of.into_iter().chain([Type::Null]).collect(),
        SchemaType::AnyValue => return ObjectBuilder::from(schema),
    };
    ObjectBuilder::from(schema).schema_type(SchemaType::Array(types))
}

use utoipa::openapi::schema::{ObjectBuilder, OneOfBuilder, Type};
use utoipa::openapi::{Ref, RefOr, Schema};

/// The name of the schema that lists the codes of errors and refusals. The document makes it of what operations state.
pub(crate) const ERROR_CODE: &str = "ErrorCode";

/// Returns a reference to the schema of codes.
pub(crate) fn error_code() -> Ref {
    Ref::from_schema_name(ERROR_CODE)
}

/// Returns the schema of a code, or of null.
pub(super) fn error_code_or_null() -> RefOr<Schema> {
    or_null(error_code())
}

/// Returns the schema of what `reference` names, or of null.
pub(crate) fn or_null(reference: Ref) -> RefOr<Schema> {
    OneOfBuilder::new().item(reference).item(ObjectBuilder::new().schema_type(Type::Null)).into()
}

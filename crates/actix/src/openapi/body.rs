use serde_json::Value;
use utoipa::openapi::request_body::{RequestBody, RequestBodyBuilder};
use utoipa::openapi::{ContentBuilder, RefOr, Required, Schema};

use super::parts::Parts;

/// The body that an endpoint reads, in JSON. Some take HTML forms too, which no client needs.
pub(super) struct Body {
    pub(super) schema: RefOr<Schema>,
    pub(super) example: Value,
    pub(super) is_required: bool,
}

pub(super) const JSON: &str = "application/json";

impl Body {
    /// Returns the body of the operation `id` as the document has it. `parts` keeps its schema, so that clients have a type
    /// of this name, and not one that operations with equal bodies share.
    pub(super) fn build(self, id: &str, parts: &mut Parts) -> RequestBody {
        let required = if self.is_required { Required::True } else { Required::False };
        let schema = parts.body(id, self.schema);
        let content = ContentBuilder::new().schema(Some(schema)).example(Some(self.example)).build();
        RequestBodyBuilder::new().required(Some(required)).content(JSON, content).build()
    }
}

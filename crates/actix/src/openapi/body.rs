use serde_json::Value;
use utoipa::openapi::request_body::{RequestBody, RequestBodyBuilder};
use utoipa::openapi::schema::{ObjectBuilder, SchemaType, Type};
use utoipa::openapi::{ContentBuilder, Object, RefOr, Required, Schema};

/// The body that an endpoint reads.
pub(super) struct Body {
    pub(super) schema: ObjectBuilder,
    pub(super) example: Value,
    pub(super) is_required: bool,
    /// True if it may be the body of an HTML form.
    pub(super) may_be_form: bool,
}

pub(super) const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";

impl Body {
    /// Returns the body as the document has it.
    pub(super) fn build(self) -> RequestBody {
        let required = if self.is_required { Required::True } else { Required::False };
        let content = |schema| ContentBuilder::new().schema(Some(schema)).example(Some(self.example.clone())).build();
        let schema = Object::from(self.schema);
        let form = self.may_be_form.then(|| content(form(schema.clone())));
        let body = RequestBodyBuilder::new().required(Some(required)).content(JSON, content(schema));
        let body = form.into_iter().fold(body, |body, form| body.content(FORM, form));
        body.build()
    }
}

/// Returns a form's fields: the members that are texts.
fn form(mut schema: Object) -> Object {
    let is_text = |schema: &RefOr<Schema>| matches!(schema, RefOr::T(Schema::Object(object)) if object.schema_type == SchemaType::Type(Type::String));
    schema.properties.retain(|_, schema| is_text(schema));
    schema
}

use std::fmt;

use serde_json::Value;
use utoipa::ToSchema;
use utoipa::openapi::header::Header;
use utoipa::openapi::link::LinkBuilder;
use utoipa::openapi::path::{HttpMethod, Operation, OperationBuilder, Parameter, ParameterIn};
use utoipa::openapi::response::ResponseBuilder;
use utoipa::openapi::schema::ObjectBuilder;
use utoipa::openapi::{ContentBuilder, Ref, RefOr, Response, Schema};

use super::body::{Body, JSON};
use super::failures::Failures;
use super::parts::Parts;
use super::security::Callers;
use super::{header, in_dialect};
use crate::error::ApiError;
use crate::members::Shape;
use crate::members::schema::Property;

/// The description of an endpoint: what it takes, answers, and fails with.
pub(crate) struct Description {
    /// Names the operation to generated clients.
    id: &'static str,
    summary: &'static str,
    text: Option<&'static str>,
    callers: Callers,
    parameters: Vec<Parameter>,
    body: Option<Body>,
    success: Vec<(&'static str, ResponseBuilder)>,
    /// The headers that a 200 has in common with other answers.
    headers: Vec<&'static str>,
    /// The schemas that the answers refer to.
    schemas: Vec<(String, RefOr<Schema>)>,
    failures: Failures,
}

impl Description {
    /// Names an operation, and says who may ask.
    pub(crate) fn new(id: &'static str, summary: &'static str, callers: Callers) -> Self {
        Self {
            id,
            summary,
            text: None,
            failures: callers.failures(),
            callers,
            parameters: Vec::new(),
            body: None,
            success: Vec::new(),
            headers: Vec::new(),
            schemas: Vec::new(),
        }
    }

    /// Adds what does not fit into one line.
    pub(crate) fn text(self, text: &'static str) -> Self {
        Self { text: Some(text), ..self }
    }

    /// Adds parameters of the query.
    pub(crate) fn takes(mut self, query: Shape) -> Self {
        self.parameters.extend(query.into_parameters(&ParameterIn::Query));
        self
    }

    /// Adds parameters of the query, of the head or of the path.
    pub(crate) fn takes_from(mut self, place: &ParameterIn, properties: Vec<Property>) -> Self {
        self.parameters.extend(properties.into_iter().map(|property| property.into_parameter(place.clone())));
        self
    }

    /// Adds a JSON body that must be there.
    pub(crate) fn reads(self, body: Shape, example: Value) -> Self {
        self.reads_schema(body.into_object(), example)
    }

    /// Adds a JSON body of this schema that must be there.
    pub(crate) fn reads_schema(mut self, schema: impl Into<RefOr<Schema>>, example: Value) -> Self {
        self.failures.add(Failures::of_a_body());
        self.body = Some(Body { schema: schema.into(), example, is_required: true });
        self
    }

    /// Allows the body to be absent.
    pub(crate) fn or_nothing(mut self) -> Self {
        self.body = self.body.map(|body| Body { is_required: false, ..body });
        self
    }

    /// Answers 200 with a body of this type.
    pub(crate) fn answers<T: ToSchema>(self, description: &str, example: Value) -> Self {
        let schema = Ref::from_schema_name(T::name());
        self.refers_to::<T>().succeeds("200", description, JSON, schema, Some(example))
    }

    /// Keeps the schema of a type to which an answer's schema refers.
    pub(crate) fn refers_to<T: ToSchema>(mut self) -> Self {
        self.schemas.push((T::name().into_owned(), T::schema()));
        T::schemas(&mut self.schemas);
        self
    }

    /// Answers 200 with a body of this schema.
    pub(crate) fn answers_with(self, description: &str, schema: impl Into<RefOr<Schema>>, example: Value) -> Self {
        self.succeeds("200", description, JSON, schema, Some(example))
    }

    /// Answers with a body of another media type, or of one more.
    pub(crate) fn succeeds(
        self,
        status: &'static str,
        description: &str,
        media_type: &str,
        schema: impl Into<RefOr<Schema>>,
        example: Option<Value>,
    ) -> Self {
        let content = ContentBuilder::new().schema(Some(schema)).example(example).build();
        self.on_success(status, |response| response.description(description).content(media_type, content))
    }

    /// Answers with a success without a body.
    pub(crate) fn succeeds_silently(self, status: &'static str, description: &str) -> Self {
        self.on_success(status, |response| response.description(description))
    }

    /// Adds a header of the success.
    pub(crate) fn with_header(self, name: &str, schema: ObjectBuilder, description: &str) -> Self {
        let header = Header::builder().schema(Some(schema)).description(Some(description)).build();
        let status = self.success.last().map_or("200", |(status, _)| status);
        self.on_success(status, |response| response.header(name, header))
    }

    /// Adds headers of the success that other answers have too.
    pub(crate) fn with_headers(mut self, names: impl IntoIterator<Item = &'static str>) -> Self {
        self.headers.extend(names);
        self
    }

    /// Links the answer to another operation, which takes the part `from` of it as the parameter `into`. OpenAPI Generator
    /// does not take links with a body that is an object.
    pub(crate) fn leads_to(self, operation: &str, into: &str, from: &str) -> Self {
        let link = LinkBuilder::new().operation_id(operation).parameter(into, from);
        self.on_success("200", |response| response.link(operation, link.build()))
    }

    fn on_success(mut self, status: &'static str, change: impl FnOnce(ResponseBuilder) -> ResponseBuilder) -> Self {
        let place = self.success.iter().position(|(other, _)| *other == status);
        let response = match place {
            Some(place) => self.success.remove(place).1,
            None => ResponseBuilder::new(),
        };
        self.success.push((status, change(response)));
        self
    }

    /// Adds the errors of this endpoint.
    pub(crate) fn fails<E: Into<ApiError>>(mut self, errors: impl IntoIterator<Item = E>) -> Self {
        self.failures.add(errors.into_iter().map(Into::into));
        self
    }

    /// Adds errors in a form of their own.
    pub(crate) fn fails_as(mut self, failures: Failures) -> Self {
        self.failures.join(failures);
        self
    }

    /// Takes the parameters, which every method has in common.
    pub(super) fn parameters(&mut self) -> Option<Vec<Parameter>> {
        Some(std::mem::take(&mut self.parameters)).filter(|parameters| !parameters.is_empty())
    }

    /// Returns the operation of one method, which is part of the name of all but the first. `parts` collects what it refers
    /// to.
    pub(super) fn operation(self, tag: &str, method: &HttpMethod, is_first: bool, parts: &mut Parts) -> Operation {
        let has_bodies = *method != HttpMethod::Head;
        let suffix = if is_first { "" } else { name(method) };
        let everywhere = self.callers.headers();
        parts.add(self.schemas);
        let operation = OperationBuilder::new().tag(tag).operation_id(Some(format!("{}{suffix}", self.id)));
        let operation = operation.summary(Some(self.summary)).description(self.text);
        let body = self.body.map(|body| body.build(self.id, parts));
        let operation = operation.request_body(body).securities(self.callers.requirements());
        let operation = self.success.into_iter().fold(operation, |operation, (status, response)| {
            let own = self.headers.iter().filter(|_| status == "200");
            let names = own.chain(everywhere).flat_map(|name| in_dialect(name, parts.limit_fields));
            let response = names.fold(response, |response, name| response.header_ref(name, header(name)));
            let response = response.build();
            operation.response(status, if has_bodies { response } else { without_body(response) })
        });
        let failures = self.failures.responses(everywhere, parts).into_iter();
        let operation = failures.fold(operation, |operation, (status, response)| {
            let response = if has_bodies { response } else { without_body(response) };
            operation.response(status.to_string(), parts.response(response))
        });
        operation.build()
    }
}

/// Returns the response to `HEAD`.
fn without_body(response: Response) -> Response {
    let mut response = response;
    response.content.clear();
    response
}

/// Returns a method as a part of an operation's name.
fn name(method: &HttpMethod) -> &'static str {
    match method {
        HttpMethod::Get => "Get",
        HttpMethod::Post => "Post",
        HttpMethod::Put => "Put",
        HttpMethod::Delete => "Delete",
        HttpMethod::Options => "Options",
        HttpMethod::Head => "Head",
        HttpMethod::Patch => "Patch",
        HttpMethod::Trace => "Trace",
    }
}

/// Shows the name alone.
impl fmt::Debug for Description {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Description").field("id", &self.id).finish_non_exhaustive()
    }
}

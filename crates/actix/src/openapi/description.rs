use std::fmt;

use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa::openapi::header::Header;
use utoipa::openapi::link::LinkBuilder;
use utoipa::openapi::path::{HttpMethod, Operation, OperationBuilder, Parameter, ParameterIn};
use utoipa::openapi::response::ResponseBuilder;
use utoipa::openapi::schema::ObjectBuilder;
use utoipa::openapi::{ContentBuilder, Ref, RefOr, Response, Schema};

use super::body::{Body, JSON};
use super::failures::Failures;
use super::header;
use super::parts::Parts;
use super::schema::Member;
use super::security::Callers;
use crate::ApiError;

/// What an endpoint takes and answers, for the document.
pub(crate) struct Description {
    /// Names the operation to generated clients.
    id: &'static str,
    summary: &'static str,
    tag: &'static str,
    text: Option<&'static str>,
    callers: Callers,
    parameters: Vec<Parameter>,
    body: Option<Body>,
    success: Vec<(&'static str, ResponseBuilder)>,
    /// The schemas that the answers refer to.
    schemas: Vec<(String, RefOr<Schema>)>,
    failures: Failures,
}

impl Description {
    pub(super) fn new(tag: &'static str, id: &'static str, summary: &'static str, callers: Callers) -> Self {
        Self {
            id,
            summary,
            tag,
            text: None,
            failures: callers.failures(),
            callers,
            parameters: Vec::new(),
            body: None,
            success: Vec::new(),
            schemas: Vec::new(),
        }
    }

    /// What does not fit into one line.
    pub(super) fn text(self, text: &'static str) -> Self {
        Self { text: Some(text), ..self }
    }

    /// Parameters of the query, of the head or of the path.
    pub(super) fn takes(mut self, place: &ParameterIn, members: Vec<Member>) -> Self {
        self.parameters.extend(members.into_iter().map(|member| member.parameter(place.clone())));
        self
    }

    /// A JSON body that must be there.
    pub(super) fn reads(mut self, schema: ObjectBuilder, example: Value) -> Self {
        self.failures.add(Failures::of_a_body());
        self.body = Some(Body { schema, example, is_required: true, may_be_form: false });
        self
    }

    /// The body may be missing.
    pub(super) fn or_nothing(mut self) -> Self {
        self.body = self.body.map(|body| Body { is_required: false, ..body });
        self
    }

    /// The body may be that of an HTML form.
    pub(super) fn or_form(mut self) -> Self {
        self.body = self.body.map(|body| Body { may_be_form: true, ..body });
        self
    }

    /// 200 with a body of this type.
    pub(super) fn answers<T: ToSchema>(self, description: &str, example: Value) -> Self {
        let schema = Ref::from_schema_name(T::name());
        self.refers_to::<T>().succeeds("200", description, JSON, schema, Some(example))
    }

    /// Keeps the schema of a type to which an answer's refers.
    pub(super) fn refers_to<T: ToSchema>(mut self) -> Self {
        self.schemas.push((T::name().into_owned(), T::schema()));
        T::schemas(&mut self.schemas);
        self
    }

    /// 200 with a body of this schema.
    pub(super) fn answers_with(self, description: &str, schema: impl Into<RefOr<Schema>>, example: Value) -> Self {
        self.succeeds("200", description, JSON, schema, Some(example))
    }

    /// A body of another media type, or of one more.
    pub(super) fn succeeds(
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

    /// A success without a body.
    pub(super) fn succeeds_silently(self, status: &'static str, description: &str) -> Self {
        self.on_success(status, |response| response.description(description))
    }

    /// A header of the success.
    pub(super) fn with_header(self, name: &str, schema: ObjectBuilder, description: &str) -> Self {
        let header = Header::builder().schema(Some(schema)).description(Some(description)).build();
        let status = self.success.last().map_or("200", |(status, _)| status);
        self.on_success(status, |response| response.header(name, header))
    }

    /// Headers of the success that other answers have too.
    pub(super) fn with_headers<'a>(self, names: impl IntoIterator<Item = &'a str>) -> Self {
        names.into_iter().fold(self, |description, name| {
            description.on_success("200", |response| response.header_ref(name, header(name)))
        })
    }

    /// What a client may do next with the answer: `into` is where the operation takes what `from` says.
    pub(super) fn leads_to(self, operation: &str, into: &str, from: &str) -> Self {
        let link = LinkBuilder::new().operation_id(operation);
        let link = match into.strip_prefix("body.") {
            Some(member) => link.request_body(Some(json!({ member: from }))),
            None => link.parameter(into, from),
        };
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

    /// What may go wrong here besides what may anywhere.
    pub(super) fn fails<E: Into<ApiError>>(mut self, errors: impl IntoIterator<Item = E>) -> Self {
        self.failures.add(errors.into_iter().map(Into::into));
        self
    }

    /// What may go wrong, in a form of its own.
    pub(super) fn fails_as(mut self, failures: Failures) -> Self {
        self.failures.join(failures);
        self
    }

    /// The parameters, which are those of every method.
    pub(super) fn parameters(&mut self) -> Option<Vec<Parameter>> {
        Some(std::mem::take(&mut self.parameters)).filter(|parameters| !parameters.is_empty())
    }

    /// The operation of one method, which is part of the name of all but the first. What it refers to goes into `parts`.
    pub(super) fn operation(self, method: &HttpMethod, is_first: bool, parts: &mut Parts) -> Operation {
        let has_bodies = *method != HttpMethod::Head;
        let suffix = if is_first { "" } else { name(method) };
        let everywhere = self.callers.headers();
        parts.add(self.schemas);
        let operation = OperationBuilder::new().tag(self.tag).operation_id(Some(format!("{}{suffix}", self.id)));
        let operation = operation.summary(Some(self.summary)).description(self.text);
        let operation = operation.request_body(self.body.map(Body::build)).securities(self.callers.requirements());
        let operation = self.success.into_iter().fold(operation, |operation, (status, response)| {
            let response = everywhere.iter().fold(response, |response, name| response.header_ref(*name, header(name)));
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

/// What `HEAD` is answered.
fn without_body(response: Response) -> Response {
    let mut response = response;
    response.content.clear();
    response
}

/// A method as a part of an operation's name.
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

/// Nothing but its name: a description is made to be built.
impl fmt::Debug for Description {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Description").field("id", &self.id).finish_non_exhaustive()
    }
}

//! The OpenAPI document, assembled from what the endpoints state of themselves, the errors' own answers, and the types of
//! the answers.

mod body;
mod description;
pub(crate) mod examples;
mod failures;
mod parts;
mod security;

use keymint_domain::policy::Policy;
use keymint_guard::LimitFields;
use serde_json::Value;
use utoipa::openapi::header::Header;
use utoipa::openapi::path::{HttpMethod, PathItem, PathsBuilder};
use utoipa::openapi::schema::{ArrayBuilder, Components, ObjectBuilder, Type};
use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{InfoBuilder, License, OpenApiBuilder, Ref, RefOr, Server};

use crate::error::OAUTH_ERRORS;
use crate::members::schema::{self, MAX_SAFE_INTEGER, choice, integer, required, text};
use crate::views::code::{ERROR_CODE, error_code};
use crate::views::secret::SUNSET;
use parts::Parts;

pub(crate) use description::Description;
pub(crate) use failures::{Failures, REFUSALS, refusal};
pub(crate) use security::Callers;

/// The facts about a server that its document depends on.
#[derive(Debug, Clone, Copy)]
pub struct DocumentContext<'a> {
    /// The path of Better Auth's endpoints.
    pub base_path: &'a str,
    /// The configurations, whose limits are those of members.
    pub policy: &'a Policy,
    /// True if everybody may verify keys.
    pub verify_is_public: bool,
    /// True if `/metrics` stands beside the API.
    pub has_metrics: bool,
    /// The fields that tell how a key stands against its limits.
    pub limit_fields: LimitFields,
}

/// Endpoints that belong together: a tag of the document.
pub(crate) struct Area {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) paths: Vec<DescribedPath>,
}

/// A path of the document.
pub(crate) struct DescribedPath {
    /// The path from the root, with parameters in braces.
    pub(crate) template: String,
    pub(crate) methods: &'static [HttpMethod],
    pub(crate) describe: Describe,
}

/// Describes an endpoint of a server.
pub(crate) type Describe = fn(&DocumentContext<'_>) -> Description;

/// The license, as an expression of SPDX.
const LICENSE: &str = "MIT OR Apache-2.0";
const REQUEST_ID: &str = "x-request-id";
pub(crate) const RETRY_AFTER: &str = "retry-after";
/// The headers with how a key stands against its limits, by the default dialect. [`in_dialect`] gives those of the server.
pub(crate) const LIMITS: [&str; 2] = ["ratelimit-policy", "ratelimit"];
/// Headers of many answers: the name, true if the value is a number, and the meaning.
const HEADERS: [(&str, bool, &str); 9] = [
    (REQUEST_ID, false, "The id of the request in the log: the client's own `X-Request-Id` if its form is accepted."),
    (RETRY_AFTER, true, "Seconds until a retry may succeed; present if waiting helps."),
    ("x-retry-after", true, "The same under Better Auth's name."),
    ("www-authenticate", false, "The challenge for a request without a valid key."),
    (LIMITS[0], false, "A key's limits: `\"rate\";q=10;w=86400` is 10 calls in 86400 seconds."),
    (LIMITS[1], false, "The rest of the limits: `\"rate\";r=5;t=8640` is 5 calls, and more in 8640 seconds."),
    (SUNSET, false, "The instant at which the presented secret ends, if a rotation has replaced it (RFC 8594)."),
    ("x-authz-status", true, "With `deny=403`, the intended status."),
    ("x-authz-code", false, "The error code of the refusal."),
];

/// The headers of limits in another dialect.
const OTHER_LIMITS: [(&str, bool, &str); 3] = [
    ("x-ratelimit-limit", false, "The calls in a window of the limit that has the fewest left."),
    ("x-ratelimit-remaining", false, "The calls that it has left."),
    ("x-ratelimit-reset", false, "Seconds until it has more; absent if waiting does not help."),
];

/// Returns the headers that stand for `name` in a dialect: itself, unless it is one of [`LIMITS`].
fn in_dialect(name: &str, fields: LimitFields) -> Vec<&str> {
    match LIMITS.iter().position(|limit| *limit == name) {
        None => vec![name],
        Some(0) => fields.names().to_vec(),
        Some(_) => Vec::new(),
    }
}

/// Assembles the document of a server, in OpenAPI 3.1.
pub(crate) fn assemble(context: &DocumentContext<'_>, areas: impl IntoIterator<Item = Area>) -> Value {
    let mut parts = Parts::in_dialect(context.limit_fields);
    let mut paths = PathsBuilder::new();
    let mut tags = Vec::new();
    for area in areas {
        tags.push(TagBuilder::new().name(area.name).description(Some(area.about)).build());
        for path in area.paths {
            let mut item = PathItem::default();
            for (number, method) in path.methods.iter().enumerate() {
                let mut description = (path.describe)(context);
                item.parameters = description.parameters().map(|all| all.into_iter().map(RefOr::T).collect());
                let operation = description.operation(area.name, method, number == 0, &mut parts);
                item.merge_operations(PathItem::new(method.clone(), operation));
            }
            paths = paths.path(path.template, item);
        }
    }
    let info = InfoBuilder::new()
        .title("Keymint")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some("Mints, verifies, meters, rotates and revokes API keys."))
        .license(Some(License::builder().name(LICENSE).identifier(Some(LICENSE)).build()));
    let document = OpenApiBuilder::new()
        .info(info)
        .servers(Some([Server::new("/")]))
        .tags(Some(tags))
        .paths(paths)
        .components(Some(components(parts, context)))
        .build();
    serde_json::to_value(document).unwrap_or_default()
}

fn components(parts: Parts, context: &DocumentContext<'_>) -> Components {
    let codes = parts.codes();
    let mut components = parts.components();
    let told = context.limit_fields.names();
    let is_told = |name: &str| !LIMITS.contains(&name) || told.contains(&name);
    let headers = HEADERS.into_iter().filter(|(name, ..)| is_told(name));
    let others = OTHER_LIMITS.into_iter().filter(|(name, ..)| told.contains(name));
    for (name, is_number, text) in headers.chain(others) {
        let schema = ObjectBuilder::new().schema_type(if is_number { Type::Integer } else { Type::String });
        let schema = if is_number { schema.minimum(Some(1)) } else { schema };
        let header = Header::builder().schema(Some(schema)).description(Some(text)).build();
        components.headers.insert(name.to_owned(), header.into());
    }
    for (name, schema) in [
        ("Error", error()),
        ("Problem", problem()),
        ("OauthError", oauth_error()),
        (
            ERROR_CODE,
            choice(codes.iter().map(String::as_str))
                .description(Some("The reason of an error or of a refusal, for programs.")),
        ),
        (SUCCESS, success_schema()),
    ] {
        components.schemas.insert(name.to_owned(), schema.into());
    }
    security::add_schemes(&mut components, context);
    components
}

/// The body of every error but those that gateways are told.
fn error() -> ObjectBuilder {
    let wait = integer(0, MAX_SAFE_INTEGER);
    let wait = wait.description(Some("Milliseconds until a retry may succeed."));
    let details = ObjectBuilder::new().schema_type(Type::Object).property("tryAgainIn", wait);
    let details = details.property("missing", missing());
    ObjectBuilder::new()
        .schema_type(Type::Object)
        .property("code", error_code())
        .required("code")
        .property("message", text().description(Some("The reason, for people.")))
        .required("message")
        .property("details", details.description(Some("Present if there is more to say.")))
}

/// The body of an error of introspection: the same, and the names of OAuth 2.0. A schema of its own, because Rust's clients
/// cannot have an `Error` with an `error`.
fn oauth_error() -> ObjectBuilder {
    error()
        .property("error", choice(OAUTH_ERRORS).description(Some("The reason, as OAuth 2.0 names it.")))
        .required("error")
        .property("error_description", text().description(Some("The message again.")))
        .required("error_description")
}

/// The body of an error that a gateway is told (RFC 9457).
fn problem() -> ObjectBuilder {
    let problem = schema::object(vec![
        required("type", text(), "Names the kind of problem by a URI."),
        required("title", text(), "The kind of problem."),
        required("status", integer(400, 599), "The status."),
        required("detail", text(), "The reason, for people."),
        required("code", error_code(), "The reason, for programs."),
    ]);
    let policies = ArrayBuilder::new().items(choice(["rate", "quota"]));
    problem.property("violated-policies", policies).property("missing", missing())
}

/// Permissions that a key lacks.
fn missing() -> ObjectBuilder {
    let actions = ArrayBuilder::new().items(text());
    let description = "Required permissions that are not granted, if that is the reason.";
    ObjectBuilder::new().schema_type(Type::Object).additional_properties(Some(actions)).description(Some(description))
}

/// Returns a reference to a header that many answers have.
fn header(name: &str) -> Ref {
    Ref::new(format!("#/components/headers/{name}"))
}

/// The name of the schema of `{"success": true}`.
const SUCCESS: &str = "Success";

/// Returns a reference to the schema of `{"success": true}`.
pub(crate) fn success() -> Ref {
    Ref::from_schema_name(SUCCESS)
}

fn success_schema() -> ObjectBuilder {
    schema::object(vec![required("success", schema::boolean(), "True.")])
}

//! The OpenAPI document, made of what the code itself knows: the table of routes, the errors' own answers, the types of
//! the answers, and, beside the readers, the shapes of what comes in.
//!
//! One file describes the endpoints of one area; `routes` names the description of each of its endpoints.

mod body;
mod description;
mod examples;
mod failures;
pub(crate) mod gateways;
pub(crate) mod keys;
mod parts;
pub(crate) mod schema;
mod security;
pub(crate) mod server;
pub(crate) mod users;
pub(crate) mod verification;

use keymint_domain::policy::Policy;
use serde_json::Value;
use utoipa::openapi::header::Header;
use utoipa::openapi::path::{PathItem, PathsBuilder};
use utoipa::openapi::schema::{Components, ObjectBuilder, Type};
use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{InfoBuilder, License, OpenApiBuilder, Ref, RefOr, Server};

use crate::{Api, routes};
use parts::Parts;

pub(crate) use description::Description;

/// What of a server its document depends on.
#[derive(Debug, Clone, Copy)]
pub struct Served<'a> {
    /// Where Better Auth's endpoints stand.
    pub base_path: &'a str,
    /// The kinds of keys, whose limits are those of requests.
    pub policy: &'a Policy,
    /// Whether everybody may verify keys.
    pub verify_is_public: bool,
    /// Whether `/metrics` stands beside the API.
    pub has_metrics: bool,
}

impl<'a> Served<'a> {
    pub(crate) fn by(api: &'a Api) -> Self {
        let verify_is_public = api.keys.may_verify(&keymint_service::Caller::Anyone);
        Self {
            base_path: &api.options.base_path,
            policy: api.keys.policy(),
            verify_is_public,
            has_metrics: api.metrics.is_some(),
        }
    }
}

/// The tags, and what is under them.
const KEYS: &str = "Keys";
const VERIFICATION: &str = "Verification";
const USERS: &str = "Users";
const GATEWAYS: &str = "Gateways";
const SERVER: &str = "Server";
const TAGS: [(&str, &str); 5] = [
    (VERIFICATION, "Whether a key may be used, asked by servers."),
    (KEYS, "Making, changing and ending keys, by users and by servers."),
    (USERS, "Signing up, in and out."),
    (GATEWAYS, "Whether a request may pass, asked by gateways."),
    (SERVER, "The server itself."),
];

const REQUEST_ID: &str = "x-request-id";
const RETRY_AFTER: &str = "retry-after";
/// How a key stands against its limits.
const LIMITS: [&str; 2] = ["ratelimit-policy", "ratelimit"];
/// Headers of many answers: what they hold, and whether it is a number.
const HEADERS: [(&str, bool, &str); 8] = [
    (REQUEST_ID, false, "Names the request in the log: the client's own `X-Request-Id` where it is fit for that."),
    (RETRY_AFTER, true, "Seconds until the same request is worth repeating; there where waiting helps."),
    ("x-retry-after", true, "The same, as Better Auth names it."),
    ("www-authenticate", false, "How a key is shown."),
    (LIMITS[0], false, "A key's limits: `\"rate\";q=10;w=86400` is 10 calls in 86400 seconds."),
    (LIMITS[1], false, "What they still allow: `\"rate\";r=5;t=8640` is 5 calls, and more in 8640 seconds."),
    ("x-authz-status", true, "With `deny=403` the status that was meant."),
    ("x-authz-code", false, "The code of the denial."),
];

/// The document of a server, in OpenAPI 3.1.
pub fn document(served: &Served<'_>) -> Value {
    let mut parts = Parts::default();
    let mut paths = PathsBuilder::new();
    for endpoint in routes::endpoints(served) {
        let mut item = PathItem::default();
        for (number, method) in endpoint.methods.iter().enumerate() {
            let mut description = (endpoint.describe)(served);
            item.parameters = description.parameters().map(|all| all.into_iter().map(RefOr::T).collect());
            let operation = description.operation(method, number == 0, &mut parts);
            item.merge_operations(PathItem::new(method.clone(), operation));
        }
        paths = paths.path(endpoint.template, item);
    }
    let info = InfoBuilder::new()
        .title("Keymint")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some("Mints, verifies, meters and revokes API keys."))
        .license(Some(License::new("MIT OR Apache-2.0")));
    let document = OpenApiBuilder::new()
        .info(info)
        .servers(Some([Server::new("/")]))
        .tags(Some(TAGS.map(|(name, text)| TagBuilder::new().name(name).description(Some(text)).build())))
        .paths(paths)
        .components(Some(components(parts, served)))
        .build();
    serde_json::to_value(document).unwrap_or_default()
}

fn components(parts: Parts, served: &Served<'_>) -> Components {
    let mut components = parts.components();
    for (name, is_number, text) in HEADERS {
        let schema = ObjectBuilder::new().schema_type(if is_number { Type::Integer } else { Type::String });
        let schema = if is_number { schema.minimum(Some(1)) } else { schema };
        let header = Header::builder().schema(Some(schema)).description(Some(text)).build();
        components.headers.insert(name.to_owned(), header.into());
    }
    components.schemas.insert("Error".to_owned(), error().into());
    components.schemas.insert("Problem".to_owned(), gateways::problem().into());
    security::add_schemes(&mut components, served);
    components
}

/// The body of every error but those that gateways are told.
fn error() -> ObjectBuilder {
    let wait = schema::integer(0, schema::MAX_SAFE_INTEGER);
    let wait = wait.description(Some("Milliseconds until the same request is worth repeating."));
    let details = ObjectBuilder::new().schema_type(Type::Object).property("tryAgainIn", wait);
    let details = details.property("missing", schema::missing());
    ObjectBuilder::new()
        .schema_type(Type::Object)
        .property("code", schema::text().description(Some("Names the reason to programs.")))
        .required("code")
        .property("message", schema::text().description(Some("Tells people.")))
        .required("message")
        .property("details", details.description(Some("There where there is more to say.")))
}

/// A header that many answers have.
fn header(name: &str) -> Ref {
    Ref::new(format!("#/components/headers/{name}"))
}

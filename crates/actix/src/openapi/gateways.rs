use keymint_domain::ErrorCode;
use keymint_service::ServiceError;
use serde_json::json;
use utoipa::openapi::path::ParameterIn;
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, Type};

use super::failures::{Failures, REFUSALS, refusal};
use super::schema::{Member, choice, id, integer, missing, object, optional, required, text};
use super::security::Callers;
use super::{Description, GATEWAYS, LIMITS, Served};
use crate::ApiError;

const SUMMARY: &str = "Says to a gateway whether a request may pass, and counts it.";
const TEXT: &str = "Any method is answered alike, and no body is read. The query of `/authorize` itself says what the \
    route asks of keys, or a header says what the query does not. Below `/authorize` the path and the query are those of \
    the client's request, and say nothing. Two different keys in one request are refused.";
/// A percent-encoded character of UTF-8.
const ESCAPE: &str = "%[0-7]H|%[cC][2-9a-fA-F]T|%[dD]HT|%[eE]0%[abAB]HT|%[eE][1-9a-cA-CeEfF]TT|%[eE][dD]%[89]HT\
    |%[fF]0%[9abAB]HTT|%[fF][1-3]TTT|%[fF]4%8HTT";
const IDENTITY: [(&str, &str); 10] = [
    ("x-key-id", "The key's id."),
    ("x-key-owner", "Whose it is."),
    ("x-key-config", "The configuration it was made under."),
    ("x-key-name", "Its name, percent-encoded; `-` is none."),
    ("x-key-permissions", "What it grants, as `files:read,files:write`; `-` is nothing."),
    ("x-key-meta", "Its metadata as JSON in base64url; `-` is none."),
    ("x-key-remaining", "Calls that the quota still allows; `-` is no quota."),
    ("x-key-assertion", "All of it as a signed JWT, where `authorize.assertion.audience` is set; else `-`."),
    ("x-key-header", "The headers that showed the key, between commas."),
    ("x-envoy-auth-headers-to-remove", "The same, for Envoy, which takes them from the request."),
];

/// `/authorize` by any method.
pub(crate) fn authorize(_: &Served<'_>) -> Description {
    at("authorize").takes(&ParameterIn::Query, parameters(&ParameterIn::Query))
}

/// Any path below `/authorize` by any method.
pub(crate) fn authorize_path(_: &Served<'_>) -> Description {
    let path = required("path", text(), "The client's path, which may have more parts.");
    at("authorizePath").takes(&ParameterIn::Path, vec![path])
}

/// `GET /.well-known/jwks.json`.
pub(crate) fn key_set(_: &Served<'_>) -> Description {
    let key = object(vec![
        required("kty", choice(["OKP"]), "The kind of key."),
        required("crv", choice(["Ed25519"]), "Its curve."),
        required("x", text(), "The key itself, in base64url."),
        required("kid", text(), "Its thumbprint (RFC 7638), which assertions name it by."),
        required("alg", choice(["EdDSA"]), "What it signs by."),
        required("use", choice(["sig"]), "What it is for."),
    ]);
    let keys = ArrayBuilder::new().items(key);
    let set = ObjectBuilder::new().schema_type(Type::Object).property("keys", keys).required("keys");
    let summary = "The public keys of `X-Key-Assertion` (RFC 7517): of the last period, of this one, and of the next.";
    Description::new(GATEWAYS, "getKeySet", summary, Callers::Anyone).answers_with(
        "None where nothing is signed.",
        set,
        json!({ "keys": [] }),
    )
}

fn at(id: &'static str) -> Description {
    let description = Description::new(GATEWAYS, id, SUMMARY, Callers::Gateways)
        .text(TEXT)
        .takes(&ParameterIn::Header, parameters(&ParameterIn::Header))
        .takes(&ParameterIn::Header, of_the_request())
        .succeeds_silently("200", "The request may pass; the headers say whose it is.");
    let description = IDENTITY.into_iter().fold(description, |description, (name, meaning)| {
        description.with_header(name, text().min_length(Some(1)), meaning)
    });
    description.with_headers(LIMITS).fails_as(Failures::of_a_gateway(errors))
}

/// What `Parameters::read` reads, from the query or from the head.
fn parameters(place: &ParameterIn) -> Vec<Member> {
    let in_query = *place == ParameterIn::Query;
    let name = |query, header| if in_query { query } else { header };
    let pattern = if in_query { permissions() } else { permissions_in_header() };
    let permissions = text().pattern(Some(pattern)).examples(["files:read,files:write"]);
    let cost = integer(u64::from(!in_query), u32::MAX.into());
    let deny = "`403` answers 403 for 400 and 429 too, and says in headers what was meant.";
    let mut members = vec![
        optional(name("config", "X-Authz-Config"), id(), "The configuration that the key must be of."),
        optional(name("permissions", "X-Authz-Permissions"), permissions, "What the key must grant."),
        optional(name("cost", "X-Authz-Cost"), cost, "What the request costs; 1 where absent."),
        optional(name("deny", "X-Authz-Deny"), choice(["403"]), deny),
    ];
    if in_query {
        let bearer = "Whether `Authorization: Bearer` may hold the key; as `authorize.bearer` says where absent.";
        members.push(optional("bearer", choice(["on", "off"]), bearer));
    }
    members
}

/// What else a gateway says of its client's request. Nothing of it is refused.
fn of_the_request() -> Vec<Member> {
    let request_id = "Names the request. Of two questions with one id the first one pays, where \
        `authorize.idempotency_window_ms` is set and the asker is a gateway or a server.";
    let forwarded_for = "The client's address is the last one that is none of `server.trusted_proxies`.";
    vec![optional("X-Request-Id", text(), request_id), optional("X-Forwarded-For", text(), forwarded_for)]
}

/// `files:read,files:write`. Around each may stand the spaces of `str::trim`, of which other readers of patterns know
/// fewer by `\s`.
fn permissions() -> String {
    let space = r"\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000";
    let (any, visible) = (format!("(?:[^:,%]|{0})", escape()), format!("(?:[^:,%{space}]|{0})", escape()));
    let one = format!("[{space}]*{visible}{any}*:{any}*{visible}[{space}]*");
    format!("^{one}(,{one})*$")
}

/// The same in a header, which is ASCII to most of those who write one.
fn permissions_in_header() -> String {
    let word = format!("(?:[-!-$&-+.-9;-~]|{})+", escape());
    format!("^{word}:{word}(,{word}:{word})*$")
}

fn escape() -> String {
    let hex = "[0-9a-fA-F]";
    ESCAPE.replace('T', &format!("%[89abAB]{hex}")).replace('H', hex)
}

/// What may go wrong.
fn errors() -> Vec<ApiError> {
    let asked = [ErrorCode::InsufficientPermissions, ErrorCode::WrongConfiguration];
    let denied = |code| ApiError::Denied(refusal(code));
    let problem = "[query.deny] Invalid input: expected 403".to_owned();
    let mut errors = vec![
        ApiError::Validation(problem),
        ApiError::MissingKey,
        ApiError::DifferentKeys,
        ApiError::NotAGateway,
        ApiError::Service(ServiceError::Overloaded),
    ];
    errors.extend(Failures::of_any().chain(Failures::of_the_store()));
    errors.extend(REFUSALS.into_iter().map(denied));
    errors.extend(asked.map(denied));
    errors
}

/// The body of what a gateway is denied (RFC 9457).
pub(super) fn problem() -> ObjectBuilder {
    let problem = object(vec![
        required("type", text(), "Names the kind of problem by a URI."),
        required("title", text(), "The kind of problem."),
        required("status", integer(400, 599), "The status."),
        required("detail", text(), "Tells people."),
        required("code", text(), "Names the reason to programs."),
    ]);
    let policies = ArrayBuilder::new().items(choice(["rate", "quota"]));
    problem.property("violated-policies", policies).property("missing", missing())
}

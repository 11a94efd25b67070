use std::collections::BTreeMap;
use std::time::Duration;

use actix_web::ResponseError;
use actix_web::body::MessageBody as _;
use actix_web::http::StatusCode;
use keymint_domain::usage::Standing;
use keymint_domain::verify::Refusal;
use keymint_domain::{ErrorCode, Permissions};
use keymint_ports::StoreError;
use keymint_service::ServiceError;
use serde_json::Value;
use utoipa::openapi::example::Example;
use utoipa::openapi::response::ResponseBuilder;
use utoipa::openapi::schema::{AllOfBuilder, ObjectBuilder};
use utoipa::openapi::{Content, ContentBuilder, Ref, RefOr, Response};

use super::body::JSON;
use super::parts::Parts;
use super::schema::choice;
use super::{HEADERS, header};
use crate::ApiError;
use crate::authorize::Denial;

/// What may go wrong with an operation: answers that the errors themselves have written, by status.
#[derive(Default)]
pub(super) struct Failures(BTreeMap<u16, Vec<Failure>>);

struct Failure {
    body: Value,
    headers: Vec<String>,
    media_type: &'static str,
}

const PROBLEM: &str = "application/problem+json";

/// Why a key is refused, in the order of the chain, as far as every endpoint says it alike.
pub(super) const REFUSALS: [ErrorCode; 9] = [
    ErrorCode::InvalidApiKey,
    ErrorCode::IpNotAllowed,
    ErrorCode::KeyDisabled,
    ErrorCode::KeyExpired,
    ErrorCode::UserBanned,
    ErrorCode::InvalidReferenceIdFromApiKey,
    ErrorCode::UsageExceeded,
    ErrorCode::RateLimited,
    ErrorCode::NoDefaultApiKeyConfigurationFound,
];

/// A refusal for this reason; where a limit is the reason, one after which waiting helps.
pub(super) fn refusal(reason: ErrorCode) -> Refusal {
    let refusal = Refusal::of_unknown(reason);
    let limit = match reason {
        ErrorCode::RateLimited => Standing::RATE,
        ErrorCode::UsageExceeded => Standing::QUOTA,
        ErrorCode::InsufficientPermissions => {
            let missing = Some(Permissions::from_pairs([("files", "write")]));
            return Refusal { missing, ..Refusal::of_unknown(ErrorCode::KeyNotFound) };
        }
        ErrorCode::WrongConfiguration => {
            return Refusal { is_foreign: true, ..Refusal::of_unknown(ErrorCode::InvalidApiKey) };
        }
        _ => return refusal,
    };
    let wait = Some(8_640_000);
    let standing = Standing { limit, max: 10, window_ms: 86_400_000, remaining: 0, more_in_ms: wait };
    Refusal { retry_in_ms: wait, standings: vec![standing], ..refusal }
}

impl Failures {
    /// What may go wrong with any request on the way to its endpoint.
    pub(super) fn of_any() -> impl Iterator<Item = ApiError> {
        [ApiError::Timeout, ApiError::Draining].into_iter()
    }

    /// How the store may fail.
    pub(super) fn of_the_store() -> impl Iterator<Item = ApiError> {
        [StoreError::unavailable("down"), StoreError::Duplicate].into_iter().map(ApiError::from)
    }

    /// What may be wrong with how a body is sent.
    pub(super) fn of_a_body() -> impl Iterator<Item = ApiError> {
        let allowed = "application/json";
        [
            ApiError::Validation("[body.name] Invalid input: expected string, received number".to_owned()),
            ApiError::InvalidJson,
            ApiError::BrokenBody,
            ApiError::SlowBody,
            ApiError::TooLarge(256 * 1024),
            ApiError::MediaType { given: Some("text/plain".to_owned()), allowed },
            ApiError::MediaType { given: None, allowed },
        ]
        .into_iter()
    }

    /// What may be wrong with where a browser's request comes from, and wants to be sent on.
    pub(super) fn of_a_page() -> impl Iterator<Item = ApiError> {
        [
            ErrorCode::MissingOrNullOrigin,
            ErrorCode::InvalidOrigin,
            ErrorCode::InvalidCallbackUrl,
            ErrorCode::InvalidRedirectUrl,
            ErrorCode::InvalidErrorCallbackUrl,
            ErrorCode::InvalidNewUserCallbackUrl,
        ]
        .into_iter()
        .map(ApiError::from)
        .chain([ApiError::NotAText("callbackURL")])
    }

    /// Why a key that the request shows, so as to count as its owner's, may be refused.
    pub(super) fn of_a_key() -> impl Iterator<Item = ApiError> {
        let refused = REFUSALS.into_iter().map(|code| ServiceError::KeyRefused(refusal(code)));
        refused.chain([ServiceError::ShortKey, ServiceError::Overloaded]).map(ApiError::from)
    }

    /// Why somebody who signs in or up may be turned away.
    pub(super) fn of_a_sign_in() -> impl Iterator<Item = ApiError> {
        [
            ApiError::Throttled(Duration::from_mins(1)),
            ErrorCode::CrossSiteNavigationLoginBlocked.into(),
            ServiceError::Overloaded.into(),
        ]
        .into_iter()
    }

    /// What a gateway is told of these, without and with `deny=403`.
    pub(super) fn of_a_gateway(errors: impl Fn() -> Vec<ApiError>) -> Self {
        let mut failures = Self::default();
        for by_403 in [false, true] {
            let denials = errors().into_iter().map(|error| Denial { error, by_403 });
            denials.for_each(|denial| failures.take(&denial, PROBLEM));
        }
        failures
    }

    /// These too.
    pub(super) fn join(&mut self, other: Self) {
        for (status, failures) in other.0 {
            self.0.entry(status).or_default().extend(failures);
        }
    }

    /// These errors too.
    pub(super) fn add(&mut self, errors: impl IntoIterator<Item = ApiError>) {
        errors.into_iter().for_each(|error| self.take(&error, JSON));
    }

    /// Keeps the answer that the error writes; one body once.
    fn take(&mut self, error: &dyn ResponseError, media_type: &'static str) {
        let response = error.error_response();
        let headers = response.headers().keys().map(|name| name.as_str().to_owned());
        let headers = headers.filter(|name| HEADERS.iter().any(|(known, ..)| known == name)).collect();
        let status = response.status().as_u16();
        let bytes = response.into_body().try_into_bytes().unwrap_or_default();
        let body: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        let failures = self.0.entry(status).or_default();
        if failures.iter().all(|failure| failure.body != body) {
            failures.push(Failure { body, headers, media_type });
        }
    }

    /// The answers, by status, with these headers on each.
    pub(super) fn responses(self, everywhere: &[&str], parts: &mut Parts) -> Vec<(u16, Response)> {
        let described = self.0.into_iter().map(|(status, failures)| {
            let phrase = StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason());
            let mut response = ResponseBuilder::new().description(phrase.unwrap_or_default());
            for (name, ..) in HEADERS {
                let has_it = failures.iter().any(|failure| failure.headers.iter().any(|header| header == name));
                if has_it || everywhere.contains(&name) {
                    response = response.header_ref(name, header(name));
                }
            }
            for (media_type, schema) in [(JSON, "Error"), (PROBLEM, "Problem")] {
                let of_type: Vec<_> = failures.iter().filter(|failure| failure.media_type == media_type).collect();
                if !of_type.is_empty() {
                    response = response.content(media_type, content(schema, &of_type, parts));
                }
            }
            (status, response.build())
        });
        described.collect()
    }
}

/// One of these failures: the schema says which codes there are, and each is an example.
fn content(schema: &str, failures: &[&Failure], parts: &mut Parts) -> Content {
    let mut codes: Vec<_> = failures.iter().filter_map(|failure| failure.body["code"].as_str()).collect();
    codes.dedup();
    let code = choice(codes);
    let schema =
        AllOfBuilder::new().item(Ref::from_schema_name(schema)).item(ObjectBuilder::new().property("code", code));
    let examples = failures.iter().map(|failure| {
        let name = parts.example(failure.body.clone());
        (name.clone(), RefOr::<Example>::Ref(Ref::new(format!("#/components/examples/{name}"))))
    });
    ContentBuilder::new().schema(Some(schema)).examples_from_iter(examples.collect::<Vec<_>>()).build()
}

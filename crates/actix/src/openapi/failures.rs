use std::collections::BTreeMap;
use std::time::Duration;

use actix_web::ResponseError;
use actix_web::body::MessageBody as _;
use actix_web::http::StatusCode;
use keymint_domain::usage::Standing;
use keymint_domain::verify::Refusal;
use keymint_domain::{ErrorCode, Permissions};
use keymint_guard::LimitFields;
use keymint_ports::StoreError;
use keymint_service::ServiceError;
use serde_json::Value;
use utoipa::openapi::example::Example;
use utoipa::openapi::response::ResponseBuilder;
use utoipa::openapi::{Content, ContentBuilder, Ref, RefOr, Response};

use super::body::JSON;
use super::parts::Parts;
use super::{HEADERS, header, in_dialect};
use crate::error::{ApiError, Denial, OauthFailure};

/// The failures of an operation by status: the answers that the errors themselves write.
#[derive(Default)]
pub(crate) struct Failures(BTreeMap<u16, Vec<Failure>>);

struct Failure {
    body: Value,
    headers: Vec<String>,
    form: Form,
}

/// The form of an error: its media type, and the name of its schema.
type Form = (&'static str, &'static str);

const ERROR: Form = (JSON, "Error");
const PROBLEM: Form = ("application/problem+json", "Problem");
/// It comes last, because it stands in the place of the other form in JSON, which the readers of bodies add.
const OAUTH_ERROR: Form = (JSON, "OauthError");
const FORMS: [Form; 3] = [ERROR, PROBLEM, OAUTH_ERROR];

/// The reasons to refuse a key that every endpoint tells alike, in the order of the chain.
pub(crate) const REFUSALS: [ErrorCode; 9] = [
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

/// Returns a refusal for this reason; one for a limit says when to try again.
pub(crate) fn refusal(reason: ErrorCode) -> Refusal {
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
    /// Returns the errors of any request on the way to its endpoint.
    pub(crate) fn of_any() -> impl Iterator<Item = ApiError> {
        [ApiError::Timeout, ApiError::Draining].into_iter()
    }

    /// Returns the errors of the store.
    pub(crate) fn of_the_store() -> impl Iterator<Item = ApiError> {
        [StoreError::unavailable("down"), StoreError::Duplicate].into_iter().map(ApiError::from)
    }

    /// Returns the errors of a body.
    pub(crate) fn of_a_body() -> impl Iterator<Item = ApiError> {
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

    /// Returns the errors of a browser's origin and of URLs to be redirected to.
    pub(crate) fn of_a_page() -> impl Iterator<Item = ApiError> {
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

    /// Returns the errors of a key that opens a session.
    pub(crate) fn of_a_key() -> impl Iterator<Item = ApiError> {
        let refused = REFUSALS.into_iter().map(|code| ServiceError::KeyRefused(refusal(code)));
        refused.chain([ServiceError::ShortKey, ServiceError::Overloaded]).map(ApiError::from)
    }

    /// Returns the errors of every sign-in and sign-up.
    pub(crate) fn of_a_sign_in() -> impl Iterator<Item = ApiError> {
        [
            ApiError::Throttled(Duration::from_mins(1)),
            ErrorCode::CrossSiteNavigationLoginBlocked.into(),
            ServiceError::Overloaded.into(),
        ]
        .into_iter()
    }

    /// Returns these errors as gateways are told of them, without and with `deny=403`.
    pub(crate) fn of_a_gateway(errors: impl Fn() -> Vec<ApiError>) -> Self {
        let mut failures = Self::default();
        for by_403 in [false, true] {
            let denials =
                errors().into_iter().map(|error| Denial { error, by_403, limit_fields: LimitFields::default() });
            denials.for_each(|denial| failures.take(&denial, PROBLEM));
        }
        failures
    }

    /// Returns these errors as clients of OAuth 2.0 are told of them.
    pub(crate) fn of_oauth(errors: Vec<ApiError>) -> Self {
        let mut failures = Self::default();
        errors.into_iter().map(OauthFailure).for_each(|error| failures.take(&error, OAUTH_ERROR));
        failures
    }

    /// Adds other failures.
    pub(super) fn join(&mut self, other: Self) {
        for (status, failures) in other.0 {
            self.0.entry(status).or_default().extend(failures);
        }
    }

    /// Adds errors.
    pub(super) fn add(&mut self, errors: impl IntoIterator<Item = ApiError>) {
        errors.into_iter().for_each(|error| self.take(&error, ERROR));
    }

    /// Adds the answer that the error writes, unless its body is there already.
    fn take(&mut self, error: &dyn ResponseError, form: Form) {
        let response = error.error_response();
        let headers = response.headers().keys().map(|name| name.as_str().to_owned());
        let headers = headers.filter(|name| HEADERS.iter().any(|(known, ..)| known == name)).collect();
        let status = response.status().as_u16();
        let bytes = response.into_body().try_into_bytes().unwrap_or_default();
        let body: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        let failures = self.0.entry(status).or_default();
        if failures.iter().all(|failure| failure.body != body) {
            failures.push(Failure { body, headers, form });
        }
    }

    /// Returns the responses by status, each with the headers `everywhere`.
    pub(super) fn responses(self, everywhere: &[&str], parts: &mut Parts) -> Vec<(u16, Response)> {
        let described = self.0.into_iter().map(|(status, failures)| {
            let phrase = StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason());
            let mut response = ResponseBuilder::new().description(phrase.unwrap_or_default());
            for (name, ..) in HEADERS {
                let has_it = failures.iter().any(|failure| failure.headers.iter().any(|header| header == name));
                if has_it || everywhere.contains(&name) {
                    let names = in_dialect(name, parts.limit_fields).into_iter();
                    response = names.fold(response, |response, name| response.header_ref(name, header(name)));
                }
            }
            for form in FORMS {
                let of_form: Vec<_> = failures.iter().filter(|failure| failure.form == form).collect();
                if !of_form.is_empty() {
                    let (media_type, schema) = form;
                    response = response.content(media_type, content(schema, &of_form, parts));
                }
            }
            (status, response.build())
        });
        described.collect()
    }
}

/// Returns the content of one of these failures, each of which is an example. All share a schema, so that clients have one
/// type of error; the examples say which codes an operation has.
fn content(schema: &str, failures: &[&Failure], parts: &mut Parts) -> Content {
    let examples = failures.iter().map(|failure| {
        let name = parts.example(failure.body.clone());
        (name.clone(), RefOr::<Example>::Ref(Ref::new(format!("#/components/examples/{name}"))))
    });
    let schema = Ref::from_schema_name(schema);
    ContentBuilder::new().schema(Some(schema)).examples_from_iter(examples.collect::<Vec<_>>()).build()
}

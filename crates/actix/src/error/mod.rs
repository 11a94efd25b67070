//! Errors, and the forms in which clients and gateways are told of them.

mod denial;
mod oauth;
mod page;
mod status;

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use actix_web::http::header::{HeaderMap, HeaderName};
use actix_web::http::{ConnectionType, StatusCode, header};
use actix_web::{HttpResponse, ResponseError};
use keymint_domain::ErrorCode;
use keymint_domain::verify::Refusal;
use keymint_guard::{DeniedRequest, LimitFields, NotAdmitted};
use keymint_ports::StoreError;
use keymint_service::{NotFromGithub, ReportRefused, ServiceError, WebhookError};
use serde_json::json;

use crate::views::RefusalDetails;
use crate::views::limits::{retry_after, show_limits};

pub use denial::Denial;
pub(crate) use oauth::{OAUTH_ERRORS, OauthFailure};
pub use page::FailedPage;
use status::status_of;

/// The error of a request, as its client is told. Every error body is `{"code", "message"}`.
#[derive(Debug)]
pub enum ApiError {
    /// A use case failed.
    Service(ServiceError),
    /// A use case of webhooks failed.
    Webhook(WebhookError),
    /// The key that would open a session may not be used; with the fields that tell of its limits.
    KeyRefused(Refusal, LimitFields),
    /// The key to validate may not be used; with the fields that tell of its limits.
    Invalid(Refusal, LimitFields),
    /// A request for a guarded route of an application does not pass.
    Guarded(Box<DeniedRequest>),
    /// The request of a gateway's client does not pass.
    Denied(NotAdmitted),
    /// The caller of `/authorize` is no gateway.
    NotAGateway,
    /// The body or the query is malformed: zod's text (docs/better-auth-wire.md 2.3).
    Validation(String),
    /// A member that names a URL is no text (docs/better-auth-wire.md 3.5).
    NotAText(&'static str),
    /// The body is no JSON (docs/better-auth-wire.md 2.4).
    InvalidJson,
    /// The body has a media type that is not allowed (docs/better-auth-wire.md 2.4).
    MediaType {
        /// The media type of the request; `None` = there is none.
        given: Option<String>,
        /// The media types that are allowed.
        allowed: &'static str,
    },
    /// The body has more bytes than this.
    TooLarge(usize),
    /// The client took too long to send its body.
    SlowBody,
    /// The client broke off while sending its body.
    BrokenBody,
    /// The report has no signature: a header of it is missing, or is none.
    Unsigned,
    /// The report is not GitHub's, or that is not known.
    NotFromGithub(NotFromGithub),
    /// Too many requests came from the client's address; the next may come after this time.
    Throttled(Duration),
    /// The request took longer than it may.
    Timeout,
    /// The process is about to stop.
    Draining,
    /// The answer could not be written: a fault of Keymint's.
    Broken,
    /// No such route, or not with this method.
    NotFound,
}

/// The time after which a client should retry when the store was down or the queue full.
const SOON: Duration = Duration::from_secs(1);

/// The message of permissions that a user may not give to a key.
const BEYOND_GRANT: &str = "The key would have a permission that you may not grant.";

const X_RETRY_AFTER: HeaderName = HeaderName::from_static("x-retry-after");

/// The answer to a client.
struct Answer {
    status: StatusCode,
    code: &'static str,
    message: Cow<'static, str>,
    /// The time after which a retry is worth it.
    retry: Option<Duration>,
}

impl Answer {
    fn new(status: StatusCode, code: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self { status, code, message: message.into(), retry: None }
    }

    fn of(code: ErrorCode) -> Self {
        Self::new(status_of(code), code.as_str(), code.message())
    }

    fn after(self, retry: impl Into<Option<Duration>>) -> Self {
        Self { retry: retry.into(), ..self }
    }
}

impl ApiError {
    /// Returns the code on the wire.
    pub fn code(&self) -> &'static str {
        self.answer().code
    }

    /// Returns the answer. Its message holds fixed texts and the client's own values only.
    fn answer(&self) -> Answer {
        const BAD_REQUEST: StatusCode = StatusCode::BAD_REQUEST;
        const UNAVAILABLE: StatusCode = StatusCode::SERVICE_UNAVAILABLE;
        match self {
            Self::Service(error) => of_service(error),
            Self::Webhook(error) => of_webhook(error),
            Self::KeyRefused(refusal, _) => of_refused(refusal),
            Self::Invalid(refusal, _) => of_invalid(refusal),
            Self::Guarded(denied) => of_not_admitted(&denied.reason),
            Self::Denied(reason) => of_not_admitted(reason),
            Self::Broken => internal(),
            Self::NotAGateway => {
                let message =
                    "Only gateways of server.trusted_proxies, or with a server key in X-Authz-Server-Key, may ask.";
                Answer::new(StatusCode::FORBIDDEN, "NOT_A_GATEWAY", message)
            }
            Self::Validation(message) => Answer::new(BAD_REQUEST, "VALIDATION_ERROR", message.clone()),
            Self::NotAText(member) => {
                Answer::new(BAD_REQUEST, "BAD_REQUEST", format!("Invalid {member}: expected a string"))
            }
            Self::InvalidJson => Answer::new(BAD_REQUEST, "BAD_REQUEST", "Invalid JSON in request body"),
            Self::MediaType { given, allowed } => {
                let message = match given {
                    Some(given) => format!("Content-Type \"{given}\" is not allowed. Allowed types: {allowed}"),
                    None => format!("Content-Type is required. Allowed types: {allowed}"),
                };
                Answer::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "UNSUPPORTED_MEDIA_TYPE", message)
            }
            Self::TooLarge(limit) => {
                let message = format!("The request body is larger than {limit} bytes.");
                Answer::new(StatusCode::PAYLOAD_TOO_LARGE, "PAYLOAD_TOO_LARGE", message)
            }
            Self::SlowBody => {
                let message = "The request body took too long to arrive.";
                Answer::new(StatusCode::REQUEST_TIMEOUT, "REQUEST_TIMEOUT", message)
            }
            Self::BrokenBody => Answer::new(BAD_REQUEST, "BAD_REQUEST", "The request body broke off."),
            Self::Unsigned => {
                let message = "The headers Github-Public-Key-Identifier and Github-Public-Key-Signature are required: \
                               an identifier, and a signature in base64.";
                Answer::new(StatusCode::UNAUTHORIZED, "MISSING_SIGNATURE", message)
            }
            Self::NotFromGithub(reason) => of_github(*reason),
            Self::Throttled(wait) => Answer::of(ErrorCode::TooManyRequests).after(*wait),
            Self::Timeout => {
                Answer::new(UNAVAILABLE, "TIMEOUT", "The request took too long. Try again later.").after(SOON)
            }
            Self::Draining => {
                Answer::new(UNAVAILABLE, "SERVICE_UNAVAILABLE", "The server is stopping. Try again later.").after(SOON)
            }
            Self::NotFound => Answer::new(StatusCode::NOT_FOUND, "NOT_FOUND", "Not found"),
        }
    }

    /// Returns the message on the wire.
    pub(crate) fn message(&self) -> Cow<'static, str> {
        self.answer().message
    }

    /// Returns the refusal of the key that the request shows, if that is the error.
    pub(crate) fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Service(ServiceError::KeyRefused(refusal))
            | Self::KeyRefused(refusal, _)
            | Self::Invalid(refusal, _) => Some(refusal),
            Self::Guarded(denied) => denied.reason.refusal(),
            Self::Denied(reason) => reason.refusal(),
            _ => None,
        }
    }

    /// Adds the time after which a retry is worth it, and in these fields how a refused key stands against its limits.
    pub(crate) fn show_retry(&self, headers: &mut HeaderMap, fields: LimitFields) {
        if let Some(refusal) = self.refusal() {
            show_limits(headers, fields, refusal.standings.iter().copied());
        }
        if let Some(wait) = self.answer().retry {
            let seconds = retry_after(wait);
            // Better Auth's own limiter names the header so (docs/better-auth-wire.md 1.2).
            if matches!(self, Self::Throttled(_)) {
                headers.insert(X_RETRY_AFTER, seconds.clone());
            }
            headers.insert(header::RETRY_AFTER, seconds);
        }
    }
}

fn of_service(error: &ServiceError) -> Answer {
    const UNAVAILABLE: StatusCode = StatusCode::SERVICE_UNAVAILABLE;
    match error {
        ServiceError::Refused(code) => Answer::of(*code),
        ServiceError::Ungrantable(_) => {
            Answer { message: BEYOND_GRANT.into(), ..Answer::of(ErrorCode::InsufficientPermissions) }
        }
        ServiceError::KeyRefused(refusal) => of_refused(refusal),
        // Better Auth's status for a key that it does not even look for (docs/better-auth-wire.md 9, step 2).
        ServiceError::ShortKey => Answer { status: StatusCode::FORBIDDEN, ..Answer::of(ErrorCode::InvalidApiKey) },
        ServiceError::Overloaded => {
            Answer::new(UNAVAILABLE, "OVERLOADED", "Too many requests are waiting. Try again later.").after(SOON)
        }
        ServiceError::Store(error) => of_store(error),
        ServiceError::UnusableKey => internal(),
    }
}

fn of_store(error: &StoreError) -> Answer {
    match error {
        StoreError::Unavailable(_) | StoreError::Locked => {
            let message = "The store is unavailable. Try again later.";
            Answer::new(StatusCode::SERVICE_UNAVAILABLE, "SERVICE_UNAVAILABLE", message).after(SOON)
        }
        StoreError::OutOfRange { column } => {
            let message = format!("[body.{column}] Too big: expected number to be <=2147483647");
            Answer::new(StatusCode::BAD_REQUEST, "VALIDATION_ERROR", message)
        }
        _ => internal(),
    }
}

fn of_github(reason: NotFromGithub) -> Answer {
    const UNAUTHORIZED: StatusCode = StatusCode::UNAUTHORIZED;
    match reason {
        NotFromGithub::UnknownKey => {
            let message = "GitHub lists no public key with this identifier.";
            Answer::new(UNAUTHORIZED, "UNKNOWN_PUBLIC_KEY", message)
        }
        NotFromGithub::WrongSignature => {
            Answer::new(UNAUTHORIZED, "INVALID_SIGNATURE", "The signature is not of this body.")
        }
        NotFromGithub::NoKeys(_) => {
            let message = "GitHub's public keys cannot be fetched now. Try again later.";
            Answer::new(StatusCode::SERVICE_UNAVAILABLE, "SERVICE_UNAVAILABLE", message).after(Duration::from_mins(1))
        }
    }
}

fn of_webhook(error: &WebhookError) -> Answer {
    let (status, code) = match error {
        WebhookError::Url(_) | WebhookError::Host(_) => (StatusCode::BAD_REQUEST, "INVALID_WEBHOOK_URL"),
        WebhookError::Kinds(_) => (StatusCode::BAD_REQUEST, "INVALID_WEBHOOK_KINDS"),
        WebhookError::TooMany(_) => (StatusCode::CONFLICT, "TOO_MANY_WEBHOOKS"),
        WebhookError::Missing => (StatusCode::NOT_FOUND, "WEBHOOK_NOT_FOUND"),
        WebhookError::Conflict => (StatusCode::CONFLICT, "WEBHOOK_CONFLICT"),
        WebhookError::Store(error) => return of_store(error),
    };
    let message = error.to_string();
    let mut letters = message.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    Answer::new(status, code, first.into_iter().chain(letters).chain(['.']).collect::<String>())
}

fn internal() -> Answer {
    Answer::new(StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL_SERVER_ERROR", "Internal server error")
}

/// Returns the answer for a key that would open a session.
fn of_refused(refusal: &Refusal) -> Answer {
    Answer::of(refusal.code).after(wait(refusal))
}

/// Returns the answer for a client of a gateway or of a guarded route.
fn of_not_admitted(reason: &NotAdmitted) -> Answer {
    Answer::new(status(reason.status()), reason.code(), reason.message()).after(reason.retry())
}

/// Converts a status: actix-web has an earlier version of the crate `http`.
fn status(status: http::StatusCode) -> StatusCode {
    StatusCode::from_u16(status.as_u16()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// Converts the answer of a guard.
fn of_guard(denied: &DeniedRequest) -> HttpResponse {
    let (parts, body) = denied.response().into_parts();
    let mut response = HttpResponse::build(status(parts.status));
    for (name, value) in &parts.headers {
        response.append_header((name.as_str(), value.as_bytes()));
    }
    response.body(body)
}

/// Returns the answer with the codes of Better Auth UI's documentation and the messages of the plugin.
fn of_invalid(refusal: &Refusal) -> Answer {
    let (status, code) = match refusal.reason() {
        ErrorCode::InsufficientPermissions | ErrorCode::IpNotAllowed => {
            return of_not_admitted(&NotAdmitted::by_reason(refusal.clone()));
        }
        ErrorCode::KeyExpired => (StatusCode::UNAUTHORIZED, "API_KEY_EXPIRED"),
        ErrorCode::KeyDisabled => (StatusCode::UNAUTHORIZED, "API_KEY_REVOKED"),
        ErrorCode::RateLimited | ErrorCode::UsageExceeded => (StatusCode::TOO_MANY_REQUESTS, "API_KEY_RATE_LIMITED"),
        _ => (StatusCode::UNAUTHORIZED, "API_KEY_INVALID"),
    };
    Answer::new(status, code, refusal.code.message()).after(wait(refusal))
}

fn wait(refusal: &Refusal) -> Option<Duration> {
    refusal.retry_in_ms.map(Duration::from_millis)
}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        self.answer().status
    }

    fn error_response(&self) -> HttpResponse {
        if let Self::Guarded(denied) = self {
            return of_guard(denied);
        }
        let Answer { status, code, message, .. } = self.answer();
        let mut body = json!({ "code": code, "message": message });
        let details = match self {
            Self::Service(ServiceError::Ungrantable(missing)) => RefusalDetails::of_missing(missing),
            _ => self.refusal().and_then(RefusalDetails::of),
        };
        if let Some(details) = details {
            body["details"] = json!(details);
        }
        let mut response = HttpResponse::build(status).json(body);
        let fields = match self {
            Self::KeyRefused(_, fields) | Self::Invalid(_, fields) => *fields,
            _ => LimitFields::default(),
        };
        self.show_retry(response.headers_mut(), fields);
        // What is left of a refused body is not read; the connection cannot be used again.
        if matches!(self, Self::TooLarge(_) | Self::SlowBody | Self::BrokenBody | Self::Unsigned) {
            response.head_mut().set_connection_type(ConnectionType::Close);
        }
        response
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl std::error::Error for ApiError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Service(error) => Some(error),
            Self::Webhook(error) => Some(error),
            Self::Guarded(denied) => denied.reason.cause(),
            Self::Denied(reason) => reason.cause(),
            Self::NotFromGithub(reason) => Some(reason),
            _ => None,
        }
    }
}

impl From<DeniedRequest> for ApiError {
    fn from(denied: DeniedRequest) -> Self {
        Self::Guarded(Box::new(denied))
    }
}

impl From<NotAdmitted> for ApiError {
    fn from(reason: NotAdmitted) -> Self {
        Self::Denied(reason)
    }
}

impl From<ServiceError> for ApiError {
    fn from(error: ServiceError) -> Self {
        Self::Service(error)
    }
}

impl From<NotFromGithub> for ApiError {
    fn from(reason: NotFromGithub) -> Self {
        Self::NotFromGithub(reason)
    }
}

impl From<ReportRefused> for ApiError {
    fn from(refused: ReportRefused) -> Self {
        match refused {
            ReportRefused::Throttled(wait) => Self::Throttled(wait),
            ReportRefused::Service(error) => Self::Service(error),
        }
    }
}

impl From<WebhookError> for ApiError {
    fn from(error: WebhookError) -> Self {
        Self::Webhook(error)
    }
}

impl From<ErrorCode> for ApiError {
    fn from(code: ErrorCode) -> Self {
        Self::Service(code.into())
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        Self::Service(error.into())
    }
}

//! Errors, and the forms in which clients and gateways are told of them.

mod answer;
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

use answer::{Answer, status};
pub use denial::Denial;
pub(crate) use oauth::{OAUTH_ERRORS, OauthFailure};
pub use page::FailedPage;

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

const X_RETRY_AFTER: HeaderName = HeaderName::from_static("x-retry-after");

impl ApiError {
    /// Returns the code on the wire.
    pub fn code(&self) -> &'static str {
        self.answer().code
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

/// Converts the answer of a guard.
fn of_guard(denied: &DeniedRequest) -> HttpResponse {
    let (parts, body) = denied.response().into_parts();
    let mut response = HttpResponse::build(status(parts.status));
    for (name, value) in &parts.headers {
        response.append_header((name.as_str(), value.as_bytes()));
    }
    response.body(body)
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

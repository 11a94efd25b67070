//! The status, the code and the message of every error.

use std::borrow::Cow;
use std::time::Duration;

use actix_web::http::StatusCode;
use keymint_domain::ErrorCode;
use keymint_domain::verify::Refusal;
use keymint_guard::NotAdmitted;
use keymint_ports::StoreError;
use keymint_service::{NotFromGithub, ServiceError, WebhookError};

use super::ApiError;
use super::status::status_of;

/// The time after which a client should retry when the store was down or the queue full.
const SOON: Duration = Duration::from_secs(1);

/// The message of permissions that a user may not give to a key.
const BEYOND_GRANT: &str = "The key would have a permission that you may not grant.";

/// The answer to a client.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) code: &'static str,
    pub(super) message: Cow<'static, str>,
    /// The time after which a retry is worth it.
    pub(super) retry: Option<Duration>,
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
    /// Returns the answer. Its message holds fixed texts and the client's own values only.
    pub(super) fn answer(&self) -> Answer {
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
pub(super) fn status(status: http::StatusCode) -> StatusCode {
    StatusCode::from_u16(status.as_u16()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
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

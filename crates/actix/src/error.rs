use std::fmt;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpResponse, ResponseError};
use keymint_domain::ErrorCode;
use keymint_ports::StoreError;
use keymint_service::KeyError;
use serde_json::json;

/// Why a request failed, as its client is told. Every error body is `{"code", "message"}`.
#[derive(Debug)]
pub enum ApiError {
    /// A use case failed.
    Key(KeyError),
    /// The body or the query is malformed: zod's text (wire document 2.3).
    Validation(String),
    /// The body is no JSON (wire document 2.4).
    InvalidJson,
    /// The body is of a media type that is not taken; `None` = it names none (wire document 2.4).
    MediaType(Option<String>),
    /// The body has more bytes than this.
    TooLarge(usize),
    /// The client took too long to send its body.
    SlowBody,
    /// The client broke off while sending its body.
    BrokenBody,
    /// The request took longer than it may.
    Timeout,
    /// The process is about to stop.
    Draining,
    /// No such route, or not with this method.
    NotFound,
}

/// Seconds after which a client should ask again where the store was down or the queue full.
const RETRY_AFTER_SECONDS: u16 = 1;

impl ApiError {
    /// The code on the wire.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Key(KeyError::Refused(code)) => code.as_str(),
            Self::Key(KeyError::Overloaded) => "OVERLOADED",
            Self::Key(KeyError::Store(StoreError::Unavailable(_))) | Self::Draining => "SERVICE_UNAVAILABLE",
            Self::Key(KeyError::Store(StoreError::OutOfRange { .. })) | Self::Validation(_) => "VALIDATION_ERROR",
            Self::Key(KeyError::UnusableKey | KeyError::Store(_)) => "INTERNAL_SERVER_ERROR",
            Self::InvalidJson | Self::BrokenBody => "BAD_REQUEST",
            Self::MediaType(_) => "UNSUPPORTED_MEDIA_TYPE",
            Self::TooLarge(_) => "PAYLOAD_TOO_LARGE",
            Self::SlowBody => "REQUEST_TIMEOUT",
            Self::Timeout => "TIMEOUT",
            Self::NotFound => "NOT_FOUND",
        }
    }

    /// The message on the wire: fixed texts, and what the client itself sent.
    fn message(&self) -> String {
        match self {
            Self::Key(KeyError::Refused(code)) => code.message().to_owned(),
            Self::Key(KeyError::Overloaded) => "Too many verifications are waiting. Try again later.".to_owned(),
            Self::Key(KeyError::Store(StoreError::Unavailable(_))) => {
                "The store is unavailable. Try again later.".to_owned()
            }
            Self::Key(KeyError::Store(StoreError::OutOfRange { column })) => {
                format!("[body.{column}] Too big: expected number to be <=2147483647")
            }
            Self::Key(KeyError::UnusableKey | KeyError::Store(_)) => "Internal server error".to_owned(),
            Self::Validation(message) => message.clone(),
            Self::InvalidJson => "Invalid JSON in request body".to_owned(),
            Self::MediaType(Some(given)) => {
                format!("Content-Type \"{given}\" is not allowed. Allowed types: application/json")
            }
            Self::MediaType(None) => "Content-Type is required. Allowed types: application/json".to_owned(),
            Self::TooLarge(limit) => format!("The request body is larger than {limit} bytes."),
            Self::SlowBody => "The request body took too long to arrive.".to_owned(),
            Self::BrokenBody => "The request body broke off.".to_owned(),
            Self::Timeout => "The request took too long. Try again later.".to_owned(),
            Self::Draining => "The server is stopping. Try again later.".to_owned(),
            Self::NotFound => "Not found".to_owned(),
        }
    }
}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::Key(KeyError::Refused(code)) => {
                StatusCode::from_u16(code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
            }
            Self::Key(KeyError::Overloaded | KeyError::Store(StoreError::Unavailable(_)))
            | Self::Timeout
            | Self::Draining => StatusCode::SERVICE_UNAVAILABLE,
            Self::Key(KeyError::Store(StoreError::OutOfRange { .. }))
            | Self::Validation(_)
            | Self::InvalidJson
            | Self::BrokenBody => StatusCode::BAD_REQUEST,
            Self::Key(KeyError::UnusableKey | KeyError::Store(_)) => StatusCode::INTERNAL_SERVER_ERROR,
            Self::MediaType(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::SlowBody => StatusCode::REQUEST_TIMEOUT,
            Self::NotFound => StatusCode::NOT_FOUND,
        }
    }

    fn error_response(&self) -> HttpResponse {
        let status = self.status_code();
        let mut response = HttpResponse::build(status).json(json!({ "code": self.code(), "message": self.message() }));
        if status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(RETRY_AFTER_SECONDS));
        }
        // What is left of a refused body is not read; the connection cannot be used again.
        if matches!(self, Self::TooLarge(_) | Self::SlowBody | Self::BrokenBody) {
            response.head_mut().set_connection_type(actix_web::http::ConnectionType::Close);
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
            Self::Key(error) => Some(error),
            _ => None,
        }
    }
}

impl From<KeyError> for ApiError {
    fn from(error: KeyError) -> Self {
        Self::Key(error)
    }
}

impl From<ErrorCode> for ApiError {
    fn from(code: ErrorCode) -> Self {
        Self::Key(code.into())
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        Self::Key(error.into())
    }
}

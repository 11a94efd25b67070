use std::fmt;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpResponse, ResponseError};
use serde_json::json;

use super::ApiError;

/// An error as OAuth 2.0 has it (RFC 6749 5.2), beside the members of every other error.
#[derive(Debug)]
pub(crate) struct OauthFailure(
    /// The reason.
    pub(crate) ApiError,
);

/// The names of errors. `temporarily_unavailable` and `server_error` are those of the authorization endpoint (RFC 6749
/// 4.1.2.1), since 5.2 names none for them.
pub(crate) const OAUTH_ERRORS: [&str; 4] =
    ["invalid_client", "invalid_request", "server_error", "temporarily_unavailable"];
/// The challenges to a caller without a server key, by the schemes in which it may show one.
const CHALLENGES: [HeaderValue; 2] = [
    HeaderValue::from_static("Bearer realm=\"keymint\""),
    HeaderValue::from_static("Basic realm=\"keymint\", charset=\"UTF-8\""),
];

impl ResponseError for OauthFailure {
    fn status_code(&self) -> StatusCode {
        self.0.status_code()
    }

    fn error_response(&self) -> HttpResponse {
        let status = self.status_code();
        let [client, request, failed, unavailable] = OAUTH_ERRORS;
        let error = match status {
            StatusCode::UNAUTHORIZED => client,
            StatusCode::SERVICE_UNAVAILABLE => unavailable,
            status if status.is_client_error() => request,
            _ => failed,
        };
        let message = self.0.message();
        let body = json!({
            "error": error, "error_description": ascii(&message), "code": self.0.code(), "message": message,
        });
        // The connection ends where a body was not read, as it does elsewhere.
        let mut response = self.0.error_response().map_body(|_, _| body.to_string()).map_into_boxed_body();
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if status == StatusCode::UNAUTHORIZED {
            for challenge in CHALLENGES {
                response.headers_mut().append(header::WWW_AUTHENTICATE, challenge);
            }
        }
        response
    }
}

/// Returns a text in the characters that RFC 6749 5.2 allows, which exclude quotation marks and backslashes.
fn ascii(text: &str) -> String {
    text.chars().map(|c| if matches!(c, ' '..='~') && c != '"' && c != '\\' { c } else { '\'' }).collect()
}

impl fmt::Display for OauthFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

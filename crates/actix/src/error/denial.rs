use std::fmt;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::{HttpResponse, ResponseError};
use keymint_domain::ErrorCode;
use keymint_domain::usage::Standing;
use keymint_guard::{LimitFields, NotAdmitted, Schemes};
use serde_json::json;

use super::ApiError;

/// The error of a gateway's request: a problem document (RFC 9457) with a status that the gateway understands.
#[derive(Debug)]
pub struct Denial {
    /// The reason.
    pub error: ApiError,
    /// True to answer 403 instead of every client error but 401, with the status itself in a header.
    pub by_403: bool,
    /// The fields that tell of the limits of a refused key.
    pub limit_fields: LimitFields,
}

const PROBLEM: HeaderValue = HeaderValue::from_static("application/problem+json");
const X_AUTHZ_STATUS: HeaderName = HeaderName::from_static("x-authz-status");
const X_AUTHZ_CODE: HeaderName = HeaderName::from_static("x-authz-code");
/// The type of a problem that has no more meaning than its status (RFC 9457 4.2.1).
const BLANK: &str = "about:blank";
/// The type that is requested of the IANA by draft-ietf-httpapi-ratelimit-headers.
const QUOTA_EXCEEDED: &str = "https://iana.org/assignments/http-problem-types#quota-exceeded";

impl Denial {
    /// Returns the limit that was exceeded, by its name in `RateLimit-Policy`.
    fn violated_policy(&self) -> Option<&'static str> {
        match self.error.refusal()?.code {
            ErrorCode::RateLimited => Some(Standing::RATE),
            ErrorCode::UsageExceeded => Some(Standing::QUOTA),
            _ => None,
        }
    }
}

impl ResponseError for Denial {
    fn status_code(&self) -> StatusCode {
        let status = self.error.status_code();
        let is_to_hide = self.by_403 && status.is_client_error() && status != StatusCode::UNAUTHORIZED;
        if is_to_hide { StatusCode::FORBIDDEN } else { status }
    }

    fn error_response(&self) -> HttpResponse {
        let (status, sent_status) = (self.error.status_code(), self.status_code());
        let violated = self.violated_policy();
        let mut problem = json!({
            "type": if violated.is_some() { QUOTA_EXCEEDED } else { BLANK },
            "title": if violated.is_some() { "Quota Exceeded" } else { status.canonical_reason().unwrap_or_default() },
            "status": sent_status.as_u16(),
            "detail": self.error.message(),
            "code": self.error.code(),
        });
        if let Some(missing) = self.error.refusal().and_then(|refusal| refusal.missing.as_ref()) {
            problem["missing"] = serde_json::from_str(missing.as_json()).unwrap_or_default();
        }
        if let Some(policy) = violated {
            problem["violated-policies"] = json!([policy]);
        }
        let mut response = HttpResponse::build(sent_status);
        response.insert_header((header::CONTENT_TYPE, PROBLEM));
        response.insert_header((header::CACHE_CONTROL, HeaderValue::from_static("no-store")));
        if status == StatusCode::UNAUTHORIZED {
            let shows_key = !matches!(self.error, ApiError::Denied(NotAdmitted::MissingKey));
            for challenge in Schemes::BEARER.challenges(shows_key) {
                response.append_header((header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge)));
            }
        }
        // Always: a caller that may not ask cannot choose the form.
        response.insert_header((X_AUTHZ_CODE, HeaderValue::from_static(self.error.code())));
        if self.by_403 {
            response.insert_header((X_AUTHZ_STATUS, HeaderValue::from(status.as_u16())));
        }
        let mut response = response.body(problem.to_string());
        self.error.show_retry(response.headers_mut(), self.limit_fields);
        response
    }
}

impl fmt::Display for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

use actix_web::body::{BoxBody, EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{self, HeaderMap, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, HttpResponse};

use super::TrustedOrigins;

const ALLOWED_METHODS: HeaderValue = HeaderValue::from_static("GET, POST");
/// The time for which a browser may cache the answer to a preflight, in seconds.
const PREFLIGHT_SECONDS: HeaderValue = HeaderValue::from_static("600");
/// The headers that scripts may read, in every dialect of the fields of limits.
const EXPOSED_HEADERS: HeaderValue = HeaderValue::from_static(
    "Retry-After, X-Retry-After, RateLimit, RateLimit-Policy, X-RateLimit-Limit, X-RateLimit-Remaining, \
     X-RateLimit-Reset, X-Request-Id, Set-Auth-Token",
);

/// Allows pages of trusted origins to call with credentials and to read every answer, also errors. Other pages get no
/// CORS headers. Better Auth leaves CORS to its host (docs/better-auth-wire.md 1.5, 15.9).
pub(crate) async fn cors<B: MessageBody + 'static>(
    trusted: &TrustedOrigins,
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B, BoxBody>>, Error> {
    let origin = request.headers().get(header::ORIGIN).cloned();
    let origin = origin.filter(|origin| origin.to_str().is_ok_and(|text| trusted.cover(text)));
    let is_preflight =
        request.method() == Method::OPTIONS && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    let mut response = if is_preflight {
        let asked_headers = request.headers().get(header::ACCESS_CONTROL_REQUEST_HEADERS).cloned();
        let mut answer = HttpResponse::NoContent().finish();
        if origin.is_some() {
            allow_request(answer.headers_mut(), asked_headers);
        }
        request.into_response(answer).map_into_right_body()
    } else {
        next.call(request).await?.map_into_left_body()
    };
    let headers = response.headers_mut();
    headers.append(header::VARY, HeaderValue::from_static("Origin"));
    if let Some(origin) = origin {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        if !is_preflight {
            headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED_HEADERS);
        }
    }
    Ok(response)
}

/// Allows everything that a preflight asks for: the real request is checked when it arrives.
fn allow_request(headers: &mut HeaderMap, asked_headers: Option<HeaderValue>) {
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, ALLOWED_METHODS);
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, PREFLIGHT_SECONDS);
    if let Some(asked) = asked_headers {
        headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, asked);
    }
}

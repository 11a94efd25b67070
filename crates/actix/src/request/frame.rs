use std::error::Error as _;
use std::time::Duration;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::ConnectionType;
use actix_web::http::header::HeaderValue;
use actix_web::middleware::Next;
use actix_web::{Error, web};

use super::request_id::X_REQUEST_ID;
use crate::authorize::Denial;
use crate::{Api, ApiError};

/// The frame around every request: a request id, one line in the log, and no further request on the connection once
/// the server is stopping.
pub(crate) async fn frame(
    api: web::Data<Api>,
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let request_id = api.request_ids.of(request.headers());
    let started = start();
    let mut response = next.call(request).await?;
    log(&api, &response, &request_id, started.elapsed());
    let head = response.response_mut().head_mut();
    head.headers_mut().insert(X_REQUEST_ID, request_id);
    if api.is_draining() {
        head.set_connection_type(ConnectionType::Close);
    }
    Ok(response)
}

/// Lets a request take no longer than it may. What it was waiting for is dropped with it.
pub(crate) async fn time_limit(
    api: web::Data<Api>,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let answered_for = request.request().clone();
    match tokio::time::timeout(api.options.request_timeout, next.call(request)).await {
        Ok(answer) => answer.map(ServiceResponse::map_into_left_body),
        Err(_) => Ok(ServiceResponse::from_err(ApiError::Timeout, answered_for).map_into_right_body()),
    }
}

#[expect(clippy::disallowed_methods, reason = "telemetry measures how long a request took")]
fn start() -> std::time::Instant {
    std::time::Instant::now()
}

/// Neither headers nor the query nor a body are logged: any of them may hold a secret.
fn log(api: &Api, response: &ServiceResponse<impl MessageBody>, request_id: &HeaderValue, took: Duration) {
    let request = response.request();
    let status = response.status().as_u16();
    let request_id = request_id.to_str().unwrap_or("-");
    let error = response.response().error();
    let error = error.and_then(|error| {
        error.as_error::<ApiError>().or_else(|| error.as_error::<Denial>().map(|denial| &denial.error))
    });
    let took_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
    macro_rules! line {
        ($level:expr) => {
            tracing::event!(
                $level,
                request_id,
                method = request.method().as_str(),
                path = request.path(),
                status,
                took_us,
                code = error.map(ApiError::code),
                cause = error.and_then(|error| error.source()),
                "request"
            )
        };
    }
    // A verification is the hot path, and health checks are noise: they are logged where somebody asks for it.
    let path = request.path();
    let endpoint = path.strip_prefix(api.options.base_path.as_str());
    let is_verification = matches!(endpoint, Some("/api-key/verify" | "/api-key/validate"));
    let is_verification = is_verification || path == "/authorize" || path.starts_with("/authorize/");
    let frequent = is_verification || matches!(path, "/healthz" | "/readyz");
    if status == 503 {
        // The store is down or the queue full: every request says so, and somebody is on it already.
        line!(tracing::Level::WARN);
    } else if status >= 500 {
        line!(tracing::Level::ERROR);
    } else if frequent {
        line!(tracing::Level::DEBUG);
    } else {
        line!(tracing::Level::INFO);
    }
}

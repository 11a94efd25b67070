use std::error::Error as _;
use std::time::Duration;

use actix_web::body::{BodySize, MessageBody};
use actix_web::dev::ServiceResponse;
use actix_web::http::header::HeaderValue;
use keymint_domain::{ConfigId, KeyId, OwnerId};

use super::changed::Changed;
use super::client_address;
use super::judged::Judged;
use super::watch::Answered;
use crate::authorize::Denial;
use crate::{Api, ApiError};

/// The error of an answer, whatever form it was sent in.
pub(super) fn error_of(response: &ServiceResponse<impl MessageBody>) -> Option<&ApiError> {
    let error = response.response().error()?;
    error.as_error::<ApiError>().or_else(|| error.as_error::<Denial>().map(|denial| &denial.error))
}

/// One line about a request, for those who look after the server. In the place of the path it has the route's pattern, and
/// neither headers nor the query nor a body are logged: what a client puts into any of them may be a key.
pub(super) fn request(response: &ServiceResponse<impl MessageBody>, request_id: &HeaderValue, answered: &Answered<'_>) {
    let status = response.status().as_u16();
    let request_id = request_id.to_str().unwrap_or("-");
    let error = error_of(response);
    let Answered { route, method, took, .. } = *answered;
    macro_rules! line {
        ($level:expr) => {
            tracing::event!(
                $level,
                request_id,
                method,
                route,
                status,
                took_us = microseconds(took),
                code = error.map(ApiError::code),
                cause = error.and_then(|error| error.source()),
                "request"
            )
        };
    }
    // A verification is the hot path, and health checks are noise: they are logged where somebody asks for it.
    let frequent =
        matches!(route, "/api-key/verify" | "/api-key/validate" | "/authorize" | "/healthz" | "/readyz" | "/metrics");
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

/// One line about a request, for those who want to know who uses which key, and who changed which.
pub(super) fn access(
    api: &Api,
    response: &ServiceResponse<impl MessageBody>,
    request_id: &HeaderValue,
    answered: &Answered<'_>,
) {
    let judged = Judged::of(response.request(), error_of(response));
    let changed = Changed::of(response.request());
    let bytes = match response.response().body().size() {
        BodySize::Sized(bytes) => bytes,
        BodySize::None | BodySize::Stream => 0,
    };
    let address = client_address(response.request(), &api.options.trusted_proxies);
    tracing::info!(
        target: "access",
        request_id = request_id.to_str().unwrap_or("-"),
        client = address.map(tracing::field::display),
        method = answered.method,
        route = answered.route,
        status = response.status().as_u16(),
        took_us = microseconds(answered.took),
        bytes,
        outcome = judged.as_ref().map(|judged| judged.outcome.as_str()),
        key_id = judged.as_ref().and_then(|judged| judged.key_id.as_ref()).map(KeyId::as_str),
        config_id = judged.as_ref().and_then(|judged| judged.config_id.as_ref()).map(ConfigId::as_str),
        actor = changed.as_ref().map(|changed| changed.actor.as_str()),
        changed_key_id = changed.as_ref().map(|changed| changed.key_id.as_str()),
        owner_id = changed.as_ref().and_then(|changed| changed.owner.as_ref()).map(OwnerId::as_str),
        "access"
    );
}

fn microseconds(took: Duration) -> u64 {
    u64::try_from(took.as_micros()).unwrap_or(u64::MAX)
}

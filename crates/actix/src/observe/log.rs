use std::error::Error as _;
use std::time::Duration;

use actix_web::body::{BodySize, MessageBody};
use actix_web::dev::ServiceResponse;
use actix_web::http::header::HeaderValue;
use ipnet::IpNet;
use keymint_domain::{ConfigId, KeyId, OwnerId};

use super::{AccessNote, ChangeNote, CompletedRequest};
use crate::callers::client_address;
use crate::error::{ApiError, Denial, FailedPage};

/// Returns the error of an answer, in whichever form it was sent.
fn error_of(response: &ServiceResponse<impl MessageBody>) -> Option<&ApiError> {
    let error = response.response().error()?;
    let denied = || error.as_error::<Denial>().map(|denial| &denial.error);
    error.as_error::<ApiError>().or_else(denied).or_else(|| error.as_error::<FailedPage>().map(|page| &*page.error))
}

/// Logs one line about a request, for operators. It holds the route's pattern instead of the path, and neither headers
/// nor the query nor a body: any of them may hold a key.
pub(super) fn request(
    response: &ServiceResponse<impl MessageBody>,
    request_id: &HeaderValue,
    completed: &CompletedRequest<'_>,
    is_frequent: bool,
) {
    let status = response.status().as_u16();
    let request_id = request_id.to_str().unwrap_or("-");
    let error = error_of(response);
    let CompletedRequest { route, method, took, .. } = *completed;
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
    if status == 503 {
        // The store is down or the queue full: every request says so, and somebody is on it already.
        line!(tracing::Level::WARN);
    } else if status >= 500 {
        line!(tracing::Level::ERROR);
    } else if is_frequent {
        // A verification is the hot path, and health checks are noise.
        line!(tracing::Level::DEBUG);
    } else {
        line!(tracing::Level::INFO);
    }
}

/// Logs one line about a request to the target `access`: who uses which key, and who changed which.
pub(super) fn access(
    trusted_proxies: &[IpNet],
    response: &ServiceResponse<impl MessageBody>,
    request_id: &HeaderValue,
    completed: &CompletedRequest<'_>,
) {
    let note = AccessNote::of(response.request(), error_of(response));
    let changed = ChangeNote::of(response.request());
    let bytes = match response.response().body().size() {
        BodySize::Sized(bytes) => bytes,
        BodySize::None | BodySize::Stream => 0,
    };
    let address = client_address(response.request(), trusted_proxies);
    tracing::info!(
        target: "access",
        request_id = request_id.to_str().unwrap_or("-"),
        client = address.map(tracing::field::display),
        method = completed.method,
        route = completed.route,
        status = response.status().as_u16(),
        took_us = microseconds(completed.took),
        bytes,
        outcome = note.as_ref().map(|note| note.outcome.as_str()),
        key_id = note.as_ref().and_then(|note| note.key_id.as_ref()).map(KeyId::as_str),
        config_id = note.as_ref().and_then(|note| note.config_id.as_ref()).map(ConfigId::as_str),
        actor = changed.as_ref().map(|changed| changed.actor.as_str()),
        changed_key_id = changed.as_ref().and_then(|changed| changed.key_id.as_ref()).map(KeyId::as_str),
        owner_id = changed.as_ref().and_then(|changed| changed.owner.as_ref()).map(OwnerId::as_str),
        "access"
    );
}

fn microseconds(took: Duration) -> u64 {
    u64::try_from(took.as_micros()).unwrap_or(u64::MAX)
}

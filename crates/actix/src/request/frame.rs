use actix_web::Error;
use actix_web::HttpRequest;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::ConnectionType;
use actix_web::middleware::Next;
use keymint_service::stopwatch;
use tracing::{Instrument as _, Span};

use super::log;
use super::request_id::X_REQUEST_ID;
use super::watch::{self, Answered};
use crate::ApiError;
use crate::authorize::Denial;
use crate::connection::{Answering, Sent};
use crate::live::CurrentApi;

/// The frame around every request: a request id, what is told to those who count, log and trace, and no further request
/// on the connection once the server is stopping.
pub(crate) async fn frame(
    api: CurrentApi,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let answering = Answering::of(&request);
    let request_id = api.process.request_ids.of(request.headers(), api.keys.policy());
    let started = stopwatch();
    let span = api.tracing.map_or_else(Span::none, |tracing| tracing.begin(&request, &request_id));
    let mut response = next.call(request).instrument(span.clone()).await?;
    let took = started.elapsed();
    let (route, method) = (watch::route(response.request()), watch::method(response.request().method()));
    let status = response.status();
    let answered = Answered { route, method, status: status.as_str(), took };
    api.watch.tell(&answered);
    if let Some(tracing) = api.tracing {
        tracing.end(&span, route, method, status);
    }
    log::request(&response, &request_id, &answered);
    if api.options.access_log {
        log::access(&api, &response, &request_id, &answered);
    }
    let head = response.response_mut().head_mut();
    head.headers_mut().insert(X_REQUEST_ID, request_id);
    if api.process.is_draining() {
        head.set_connection_type(ConnectionType::Close);
    }
    if let (Some(answering), ConnectionType::Close) = (&answering, head.connection_type()) {
        answering.close();
    }
    Ok(response.map_body(|_, body| Sent::new(body, answering)))
}

/// Lets a request take no longer than it may. What it was waiting for is dropped with it.
pub(crate) async fn time_limit(
    api: CurrentApi,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let answered_for = request.request().clone();
    match tokio::time::timeout(api.options.request_timeout, next.call(request)).await {
        Ok(answer) => answer.map(ServiceResponse::map_into_left_body),
        Err(_) => Ok(too_slow(answered_for).map_into_right_body()),
    }
}

fn too_slow(request: HttpRequest) -> ServiceResponse {
    ServiceResponse::from_err(in_form(ApiError::Timeout, request.path()), request)
}

/// An error in the form of the others of the endpoint at a path.
fn in_form(error: ApiError, path: &str) -> Error {
    if is_gateways(path) { Denial { error, by_403: false }.into() } else { error.into() }
}

/// Whether a path is one that gateways ask at.
fn is_gateways(path: &str) -> bool {
    path.strip_prefix("/authorize").is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

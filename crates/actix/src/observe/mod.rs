//! Observation of requests: their ids, those who count them, the log, traces, and the metrics.

mod log;
mod metrics_endpoint;
mod notes;
mod observer;
mod request_id;
mod seldom;
mod trace;

use actix_web::Error;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use ipnet::IpNet;
use keymint_domain::Policy;
use keymint_service::stopwatch;
use tracing::{Instrument as _, Span};

pub use metrics_endpoint::{MetricsEndpoint, Render, serve_metrics};
pub(crate) use notes::{AccessNote, ChangeNote};
pub use observer::CompletedRequest;
pub(crate) use observer::{RequestObserver, Route};
pub(crate) use request_id::{RequestIds, own_id};
pub(crate) use seldom::Seldom;
pub use trace::Tracing;

/// The parties that observe requests.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Observers<'a> {
    pub(crate) request_ids: &'a RequestIds,
    /// The policy, which names the headers that hold keys.
    pub(crate) policy: &'a Policy,
    pub(crate) observer: &'a RequestObserver,
    pub(crate) tracing: Option<Tracing>,
    /// Networks whose `X-Forwarded-For` counts in the access log; `None` = there is no access log.
    pub(crate) access_log: Option<&'a [IpNet]>,
}

/// Names a request, and tells those who count, log and trace of it.
pub(crate) async fn observe<B: MessageBody + 'static>(
    observers: Observers<'_>,
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    let started = stopwatch();
    let span = observers.tracing.map_or_else(Span::none, |tracing| {
        tracing.begin(&request, &observers.request_ids.keep(request.request(), observers.policy))
    });
    let mut response = next.call(request).instrument(span.clone()).await?;
    let took = started.elapsed();
    let route = Route::of(response.request());
    let method = observer::method(response.request().method());
    let status = response.status();
    let completed = CompletedRequest { route: route.pattern, method, status: status.as_str(), took };
    observers.observer.tell(&completed);
    if let Some(tracing) = observers.tracing {
        tracing.end(&span, route.pattern, method, status);
    }
    let request_id = observers.request_ids.kept_or_new(response.request(), observers.policy);
    log::request(&response, &request_id, &completed, route.is_frequent);
    if let Some(trusted_proxies) = observers.access_log {
        log::access(trusted_proxies, &response, &request_id, &completed);
    }
    response.headers_mut().insert(request_id::X_REQUEST_ID, request_id);
    Ok(response)
}

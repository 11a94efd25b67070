//! `GET /metrics`: the metrics, for servers and for the networks that may read them.

use actix_web::{HttpRequest, HttpResponse};
use keymint_domain::ErrorCode;
use keymint_service::Caller;

use crate::callers::client_address;
use crate::error::ApiError;
use crate::extract::ServerOrAnyone;
use crate::live::CurrentApi;
use crate::members::schema::text;
use crate::openapi::{Callers, Description, DocumentContext};

pub(super) fn describe(_: &DocumentContext<'_>) -> Description {
    Description::new("getMetrics", "Metrics in Prometheus' text format.", Callers::Servers)
        .text("The networks of `metrics.allow` need no server key.")
        .succeeds("200", "The metrics.", "text/plain", text(), None)
        .fails([ErrorCode::Unauthorized])
}

pub(super) async fn metrics(
    request: HttpRequest,
    ServerOrAnyone(caller): ServerOrAnyone,
    api: CurrentApi,
) -> Result<HttpResponse, ApiError> {
    let metrics = api.metrics.as_ref().ok_or(ApiError::NotFound)?;
    let address = client_address(&request, &api.options.trusted_proxies);
    if address.is_some_and(|address| metrics.allows(address)) || caller == Caller::Server {
        Ok(metrics.answer())
    } else {
        Err(ErrorCode::Unauthorized.into())
    }
}

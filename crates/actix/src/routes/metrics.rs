use actix_web::{HttpRequest, HttpResponse};
use keymint_domain::ErrorCode;
use keymint_service::Caller;

use crate::live::CurrentApi;
use crate::request::{Authenticated, client_address};
use crate::{ApiError, exposition};

/// `GET /metrics`: what was counted, to servers and to the networks that may read it.
pub(super) async fn metrics(
    request: HttpRequest,
    Authenticated(caller): Authenticated,
    api: CurrentApi,
) -> Result<HttpResponse, ApiError> {
    let metrics = api.metrics.as_ref().ok_or(ApiError::NotFound)?;
    let address = client_address(&request, &api.options.trusted_proxies);
    let is_near = address.is_some_and(|address| metrics.allow.iter().any(|network| network.contains(&address)));
    if is_near || caller == Caller::Server {
        Ok(exposition::answer(&*metrics.render))
    } else {
        Err(ErrorCode::Unauthorized.into())
    }
}

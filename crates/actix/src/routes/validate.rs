use actix_web::{HttpRequest, HttpResponse};

use crate::ApiError;
use crate::live::CurrentApi;
use crate::request::{Authenticated, JsonBody, Judged, proven_address};
use crate::validate::Object;
use crate::wire::{ValidatedView, read_validate, show_limits};

/// `POST /api-key/validate`: a verification as Better Auth UI's documentation shows it to its users. A refused key is an
/// error here, with a status and a code of its own.
pub(super) async fn validate(
    http: HttpRequest,
    Authenticated(caller): Authenticated,
    JsonBody(body): JsonBody,
    api: CurrentApi,
) -> Result<HttpResponse, ApiError> {
    let mut members = Object::body(body.as_ref())?;
    let request = read_validate(&mut members);
    let mut request = members.finish(request)?;
    request.caller_ip = proven_address(&http, &api.options.trusted_proxies);
    let validated = api.keys.validate(&caller, request).await?.map_err(ApiError::Invalid)?;
    Judged::accepted(&http, &api, &validated.key);
    let mut response = HttpResponse::Ok().json(ValidatedView::from(&validated));
    show_limits(response.headers_mut(), api.keys.standings(&validated.key));
    Ok(response)
}

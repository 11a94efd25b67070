use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};

use crate::request::{Authenticated, JsonBody, Judged, proven_address};
use crate::validate::Object;
use crate::wire::{VerdictView, read_verify, show_verdict};
use crate::{Api, ApiError};

/// `POST /api-key/verify` (wire document 7.6): 200 whatever the verdict.
pub(super) async fn verify(
    http: HttpRequest,
    Authenticated(caller): Authenticated,
    JsonBody(body): JsonBody,
    api: Data<Api>,
) -> Result<HttpResponse, ApiError> {
    let mut members = Object::body(body.as_ref())?;
    let request = read_verify(&mut members);
    let mut request = members.finish(request)?;
    request.caller_ip = proven_address(&http, &api.options.trusted_proxies);
    let verdict = api.keys.verify(&caller, request).await?;
    Judged::verdict(&http, &api, &verdict);
    let mut response = HttpResponse::Ok().json(VerdictView::from(&verdict));
    show_verdict(response.headers_mut(), &verdict, &api.keys);
    Ok(response)
}

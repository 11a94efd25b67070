use actix_web::{HttpRequest, HttpResponse};

use crate::ApiError;
use crate::live::CurrentApi;
use crate::request::{Authenticated, JsonBody, Judged, proven_address};
use crate::validate::Object;
use crate::wire::{DryRunView, VerdictView, read_dry_run, read_verify, show_verdict};

/// `POST /api-key/verify` (docs/better-auth-wire.md 7.6): 200 whatever the verdict. With `dryRun` it tells what every rule says, and
/// counts nothing.
pub(super) async fn verify(
    http: HttpRequest,
    Authenticated(caller): Authenticated,
    JsonBody(body): JsonBody,
    api: CurrentApi,
) -> Result<HttpResponse, ApiError> {
    let mut members = Object::body(body.as_ref())?;
    let request = read_verify(&mut members);
    let is_dry_run = read_dry_run(&mut members);
    let mut request = members.finish(request)?;
    request.caller_ip = proven_address(&http, &api.options.trusted_proxies);
    if is_dry_run {
        // In a box of its own, so that other verifications do not carry its room.
        let run = Box::pin(api.keys.dry_run(&caller, request)).await?;
        return Ok(HttpResponse::Ok().json(DryRunView::from(&run)));
    }
    let verdict = api.keys.verify(&caller, request).await?;
    Judged::verdict(&http, &api, &verdict);
    let mut response = HttpResponse::Ok().json(VerdictView::from(&verdict));
    show_verdict(response.headers_mut(), &verdict, &api.keys);
    Ok(response)
}

use actix_web::HttpResponse;

use crate::ApiError;
use crate::request::{Call, Changed};
use crate::wire::{CreatedView, read_create};

/// `POST /api-key/create` (docs/better-auth-wire.md 7.1).
pub(super) async fn create(call: Call) -> Result<HttpResponse, ApiError> {
    let mut members = call.members()?;
    let request = read_create(&mut members);
    let request = members.finish(Some(request))?;
    let caller = call.caller().await?;
    let minted = call.api.keys.create(&caller, request).await?;
    let made = &minted.key.details;
    Changed::note(&call, &caller, &made.id, Some(&made.owner));
    Ok(HttpResponse::Ok().json(CreatedView::from(&minted)))
}

use actix_web::HttpResponse;

use crate::ApiError;
use crate::request::{Call, Changed};
use crate::wire::{KeyView, read_update};

/// `POST /api-key/update` (docs/better-auth-wire.md 7.4).
pub(super) async fn update(call: Call) -> Result<HttpResponse, ApiError> {
    let mut members = call.members()?;
    let request = read_update(&mut members);
    let request = members.finish(request)?;
    let caller = call.caller().await?;
    let key = call.api.keys.update(&caller, request).await?;
    Changed::note(&call, &caller, &key.details.id, Some(&key.details.owner));
    Ok(HttpResponse::Ok().json(KeyView::from(&key)))
}

use actix_web::HttpResponse;

use crate::ApiError;
use crate::request::{Call, Changed};
use crate::wire::{KeyView, read_config_id, read_id};

/// `POST /api-key/revoke`: stops a key at once, and keeps it visible. Better Auth has no such endpoint.
pub(super) async fn revoke(call: Call) -> Result<HttpResponse, ApiError> {
    let mut members = call.members()?;
    let config_id = read_config_id(&mut members);
    let id = read_id(&mut members, "id");
    let id = members.finish(id)?;
    let caller = call.caller().await?;
    let key = call.api.keys.revoke(&caller, &id, config_id.as_ref()).await?;
    Changed::note(&call, &caller, &id, Some(&key.details.owner));
    Ok(HttpResponse::Ok().json(KeyView::from(&key)))
}

use actix_web::HttpResponse;
use serde_json::json;

use crate::ApiError;
use crate::request::{Call, Changed};
use crate::wire::{read_config_id, read_id};

/// `POST /api-key/delete` (docs/better-auth-wire.md 7.5).
pub(super) async fn delete(call: Call) -> Result<HttpResponse, ApiError> {
    let mut members = call.members()?;
    let config_id = read_config_id(&mut members);
    let id = read_id(&mut members, "keyId");
    let id = members.finish(id)?;
    let caller = call.caller().await?;
    let owner = call.api.keys.delete(&caller, &id, config_id.as_ref()).await?;
    Changed::note(&call, &caller, &id, owner.as_ref());
    Ok(HttpResponse::Ok().json(json!({ "success": true })))
}

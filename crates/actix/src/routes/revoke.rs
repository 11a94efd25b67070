use actix_web::HttpResponse;
use keymint_service::Revoked;

use crate::ApiError;
use crate::request::Call;
use crate::wire::{KeyView, UnreadableView, read_config_id, read_id};

/// `POST /api-key/revoke`: stops a key at once, and keeps it visible. Better Auth has no such endpoint.
pub(super) async fn revoke(call: Call) -> Result<HttpResponse, ApiError> {
    let mut members = call.members()?;
    let config_id = read_config_id(&mut members);
    let id = read_id(&mut members, "id");
    let id = members.finish(id)?;
    Ok(match call.api.keys.revoke(&call.caller().await?, &id, config_id.as_ref()).await? {
        Revoked::Key(key) => HttpResponse::Ok().json(KeyView::from(&key)),
        Revoked::Unreadable(row) => HttpResponse::Ok().json(UnreadableView::from(&row)),
    })
}

use actix_web::HttpResponse;
use keymint_service::Revoked;

use crate::ApiError;
use crate::request::{Call, Changed};
use crate::wire::{KeyView, UnreadableView, read_config_id, read_id};

/// `POST /api-key/revoke`: stops a key at once, and keeps it visible. Better Auth has no such endpoint.
pub(super) async fn revoke(call: Call) -> Result<HttpResponse, ApiError> {
    let mut members = call.members()?;
    let config_id = read_config_id(&mut members);
    let id = read_id(&mut members, "id");
    let id = members.finish(id)?;
    let caller = call.caller().await?;
    let revoked = call.api.keys.revoke(&caller, &id, config_id.as_ref()).await?;
    Ok(match revoked {
        Revoked::Key(key) => {
            Changed::note(&call, &caller, &id, Some(&key.details.owner));
            HttpResponse::Ok().json(KeyView::from(&key))
        }
        Revoked::Unreadable(row) => {
            Changed::note(&call, &caller, &id, None);
            HttpResponse::Ok().json(UnreadableView::from(&row))
        }
    })
}

//! `POST /api-key/restore`: takes back a deletion. Better Auth has no such endpoint.

use actix_web::HttpResponse;
use keymint_domain::{ErrorCode, KeyId};
use keymint_ports::RestoredKey;
use serde_json::{Value, json};
use utoipa::ToSchema as _;
use utoipa::openapi::Ref;
use utoipa::openapi::schema::OneOfBuilder;

use super::{of_users, read_key};
use crate::error::ApiError;
use crate::extract::UserRequest;
use crate::members::Shape;
use crate::openapi::{Description, DocumentContext, examples};
use crate::views::{KeyView, Reader, UnreadableView};

/// Writes the body of a request to bring a deleted key back.
pub fn write(id: &KeyId) -> Value {
    json!({ "keyId": id.as_str() })
}

pub(super) fn describe(context: &DocumentContext<'_>) -> Description {
    let restored = OneOfBuilder::new()
        .item(Ref::from_schema_name(KeyView::name()))
        .item(Ref::from_schema_name(UnreadableView::name()));
    let body = Shape::of_body(context.policy, |body| read_key(body, "keyId"));
    of_users("restoreApiKey", "Brings a deleted key back, as it was.")
        .text("A key can be restored if its configuration has `undelete_days`, and for that time after its deletion.")
        .reads(body, json!({ "keyId": examples::KEY_ID }))
        .refers_to::<KeyView<'_>>()
        .refers_to::<UnreadableView<'_>>()
        .answers_with("The key, or the id of a key whose row is unreadable.", restored, examples::key())
        .fails([ErrorCode::Unauthorized, ErrorCode::KeyNotFound, ErrorCode::KeyManagementNotAllowed])
        .fails([ErrorCode::MaxKeysReached, ErrorCode::KeyExists])
}

pub(super) async fn restore(request: UserRequest) -> Result<HttpResponse, ApiError> {
    let (id, config_id) = request.read(|body| read_key(body, "keyId"))?;
    let caller = request.caller().await?;
    let restored = request.api.keys.restore(request.context(&caller), &id, config_id.as_ref()).await?;
    Ok(match restored {
        RestoredKey::Key(key) => {
            request.note_change(&caller, &id, Some(&key.details.owner));
            HttpResponse::Ok().json(KeyView::in_full(&key, Reader::from(&caller), request.api.keys.policy()))
        }
        RestoredKey::Unreadable(row) => {
            request.note_change(&caller, &id, None);
            HttpResponse::Ok().json(UnreadableView::from(&row))
        }
    })
}

//! `POST /api-key/delete` (docs/better-auth-wire.md 7.5).

use actix_web::HttpResponse;
use keymint_domain::{ErrorCode, KeyId};
use serde_json::{Value, json};

use super::{of_users, read_key};
use crate::error::ApiError;
use crate::extract::UserRequest;
use crate::members::Shape;
use crate::openapi::{Description, DocumentContext, examples, success};

/// Writes the body of a request to delete a key.
pub fn write(id: &KeyId) -> Value {
    json!({ "keyId": id.as_str() })
}

pub(super) fn describe(context: &DocumentContext<'_>) -> Description {
    let body = Shape::of_body(context.policy, |body| read_key(body, "keyId"));
    of_users("deleteApiKey", "Deletes a key.")
        .text("It can be restored for `undelete_days` of its configuration; without them it is gone for good.")
        .reads(body, json!({ "keyId": examples::KEY_ID }))
        .answers_with("It is gone.", success(), json!({ "success": true }))
        .fails([ErrorCode::Unauthorized, ErrorCode::KeyNotFound, ErrorCode::KeyManagementNotAllowed])
        .fails([ErrorCode::KeyReferenced])
}

pub(super) async fn delete(request: UserRequest) -> Result<HttpResponse, ApiError> {
    let (id, config_id) = request.read(|body| read_key(body, "keyId"))?;
    let caller = request.caller().await?;
    let owner = request.api.keys.delete(request.context(&caller), &id, config_id.as_ref()).await?;
    request.note_change(&caller, &id, owner.as_ref());
    Ok(HttpResponse::Ok().json(json!({ "success": true })))
}

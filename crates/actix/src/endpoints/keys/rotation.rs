//! `POST /api-key/rotation/cancel` and `POST /api-key/rotation/finish`: the end of a rotation before its time. Better Auth
//! has no such endpoints.

use actix_web::HttpResponse;
use keymint_domain::{ErrorCode, KeyId};
use keymint_service::ChangeRotation;
use serde_json::{Value, json};

use super::{of_users, read_key};
use crate::error::ApiError;
use crate::extract::UserRequest;
use crate::members::Shape;
use crate::openapi::{Description, DocumentContext, examples};
use crate::views::KeyView;

/// Writes the body of a request to end the rotation of a key.
pub fn write(id: &KeyId) -> Value {
    json!({ "keyId": id.as_str() })
}

pub(super) fn describe_cancel(context: &DocumentContext<'_>) -> Description {
    describe(context, "cancelApiKeyRotation", "Ends the new secret of a key before its first use.")
        .fails([ErrorCode::RotationConfirmed])
}

pub(super) fn describe_finish(context: &DocumentContext<'_>) -> Description {
    describe(context, "finishApiKeyRotation", "Ends all secrets of a key but the new one.")
}

fn describe(context: &DocumentContext<'_>, id: &'static str, summary: &'static str) -> Description {
    let body = Shape::of_body(context.policy, |body| read_key(body, "keyId"));
    of_users(id, summary)
        .reads(body, json!({ "keyId": examples::KEY_ID }))
        .answers::<KeyView<'_>>("The key after the change.", examples::key())
        .fails([
            ErrorCode::UnauthorizedSession,
            ErrorCode::KeyNotFound,
            ErrorCode::KeyManagementNotAllowed,
            ErrorCode::RotationNotOpen,
        ])
}

pub(super) async fn cancel(request: UserRequest) -> Result<HttpResponse, ApiError> {
    end(request, ChangeRotation::Cancel).await
}

pub(super) async fn finish(request: UserRequest) -> Result<HttpResponse, ApiError> {
    end(request, ChangeRotation::Finish).await
}

async fn end(request: UserRequest, change: ChangeRotation) -> Result<HttpResponse, ApiError> {
    let (id, config_id) = request.read(|body| read_key(body, "keyId"))?;
    let caller = request.caller().await?;
    let keys = &request.api.keys;
    let key = keys.end_rotation_of(request.context(&caller), &id, config_id.as_ref(), change).await?;
    request.note_change(&caller, &id, Some(&key.details.owner));
    Ok(HttpResponse::Ok().json(KeyView::from(&key).with_rotation_due(&key, keys.policy())))
}

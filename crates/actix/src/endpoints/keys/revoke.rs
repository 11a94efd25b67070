//! `POST /api-key/revoke`: stops a key at once, and keeps it visible. Better Auth has no such endpoint.

use actix_web::HttpResponse;
use keymint_domain::ErrorCode;
use keymint_service::Revoked;
use serde_json::json;
use utoipa::ToSchema as _;
use utoipa::openapi::Ref;
use utoipa::openapi::schema::OneOfBuilder;

use super::{of_users, read_key};
use crate::error::ApiError;
use crate::extract::UserRequest;
use crate::members::Shape;
use crate::openapi::{Description, DocumentContext, examples};
use crate::views::{KeyView, UnreadableView};

pub(super) fn describe(context: &DocumentContext<'_>) -> Description {
    let revoked = OneOfBuilder::new()
        .item(Ref::from_schema_name(KeyView::name()))
        .item(Ref::from_schema_name(UnreadableView::name()));
    let body = Shape::of_body(context.policy, |body| read_key(body, "id"));
    of_users("revokeApiKey", "Stops a key at once, and keeps it visible.")
        .reads(body, json!({ "id": examples::KEY_ID }))
        .refers_to::<KeyView<'_>>()
        .refers_to::<UnreadableView<'_>>()
        .answers_with(
            "The key after the change, or the id of a key whose row is unreadable.",
            revoked,
            examples::revoked_key(),
        )
        .fails([ErrorCode::Unauthorized, ErrorCode::KeyNotFound, ErrorCode::KeyManagementNotAllowed])
}

pub(super) async fn revoke(request: UserRequest) -> Result<HttpResponse, ApiError> {
    let (id, config_id) = request.read(|body| read_key(body, "id"))?;
    let caller = request.caller().await?;
    let revoked = request.api.keys.revoke(request.context(&caller), &id, config_id.as_ref()).await?;
    Ok(match revoked {
        Revoked::Key(key) => {
            request.note_change(&caller, &id, Some(&key.details.owner));
            HttpResponse::Ok().json(KeyView::from(&key))
        }
        Revoked::Unreadable(row) => {
            request.note_change(&caller, &id, None);
            HttpResponse::Ok().json(UnreadableView::from(&row))
        }
    })
}

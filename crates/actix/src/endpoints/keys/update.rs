//! `POST /api-key/update` (docs/better-auth-wire.md 7.4).

use actix_web::HttpResponse;
use keymint_domain::key::EditKey;
use keymint_domain::{ErrorCode, KeyId, OwnerId};
use keymint_service::UpdateKey;
use serde_json::json;

use super::{OF_MEMBERS, of_users};
use crate::error::ApiError;
use crate::extract::UserRequest;
use crate::members::{Members, Shape};
use crate::openapi::{Description, DocumentContext, examples};
use crate::views::KeyView;

/// Reads the members, in the order of Better Auth's schema.
fn read(body: &mut Members<'_>) -> Option<UpdateKey> {
    let config_id = body.optional("configId", "The configuration that the key must be of.").config_id();
    let id = body.required("keyId", "The key.").id(KeyId::parse);
    let owner = body
        .optional("userId", "The owner that the key must belong to; a user may name themselves only.")
        .coerced_id_if_any(OwnerId::parse);
    let name = body.optional("name", "For people.").key_name();
    let enabled = body.optional("enabled", "Whether it may be used.").boolean();
    let remaining = body.optional("remaining", "Uses that the quota allows. A server's.").count(1);
    let refill = body.refill();
    let metadata = body
        .optional("metadata", "What to attach to it; null is none. Ignored where `enable_metadata` is off.")
        .metadata();
    let expires_in = body.optional("expiresIn", "Seconds that it lives from now on; null is for ever.").lifetime();
    let rate_limit_enabled = body.optional("rateLimitEnabled", "Whether it is rate limited. A server's.").boolean();
    let rate_limit_window_ms =
        body.optional("rateLimitTimeWindow", "Milliseconds of the rate limit's window. A server's.").count(1);
    let rate_limit_max = body.optional("rateLimitMax", "Uses per window. A server's.").count(1);
    let permissions = body.optional("permissions", "As in a new key; null is none. A server's.").nullable_permissions();
    let allowed_addresses = body
        .optional("allowedAddresses", "From where alone it may be used; null is everywhere. A server's.")
        .networks();
    let denied_addresses =
        body.optional("deniedAddresses", "From where it may not be used; null is nowhere. A server's.").networks();
    let edit = EditKey {
        name,
        enabled,
        expires_in,
        metadata,
        remaining,
        refill,
        rate_limit_enabled,
        rate_limit_window_ms,
        rate_limit_max,
        permissions,
        allowed_addresses,
        denied_addresses,
    };
    Some(UpdateKey { id: id?, config_id, owner, edit })
}

pub(super) fn describe(context: &DocumentContext<'_>) -> Description {
    of_users("updateApiKey", "Changes a key.")
        .text("What is not named stays as it is. It counts at the next use.")
        .reads(Shape::of_body(context.policy, read), json!({ "keyId": examples::KEY_ID, "enabled": false }))
        .answers::<KeyView<'_>>("The key as it is now.", examples::key_with(&json!({ "enabled": false })))
        .fails(OF_MEMBERS)
        .fails([
            ErrorCode::NoValuesToUpdate,
            ErrorCode::KeyNotFound,
            ErrorCode::KeyManagementNotAllowed,
            ErrorCode::KeyRevoked,
        ])
}

pub(super) async fn update(request: UserRequest) -> Result<HttpResponse, ApiError> {
    let asked = request.read(read)?;
    let caller = request.caller().await?;
    let key = request.api.keys.update(&caller, asked).await?;
    request.note_change(&caller, &key.details.id, Some(&key.details.owner));
    Ok(HttpResponse::Ok().json(KeyView::from(&key)))
}

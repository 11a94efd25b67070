//! `POST /api-key/update` (docs/better-auth-wire.md 7.4).

use actix_web::HttpResponse;
use keymint_domain::key::EditKey;
use keymint_domain::value::MAX_PERIOD_MS;
use keymint_domain::{ErrorCode, KeyId, OwnerId, Permissions};
use keymint_service::{ServiceError, UpdateKey};
use serde_json::json;

use super::{OF_MEMBERS, of_users};
use crate::error::ApiError;
use crate::extract::UserRequest;
use crate::members::{Members, Shape};
use crate::openapi::{Description, DocumentContext, examples};
use crate::views::KeyView;

/// Reads the members, in the order of Better Auth's schema.
fn read(body: &mut Members<'_>) -> Option<UpdateKey> {
    let config_id = body.optional("configId", "The configuration that the key must belong to.").config_id();
    let id = body.required("keyId", "The key.").id(KeyId::parse);
    let owner = body
        .optional("userId", "The owner that the key must belong to; a user may name themselves only.")
        .coerced_id_if_any(OwnerId::parse);
    let name = body.optional("name", "For people.").key_name();
    let enabled = body.optional("enabled", "False if the key is disabled.").boolean();
    let remaining =
        body.optional("remaining", "Uses that the quota allows; null is no quota. For servers only.").nullable_count(1);
    let refill = body.changed_refill();
    let metadata = body
        .optional("metadata", "Any JSON object to attach; null is none. Ignored if `enable_metadata` is off.")
        .metadata();
    let expires_in = body.optional("expiresIn", "The lifetime in seconds from now; null never expires.").lifetime();
    let rate_limit_enabled =
        body.optional("rateLimitEnabled", "Turns the rate limit on or off. For servers only.").boolean();
    let rate_limit_window_ms = body
        .optional("rateLimitTimeWindow", "The window of the rate limit in milliseconds. For servers only.")
        .integer(1..=MAX_PERIOD_MS);
    let rate_limit_max = body.optional("rateLimitMax", "Uses per window. For servers only.").count(1);
    let permissions = body.optional("permissions", "As in a new key; null is none.").nullable_permissions();
    let allowed_addresses = body
        .optional("allowedAddresses", "Networks (CIDR) that may use the key; null is any. For servers only.")
        .networks();
    let denied_addresses = body
        .optional("deniedAddresses", "Networks (CIDR) that may not use the key; null is none. For servers only.")
        .networks();
    let add_remaining = body
        .optional("addRemaining", "Uses to add to the quota, or to take from it down to 0. For servers only.")
        .signed_count();
    let reset_limit =
        body.optional("resetLimit", "True forgets the uses that the rate limit counted. For servers only.").boolean();
    let edit = EditKey {
        name,
        enabled,
        expires_in,
        metadata,
        remaining,
        add_remaining,
        refill,
        rate_limit_enabled,
        rate_limit_window_ms,
        rate_limit_max,
        reset_limit: reset_limit.unwrap_or_default(),
        permissions,
        allowed_addresses,
        denied_addresses,
    };
    Some(UpdateKey { id: id?, config_id, owner, edit })
}

pub(super) fn describe(context: &DocumentContext<'_>) -> Description {
    of_users("updateApiKey", "Changes a key.")
        .text("Absent members stay unchanged. The change applies from the next use.")
        .reads(Shape::of_body(context.policy, read), json!({ "keyId": examples::KEY_ID, "enabled": false }))
        .answers::<KeyView<'_>>("The key after the change.", examples::key_with(&json!({ "enabled": false })))
        .fails(OF_MEMBERS)
        .fails([ServiceError::Ungrantable(Permissions::from_pairs([("files", "write")]))])
        .fails([
            ErrorCode::NoValuesToUpdate,
            ErrorCode::KeyNotFound,
            ErrorCode::KeyManagementNotAllowed,
            ErrorCode::KeyRevoked,
            ErrorCode::AddRemainingNotAllowed,
        ])
}

pub(super) async fn update(request: UserRequest) -> Result<HttpResponse, ApiError> {
    let asked = request.read(read)?;
    let caller = request.caller().await?;
    let key = request.api.keys.update(request.context(&caller), asked).await?;
    request.note_change(&caller, &key.details.id, Some(&key.details.owner));
    Ok(HttpResponse::Ok().json(KeyView::from(&key).with_rotation_due(&key, request.api.keys.policy())))
}

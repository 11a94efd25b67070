//! `POST /api-key/update` (docs/better-auth-wire.md 7.4).

use actix_web::HttpResponse;
use keymint_domain::key::{EditKey, RefillEdit};
use keymint_domain::value::{Lifetime, MAX_PERIOD_MS};
use keymint_domain::{ErrorCode, KeyId, OwnerId, Permissions};
use keymint_service::{ServiceError, UpdateKey};
use serde_json::{Value, json};

use super::{OF_MEMBERS, of_users};
use crate::error::ApiError;
use crate::extract::UserRequest;
use crate::members::written::{self, Body};
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

/// Writes the body of a request to change a key.
pub fn write(request: UpdateKey) -> Value {
    let UpdateKey { id, config_id, owner, edit } = request;
    let EditKey {
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
        reset_limit,
        permissions,
        allowed_addresses,
        denied_addresses,
    } = edit;
    let RefillEdit { amount, interval_ms, every } = refill;
    let mut body = Body::default();
    body.put_config_id(config_id.as_ref());
    body.put("keyId", Some(id.as_str()));
    body.put("userId", owner.map(|id| id.as_str().to_owned()));
    body.put("name", name.map(|name| name.as_str().to_owned()));
    body.put("enabled", enabled);
    body.put_field("remaining", remaining);
    body.put_field("refillAmount", amount);
    body.put_field("refillInterval", interval_ms);
    body.put_field("refill", every.map(written::calendar));
    body.put_field("metadata", written::metadata(&metadata));
    body.put_field("expiresIn", expires_in.map(Lifetime::as_seconds));
    body.put("rateLimitEnabled", rate_limit_enabled);
    body.put("rateLimitTimeWindow", rate_limit_window_ms);
    body.put("rateLimitMax", rate_limit_max);
    body.put_field("permissions", permissions.map(|permissions| written::permissions(&permissions)));
    body.put("allowedAddresses", allowed_addresses.as_ref().map(written::networks));
    body.put("deniedAddresses", denied_addresses.as_ref().map(written::networks));
    body.put("addRemaining", add_remaining);
    body.put("resetLimit", reset_limit.then_some(true));
    body.into()
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

#[cfg(test)]
mod tests {
    use keymint_domain::key::{Field, MetadataInput};
    use keymint_domain::usage::Every;
    use keymint_domain::value::KeyName;
    use keymint_domain::{ConfigId, Metadata};

    use super::*;

    #[test]
    fn a_written_request_is_read_back() {
        let networks = |list: Value| {
            Members::read_body(Some(&json!({ "n": list })), |body| Some(body.optional("n", "").networks())).unwrap()
        };
        let full = EditKey {
            name: Some(KeyName::parse("first").unwrap()),
            enabled: Some(false),
            expires_in: Field::Given(Lifetime::from_seconds(86_400.5).unwrap()),
            metadata: MetadataInput::Given(Metadata::from_json(&json!({ "a": [1] })).unwrap()),
            remaining: Field::Given(7),
            add_remaining: Some(-3),
            refill: RefillEdit {
                amount: Field::Given(8),
                interval_ms: Field::Given(9),
                every: Field::Given(Every::Month),
            },
            rate_limit_enabled: Some(false),
            rate_limit_window_ms: Some(10),
            rate_limit_max: Some(11),
            reset_limit: true,
            permissions: Field::Given(Permissions::of(&[("files", &["read", "write"])])),
            allowed_addresses: networks(json!(["10.0.0.0/8", "2001:db8::/32"])),
            denied_addresses: networks(Value::Null),
        };
        let null = EditKey {
            expires_in: Field::Null,
            metadata: MetadataInput::Null,
            remaining: Field::Null,
            refill: RefillEdit { amount: Field::Null, interval_ms: Field::Null, every: Field::Null },
            permissions: Field::Null,
            ..EditKey::default()
        };
        let wrong = EditKey { metadata: MetadataInput::WrongType, ..EditKey::default() };
        for edit in [full, null, wrong, EditKey::default()] {
            let (id, owner) = (KeyId::parse("k1").unwrap(), OwnerId::parse("ada").unwrap());
            let config_id = Some(ConfigId::parse("team").unwrap());
            let request = UpdateKey { id, config_id, owner: Some(owner), edit };
            let body = write(request.clone());
            assert_eq!(Members::read_body(Some(&body), read).unwrap(), request, "{body}");
        }
    }
}

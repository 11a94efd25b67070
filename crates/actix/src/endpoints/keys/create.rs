//! `POST /api-key/create` (docs/better-auth-wire.md 7.1).

use actix_web::HttpResponse;
use keymint_domain::address::AddressRules;
use keymint_domain::key::{NewKey, RefillInput};
use keymint_domain::value::{Lifetime, MAX_PERIOD_MS};
use keymint_domain::{ErrorCode, OrganizationId, OwnerId, Permissions};
use keymint_service::{CreateKey, ServiceError};
use serde_json::{Value, json};

use super::{OF_MEMBERS, of_users};
use crate::error::ApiError;
use crate::extract::UserRequest;
use crate::members::written::{self, Body};
use crate::members::{Members, Shape};
use crate::openapi::{Description, DocumentContext, examples};
use crate::views::CreatedView;

/// Reads the members, in the order of Better Auth's schema.
fn read(body: &mut Members<'_>) -> CreateKey {
    let config_id = body.optional("configId", "The configuration; `default` if absent, empty or unknown.").config_id();
    let name = body.optional("name", "For people.").new_key_name();
    let expires_in =
        body.optional("expiresIn", "The lifetime in seconds; null takes the configuration's default.").lifetime();
    let prefix = body.optional("prefix", "The text that the key begins with.").prefix();
    let remaining =
        body.optional("remaining", "Uses that the quota allows; null is no quota. For servers only.").nullable_count(0);
    let metadata = body.optional("metadata", "Any JSON object to attach, if `enable_metadata` is on.").new_metadata();
    let refill = body.refill();
    let rate_limit_window_ms = body
        .optional("rateLimitTimeWindow", "The window of the rate limit in milliseconds. For servers only.")
        .integer(1..=MAX_PERIOD_MS);
    let rate_limit_max = body.optional("rateLimitMax", "Uses per window. For servers only.").count(1);
    let rate_limit_enabled =
        body.optional("rateLimitEnabled", "Turns the rate limit on or off. For servers only.").boolean();
    let permissions = body
        .optional(
            "permissions",
            "Granted actions by resource; a bare list means these actions on every resource. For servers, and for users within `grantable`.",
        )
        .permissions();
    let allowed = body
        .optional("allowedAddresses", "Networks (CIDR) that may use the key; null is any. For servers only.")
        .networks();
    let denied = body
        .optional("deniedAddresses", "Networks (CIDR) that may not use the key; null is none. For servers only.")
        .networks();
    let owner = body
        .optional("userId", "The owner. Required from servers; users create their own keys only.")
        .coerced_id(OwnerId::parse);
    let organization = body
        .optional("organizationId", "The owner, if the configuration's keys belong to organizations.")
        .coerced_id_or_empty(OrganizationId::parse);
    CreateKey {
        config_id,
        owner,
        organization: organization.given(),
        new: NewKey {
            name,
            prefix,
            expires_in: expires_in.given(),
            metadata,
            remaining,
            refill,
            rate_limit_enabled,
            rate_limit_window_ms,
            rate_limit_max,
            permissions,
            addresses: AddressRules { allowed: allowed.unwrap_or_default(), denied: denied.unwrap_or_default() },
        },
    }
}

/// Writes the body of a request for a new key.
pub fn write(request: CreateKey) -> Value {
    let CreateKey { config_id, owner, organization, new } = request;
    let NewKey {
        name,
        prefix,
        expires_in,
        metadata,
        remaining,
        refill,
        rate_limit_enabled,
        rate_limit_window_ms,
        rate_limit_max,
        permissions,
        addresses,
    } = new;
    let RefillInput { amount, interval_ms, every } = refill;
    let AddressRules { allowed, denied } = addresses;
    let mut body = Body::default();
    body.put_config_id(config_id.as_ref());
    body.put("name", name.map(|name| name.as_str().to_owned()));
    body.put("expiresIn", expires_in.map(Lifetime::as_seconds));
    body.put("prefix", prefix.map(|prefix| prefix.as_str().to_owned()));
    body.put_field("remaining", remaining);
    body.put_field("metadata", written::metadata(&metadata));
    body.put("refillAmount", amount);
    body.put("refillInterval", interval_ms);
    body.put("refill", every.map(written::calendar));
    body.put("rateLimitTimeWindow", rate_limit_window_ms);
    body.put("rateLimitMax", rate_limit_max);
    body.put("rateLimitEnabled", rate_limit_enabled);
    body.put("permissions", permissions.as_ref().map(written::permissions));
    body.put("allowedAddresses", Some(allowed).filter(|some| !some.is_empty()).as_ref().map(written::networks));
    body.put("deniedAddresses", Some(denied).filter(|some| !some.is_empty()).as_ref().map(written::networks));
    body.put("userId", owner.map(|id| id.as_str().to_owned()));
    body.put("organizationId", organization.map(|id| id.as_str().to_owned()));
    body.into()
}

pub(super) fn describe(context: &DocumentContext<'_>) -> Description {
    let body = json!({ "userId": "ada", "name": "first", "prefix": "sk_", "permissions": { "files": ["read"] } });
    of_users("createApiKey", "Creates a key, and returns its text this once.")
        .reads(Shape::of_body(context.policy, read), body)
        .answers::<CreatedView<'_>>("The key, with its text.", examples::key_with(&json!({ "key": examples::KEY })))
        .leads_to("getApiKey", "id", "$response.body#/id")
        .fails(OF_MEMBERS)
        .fails([ServiceError::Ungrantable(Permissions::from_pairs([("files", "write")]))])
        .fails([
            ErrorCode::InvalidPrefixLength,
            ErrorCode::MetadataDisabled,
            ErrorCode::NameRequired,
            ErrorCode::UserIdRequired,
            ErrorCode::OrganizationIdRequired,
        ])
        .fails([ErrorCode::KeyManagementNotAllowed, ErrorCode::MaxKeysReached, ErrorCode::OrganizationPluginRequired])
}

pub(super) async fn create(request: UserRequest) -> Result<HttpResponse, ApiError> {
    let new = request.read(|body| Some(read(body)))?;
    let caller = request.caller().await?;
    let minted = request.api.keys.create(request.context(&caller), new).await?;
    let made = &minted.key.details;
    request.note_change(&caller, &made.id, Some(&made.owner));
    Ok(HttpResponse::Ok().json(CreatedView::new(&minted, request.api.keys.policy())))
}

#[cfg(test)]
mod tests {
    use keymint_domain::key::{Field, MetadataInput};
    use keymint_domain::usage::Every;
    use keymint_domain::value::{KeyName, Prefix};
    use keymint_domain::{ConfigId, Metadata};

    use super::*;

    #[test]
    fn a_written_request_is_read_back() {
        let owner = OwnerId::parse("ada").unwrap();
        let networks = |list: Value| {
            Members::read_body(Some(&json!({ "n": list })), |body| body.optional("n", "").networks()).unwrap()
        };
        let full = CreateKey {
            config_id: Some(ConfigId::parse("team").unwrap()),
            owner: Some(owner.clone()),
            organization: Some(OrganizationId::parse("acme").unwrap()),
            new: NewKey {
                name: Some(KeyName::parse("first").unwrap()),
                prefix: Some(Prefix::parse("sk_").unwrap()),
                expires_in: Some(Lifetime::from_seconds(86_400.5).unwrap()),
                metadata: MetadataInput::Given(Metadata::from_json(&json!({ "a": [1] })).unwrap()),
                remaining: Field::Given(7),
                refill: RefillInput { amount: Some(8), interval_ms: Some(9), every: Some(Every::Month) },
                rate_limit_enabled: Some(false),
                rate_limit_window_ms: Some(10),
                rate_limit_max: Some(11),
                permissions: Some(Permissions::of(&[("files", &["read", "write"])])),
                addresses: AddressRules {
                    allowed: networks(json!(["10.0.0.0/8", "2001:db8::/32"])),
                    denied: networks(json!(["10.1.0.0/16"])),
                },
            },
        };
        let null = NewKey { metadata: MetadataInput::Null, remaining: Field::Null, ..NewKey::default() };
        let wrong = NewKey { metadata: MetadataInput::WrongType, ..NewKey::default() };
        let others = [NewKey::default(), null, wrong].map(|new| CreateKey::of(owner.clone(), new));
        for request in others.into_iter().chain([full]) {
            let body = write(request.clone());
            assert_eq!(Members::read_body(Some(&body), |body| Some(read(body))).unwrap(), request, "{body}");
        }
    }
}

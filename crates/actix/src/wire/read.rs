//! Requests, member by member in the order of Better Auth's schemas.

use keymint_domain::address::AddressRules;
use keymint_domain::key::{EditKey, Field, NewKey, PlainKey, RefillInput};
use keymint_domain::listing::{Direction, ListQuery, SortField};
use keymint_domain::value::{InvalidText, KeyName, Lifetime, Prefix};
use keymint_domain::verify::Cost;
use keymint_domain::{ConfigId, KeyId, OrganizationId, OwnerId};
use keymint_service::{CreateKey, ListKeys, UpdateKey, VerifyKey, Whose};

use crate::validate::Object;

/// `POST /api-key/create` (docs/better-auth-wire.md 7.1).
pub fn read_create(body: &mut Object<'_>) -> CreateKey {
    let config_id = read_config_id(body);
    let name = name(body);
    let expires_in = lifetime(body);
    let prefix = body.text("prefix");
    let prefix = body.parse("prefix", prefix, Prefix::parse);
    let remaining = body.nullable_count("remaining", 0);
    let metadata = body.new_metadata("metadata");
    let refill = refill(body);
    let rate_limit_window_ms = body.count("rateLimitTimeWindow", 1);
    let rate_limit_max = body.count("rateLimitMax", 1);
    let rate_limit_enabled = body.boolean("rateLimitEnabled");
    let permissions = body.permissions("permissions");
    let addresses = AddressRules {
        allowed: body.networks("allowedAddresses").unwrap_or_default(),
        denied: body.networks("deniedAddresses").unwrap_or_default(),
    };
    let owner = owner(body);
    let organization = organization(body);
    CreateKey {
        config_id,
        owner,
        organization,
        new: NewKey {
            name,
            prefix,
            expires_in: match expires_in {
                Field::Given(lifetime) => Some(lifetime),
                Field::Absent | Field::Null => None,
            },
            metadata,
            remaining,
            refill,
            rate_limit_enabled,
            rate_limit_window_ms,
            rate_limit_max,
            permissions,
            addresses,
        },
    }
}

/// `POST /api-key/update` (docs/better-auth-wire.md 7.4).
pub fn read_update(body: &mut Object<'_>) -> Option<UpdateKey> {
    let config_id = read_config_id(body);
    let id = read_id(body, "keyId");
    // An empty one is none to Better Auth.
    let owner = body.coerced_text("userId").filter(|id| !id.is_empty());
    let owner = body.parse("userId", owner, text(OwnerId::parse));
    let name = name(body);
    let enabled = body.boolean("enabled");
    let remaining = body.count("remaining", 1);
    let refill = refill(body);
    let metadata = body.metadata("metadata");
    let expires_in = lifetime(body);
    let rate_limit_enabled = body.boolean("rateLimitEnabled");
    let rate_limit_window_ms = body.count("rateLimitTimeWindow", 1);
    let rate_limit_max = body.count("rateLimitMax", 1);
    let permissions = body.nullable_permissions("permissions");
    let allowed_addresses = body.networks("allowedAddresses");
    let denied_addresses = body.networks("deniedAddresses");
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

/// `POST /api-key/verify` (docs/better-auth-wire.md 7.6), and Keymint's own `cost`.
pub fn read_verify(body: &mut Object<'_>) -> Option<VerifyKey> {
    read_use(body, "key")
}

/// `POST /api-key/validate`: as `verify`, with the key under another name.
pub fn read_validate(body: &mut Object<'_>) -> Option<VerifyKey> {
    read_use(body, "apiKey")
}

/// Whether a verification is to be a dry run: Keymint's own `dryRun`.
pub fn read_dry_run(body: &mut Object<'_>) -> bool {
    body.boolean("dryRun").unwrap_or_default()
}

/// A use of the key in the member `key`.
fn read_use(body: &mut Object<'_>, key: &str) -> Option<VerifyKey> {
    let config_id = read_config_id(body);
    let key = body.required_text(key);
    let permissions = body.permissions("permissions");
    let cost = body.integer("cost", 0..=u64::from(u32::MAX));
    let cost = cost.and_then(|cost| u32::try_from(cost).ok()).map_or(Cost::default(), Cost);
    let client_ip = body.address("clientIp");
    Some(VerifyKey { config_id, permissions, cost, client_ip, ..VerifyKey::of(PlainKey::new(key?)) })
}

/// `GET /api-key/list` (docs/better-auth-wire.md 7.3).
pub fn read_list(query: &mut Object<'_>) -> ListKeys {
    let config_id = query.text("configId").filter(|id| !id.is_empty());
    let config_id = query.parse("configId", config_id, text(ConfigId::parse));
    let of_nobody = query.text("organizationId").is_some_and(|id| id.is_empty());
    let organization = organization(query);
    let limit = query.coerced_integer("limit", 0..=u64::from(ListQuery::MAX_LIMIT));
    let offset = query.coerced_integer("offset", 0..=u64::MAX);
    let fields: Vec<_> = SortField::ALL.iter().map(|field| (field.as_str(), *field)).collect();
    // Given twice it is no text, which Better Auth says before it says which texts it takes.
    let sort_by = query.text("sortBy").and_then(|_| query.choice("sortBy", &fields));
    let directions = [("asc", Direction::Ascending), ("desc", Direction::Descending)];
    let direction = query.choice("sortDirection", &directions).unwrap_or_default();
    let owner = owner(query);
    let limit = limit.and_then(|limit| u32::try_from(limit).ok());
    let whose = match (organization, owner) {
        _ if of_nobody => Whose::Nobodys,
        (Some(organization), _) => Whose::Organizations(organization),
        (None, Some(owner)) => Whose::Users(owner),
        (None, None) => Whose::Callers,
    };
    ListKeys { whose, config_id, sort_by, direction, offset, limit }
}

/// The id of a key, which must be there.
pub fn read_id(object: &mut Object<'_>, name: &str) -> Option<KeyId> {
    let id = object.required_text(name);
    object.parse(name, id, text(KeyId::parse))
}

/// The configuration that a request names; an empty id means the default one (docs/better-auth-wire.md 6.4).
pub fn read_config_id(object: &mut Object<'_>) -> Option<ConfigId> {
    let id = object.text("configId");
    object.parse(
        "configId",
        id,
        |id| if id.is_empty() { Ok(ConfigId::default_id()) } else { text(ConfigId::parse)(id) },
    )
}

fn owner(object: &mut Object<'_>) -> Option<OwnerId> {
    let owner = object.coerced_text("userId");
    object.parse("userId", owner, text(OwnerId::parse))
}

/// An organization; an empty id means none.
fn organization(object: &mut Object<'_>) -> Option<OrganizationId> {
    let id = object.coerced_text("organizationId").filter(|id| !id.is_empty());
    object.parse("organizationId", id, text(OrganizationId::parse))
}

fn name(body: &mut Object<'_>) -> Option<KeyName> {
    let name = body.text("name");
    body.parse("name", name, text(KeyName::parse))
}

fn lifetime(body: &mut Object<'_>) -> Field<Lifetime> {
    match body.nullable_number("expiresIn", 1.0) {
        Field::Given(seconds) => Lifetime::from_seconds(seconds).map_or(Field::Absent, Field::Given),
        Field::Null => Field::Null,
        Field::Absent => Field::Absent,
    }
}

fn refill(body: &mut Object<'_>) -> RefillInput {
    RefillInput { amount: body.count("refillAmount", 1), interval_ms: body.count("refillInterval", 1) }
}

/// Says in zod's manner what the domain says of a text.
fn text<T>(parse: impl FnOnce(String) -> Result<T, InvalidText>) -> impl FnOnce(String) -> Result<T, String> {
    |text| parse(text).map_err(|error| format!("Invalid string: {error}"))
}

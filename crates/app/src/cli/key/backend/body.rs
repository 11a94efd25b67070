//! Requests in the words of the wire (docs/http.md). Each names every member, so that a new one is not forgotten.

use keymint_domain::address::{AddressRules, Networks};
use keymint_domain::key::{EditKey, Field, MetadataInput, NewKey, RefillEdit, RefillInput};
use keymint_domain::listing::{Direction, KeyFilter};
use keymint_domain::policy::{Cut, RotateSecret};
use keymint_domain::usage::Every;
use keymint_domain::value::Lifetime;
use keymint_domain::verify::Cost;
use keymint_domain::{Metadata, Permissions};
use keymint_service::{CreateKey, ListKeys, RotateKey, UpdateKey, VerifyKey, Whose};
use serde_json::{Map, Value, json};

/// The members of a request; those that are absent are left out.
#[derive(Default)]
struct Body(Map<String, Value>);

impl Body {
    fn put(&mut self, name: &str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.0.insert(name.to_owned(), value.into());
        }
    }

    fn put_field(&mut self, name: &str, field: Field<impl Into<Value>>) {
        match field {
            Field::Absent => {}
            Field::Null => self.put(name, Some(Value::Null)),
            Field::Given(value) => self.put(name, Some(value)),
        }
    }
}

pub(super) fn create(request: CreateKey) -> Value {
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
    body.put("configId", config_id.map(|id| id.as_str().to_owned()));
    body.put("name", name.map(|name| name.as_str().to_owned()));
    body.put("expiresIn", expires_in.map(Lifetime::as_seconds));
    body.put("prefix", prefix.map(|prefix| prefix.as_str().to_owned()));
    body.put_field("remaining", remaining);
    body.put_field("metadata", of_metadata(metadata));
    body.put("refillAmount", amount);
    body.put("refillInterval", interval_ms);
    body.put("refill", every.map(calendar));
    body.put("rateLimitTimeWindow", rate_limit_window_ms);
    body.put("rateLimitMax", rate_limit_max);
    body.put("rateLimitEnabled", rate_limit_enabled);
    body.put("permissions", permissions.as_ref().map(of_permissions));
    body.put("allowedAddresses", some_networks(&allowed));
    body.put("deniedAddresses", some_networks(&denied));
    body.put("userId", owner.map(|id| id.as_str().to_owned()));
    body.put("organizationId", organization.map(|id| id.as_str().to_owned()));
    body.0.into()
}

pub(super) fn update(request: UpdateKey) -> Value {
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
    body.put("configId", config_id.map(|id| id.as_str().to_owned()));
    body.put("keyId", Some(id.as_str()));
    body.put("userId", owner.map(|id| id.as_str().to_owned()));
    body.put("name", name.map(|name| name.as_str().to_owned()));
    body.put("enabled", enabled);
    body.put_field("remaining", remaining);
    body.put_field("refillAmount", amount);
    body.put_field("refillInterval", interval_ms);
    body.put_field("refill", map(every, calendar));
    body.put_field("metadata", of_metadata(metadata));
    body.put_field("expiresIn", map(expires_in, Lifetime::as_seconds));
    body.put("rateLimitEnabled", rate_limit_enabled);
    body.put("rateLimitTimeWindow", rate_limit_window_ms);
    body.put("rateLimitMax", rate_limit_max);
    body.put_field("permissions", map(permissions, |permissions| of_permissions(&permissions)));
    body.put("allowedAddresses", allowed_addresses.as_ref().map(networks));
    body.put("deniedAddresses", denied_addresses.as_ref().map(networks));
    body.put("addRemaining", add_remaining);
    body.put("resetLimit", reset_limit.then_some(true));
    body.0.into()
}

pub(super) fn verify(request: VerifyKey) -> Value {
    // The server sees the caller's address itself.
    let VerifyKey { key, config_id, permissions, cost, settle, client_ip, caller_ip: _ } = request;
    let mut body = Body::default();
    body.put("key", Some(key.expose()));
    body.put("configId", config_id.map(|id| id.as_str().to_owned()));
    body.put("permissions", permissions.as_ref().map(of_permissions));
    body.put("cost", Some(cost).filter(|cost| *cost != Cost::default()).map(|cost| cost.0));
    body.put("settle", settle.then_some(true));
    body.put("clientIp", client_ip.map(|address| address.to_string()));
    body.0.into()
}

pub(super) fn rotate(request: RotateKey) -> Value {
    let RotateKey { id, config_id, rotation } = request;
    let RotateSecret { grace_seconds, cut, end_former } = rotation;
    let mut body = Body::default();
    body.put("keyId", Some(id.as_str()));
    body.put("configId", config_id.map(|id| id.as_str().to_owned()));
    body.put("graceSeconds", grace_seconds);
    match cut {
        Cut::AfterUse => {}
        Cut::Deadline(seconds) => body.put("deadlineSeconds", Some(seconds)),
        Cut::Now => body.put("now", Some(true)),
    }
    body.put("endFormer", end_former.then_some(true));
    body.0.into()
}

/// Returns the query of a list.
pub(super) fn list(request: ListKeys) -> Vec<(&'static str, String)> {
    let ListKeys { whose, config_id, filter, sort_by, direction, offset, limit } = request;
    // The server's clock decides what is expired.
    let KeyFilter { search, enabled, state, expires_before, unused_since, created_before } = filter;
    let whose = match whose {
        Whose::Callers => None,
        Whose::Users(id) => Some(("userId", id.as_str().to_owned())),
        Whose::Organizations(id) => Some(("organizationId", id.as_str().to_owned())),
        Whose::Nobodys => Some(("organizationId", String::new())),
    };
    let others = [
        ("configId", config_id.map(|id| id.as_str().to_owned())),
        ("search", search.map(|search| search.as_str().to_owned())),
        ("enabled", enabled.map(|enabled| enabled.to_string())),
        ("state", state.map(|(state, _)| state.as_str().to_owned())),
        ("expiresBefore", expires_before.map(|at| at.to_string())),
        ("unusedSince", unused_since.map(|at| at.to_string())),
        ("createdBefore", created_before.map(|at| at.to_string())),
        ("sortBy", sort_by.map(|field| field.as_str().to_owned())),
        ("sortDirection", (direction == Direction::Descending).then(|| "desc".to_owned())),
        ("offset", offset.map(|offset| offset.to_string())),
        ("limit", limit.map(|limit| limit.to_string())),
    ];
    whose.into_iter().chain(others.into_iter().filter_map(|(name, value)| Some((name, value?)))).collect()
}

fn map<T, U>(field: Field<T>, convert: impl FnOnce(T) -> U) -> Field<U> {
    match field {
        Field::Absent => Field::Absent,
        Field::Null => Field::Null,
        Field::Given(value) => Field::Given(convert(value)),
    }
}

fn calendar(every: Every) -> Value {
    json!({ "every": every.as_str(), "at": "UTC" })
}

fn of_permissions(permissions: &Permissions) -> Value {
    serde_json::from_str(permissions.as_json()).unwrap_or_default()
}

/// Returns metadata for a body. The server's configuration decides about a wrong type, for which `true` stands.
fn of_metadata(metadata: MetadataInput) -> Field<Value> {
    let parse = |metadata: Metadata| serde_json::from_str(metadata.as_json()).unwrap_or_default();
    match metadata {
        MetadataInput::Absent => Field::Absent,
        MetadataInput::Null => Field::Null,
        MetadataInput::Given(metadata) => Field::Given(parse(metadata)),
        MetadataInput::WrongType => Field::Given(true.into()),
    }
}

/// Returns networks for a body; none are null.
fn networks(networks: &Networks) -> Value {
    some_networks(networks).map_or(Value::Null, Value::from)
}

fn some_networks(networks: &Networks) -> Option<Vec<String>> {
    (!networks.is_empty()).then(|| networks.texts().collect())
}

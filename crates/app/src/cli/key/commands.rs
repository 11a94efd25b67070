//! Arguments read into commands of the service, in the order in which their problems are reported.

use std::ops::RangeInclusive;

use keymint_domain::address::{AddressRules, parse_address};
use keymint_domain::key::{EditKey, EditKeys, Field, KeyState, NewKey, PlainKey, RefillEdit, RefillInput};
use keymint_domain::listing::{Direction, KeyFilter, ListQuery, Search, SortField};
use keymint_domain::policy::{Cut, RotateSecret, RotationRules};
use keymint_domain::usage::Every;
use keymint_domain::value::{KeyName, MAX_COUNT, MAX_PERIOD_MS, Prefix};
use keymint_domain::verify::Cost;
use keymint_domain::{ConfigId, KeyId, OrganizationId, OwnerId, Timestamp};
use keymint_service::{
    ChangeKeys, ChangeOfKeys, CreateKey, ListDeleted, ListKeys, RotateKey, UpdateKey, VerifyKey, Whose,
};

use crate::cli::CliResult;
use crate::cli::arguments::{Counters, Listing, Many, Members, Rotate};
use crate::cli::options::Options;
use crate::units::Unit;

/// The range of a count that may not be 0.
const COUNT: RangeInclusive<u64> = 1..=MAX_COUNT as u64;

/// The range of a window, and of an interval between refills, in milliseconds.
const PERIOD: RangeInclusive<u64> = 1..=MAX_PERIOD_MS;
/// The calendar's periods.
const PERIODS: [(&str, Every); 3] = [("day", Every::Day), ("week", Every::Week), ("month", Every::Month)];

/// The largest integer that JSON's readers agree on.
const MAX_OFFSET: u64 = (1 << 53) - 1;

pub(super) fn create(
    user: Option<String>,
    organization: Option<String>,
    prefix: Option<String>,
    members: Members,
) -> CliResult<CreateKey> {
    let Members {
        config_id,
        name,
        expires_in,
        metadata,
        remaining,
        refill_amount,
        refill_interval,
        refill_every,
        rate_limit_enabled,
        rate_limit_time_window,
        rate_limit_max,
        permissions,
        allow,
        deny,
    } = members;
    let mut options = Options::default();
    let config_id = configuration(&mut options, config_id);
    let new = NewKey {
        name: options.text("name", name, KeyName::parse),
        expires_in: match options.lifetime("expiresIn", expires_in) {
            Field::Given(lifetime) => Some(lifetime),
            Field::Absent | Field::Null => None,
        },
        prefix: options.parsed("prefix", prefix, Prefix::parse),
        remaining: options.nullable_integer("remaining", remaining, 0..=MAX_COUNT.into()),
        metadata: Options::new_metadata(metadata),
        refill: refill(&mut options, refill_amount, refill_interval, refill_every),
        rate_limit_window_ms: options.duration(
            "rateLimitTimeWindow",
            rate_limit_time_window,
            Unit::Milliseconds,
            PERIOD,
        ),
        rate_limit_max: options.integer("rateLimitMax", rate_limit_max, COUNT),
        rate_limit_enabled,
        permissions: options.permissions("permissions", permissions),
        addresses: AddressRules {
            allowed: options.networks("allowedAddresses", &allow).unwrap_or_default(),
            denied: options.networks("deniedAddresses", &deny).unwrap_or_default(),
        },
    };
    let owner = options.text("userId", user, OwnerId::parse);
    let organization = organization_id(&mut options, organization);
    options.finish(Some(CreateKey { config_id, owner, organization, new }))
}

pub(super) fn update(id: String, enabled: Option<bool>, counters: Counters, members: Members) -> CliResult<UpdateKey> {
    let Members {
        config_id,
        name,
        expires_in,
        metadata,
        remaining,
        refill_amount,
        refill_interval,
        refill_every,
        rate_limit_enabled,
        rate_limit_time_window,
        rate_limit_max,
        permissions,
        allow,
        deny,
    } = members;
    let mut options = Options::default();
    let config_id = configuration(&mut options, config_id);
    let id = options.text("keyId", Some(id), KeyId::parse);
    let edit = EditKey {
        name: options.text("name", name, KeyName::parse),
        enabled,
        remaining: options.nullable_integer("remaining", remaining, COUNT),
        add_remaining: options.signed_integer("addRemaining", counters.add_remaining, MAX_COUNT),
        refill: RefillEdit {
            amount: options.nullable_integer("refillAmount", refill_amount, COUNT),
            interval_ms: options.nullable_duration("refillInterval", refill_interval, Unit::Milliseconds, PERIOD),
            every: options.choice("refill.every", refill_every, &PERIODS).map_or(Field::Absent, Field::Given),
        },
        metadata: Options::metadata(metadata),
        expires_in: options.lifetime("expiresIn", expires_in),
        rate_limit_enabled,
        rate_limit_window_ms: options.duration(
            "rateLimitTimeWindow",
            rate_limit_time_window,
            Unit::Milliseconds,
            PERIOD,
        ),
        rate_limit_max: options.integer("rateLimitMax", rate_limit_max, COUNT),
        reset_limit: counters.reset_limit,
        permissions: options.nullable_permissions("permissions", permissions),
        allowed_addresses: options.networks("allowedAddresses", &allow),
        denied_addresses: options.networks("deniedAddresses", &deny),
    };
    options.finish(id.map(|id| UpdateKey { id, config_id, owner: None, edit }))
}

pub(super) fn update_many(
    many: Many,
    enabled: Option<bool>,
    counters: &Counters,
    members: Members,
) -> CliResult<ChangeKeys> {
    let Members {
        config_id,
        name,
        expires_in,
        metadata,
        remaining,
        refill_amount,
        refill_interval,
        refill_every,
        rate_limit_enabled,
        rate_limit_time_window,
        rate_limit_max,
        permissions,
        allow,
        deny,
    } = members;
    let Counters { add_remaining, reset_limit } = counters;
    let mut options = Options::default();
    let of_one_key = [
        ("name", name.is_some()),
        ("expiresIn", expires_in.is_some()),
        ("metadata", metadata.is_some()),
        ("remaining", remaining.is_some()),
        ("addRemaining", add_remaining.is_some()),
        ("refillAmount", refill_amount.is_some()),
        ("refillInterval", refill_interval.is_some()),
        ("refillEvery", refill_every.is_some()),
        ("permissions", permissions.is_some()),
        ("allowedAddresses", !allow.is_empty()),
        ("deniedAddresses", !deny.is_empty()),
    ];
    for (option, _) in of_one_key.iter().filter(|(_, is_given)| *is_given) {
        options.refuse(option, "Invalid input: is changed of one key at a time, which its id names");
    }
    let edit = EditKeys {
        enabled,
        rate_limit_enabled,
        rate_limit_window_ms: options.duration(
            "rateLimitTimeWindow",
            rate_limit_time_window,
            Unit::Milliseconds,
            PERIOD,
        ),
        rate_limit_max: options.integer("rateLimitMax", rate_limit_max, COUNT),
        reset_limit: *reset_limit,
    };
    change_many(options, many, config_id, ChangeOfKeys::Edit(edit))
}

pub(super) fn revoke_many(many: Many, config_id: Option<String>) -> CliResult<ChangeKeys> {
    change_many(Options::default(), many, config_id, ChangeOfKeys::Revoke)
}

fn change_many(
    mut options: Options,
    many: Many,
    config_id: Option<String>,
    change: ChangeOfKeys,
) -> CliResult<ChangeKeys> {
    let Many { owner, all: _, dry_run } = many;
    let owner = options.text("owner", owner, OwnerId::parse);
    let config_id = configuration(&mut options, config_id);
    options.finish(Some(ChangeKeys { owner, config_id, change, dry_run, after: None, within: None }))
}

pub(super) fn verify(
    key: String,
    config_id: Option<String>,
    permissions: Option<String>,
    cost: Option<String>,
    client_ip: Option<String>,
) -> CliResult<VerifyKey> {
    let mut options = Options::default();
    let config_id = configuration(&mut options, config_id);
    let permissions = options.permissions("permissions", permissions);
    let cost = options.integer("cost", cost, 0..=u32::MAX.into()).and_then(|cost| u32::try_from(cost).ok());
    let client_ip = options.parsed("clientIp", client_ip, |text| {
        parse_address(&text).ok_or("Invalid IP address: expected one as in 203.0.113.7 or 2001:db8::7")
    });
    let cost = cost.map_or(Cost::default(), Cost);
    options.finish(Some(VerifyKey { config_id, permissions, cost, client_ip, ..VerifyKey::of(PlainKey::new(key)) }))
}

/// Reads the request for a new secret.
pub(super) fn rotate(arguments: Rotate) -> CliResult<RotateKey> {
    let Rotate { id, grace_seconds, deadline_seconds, now, end_former } = arguments;
    let mut options = Options::default();
    let id = options.text("id", Some(id), KeyId::parse);
    let mut seconds = |name: &str, given, range: RangeInclusive<u32>| {
        let range = u64::from(*range.start())..=u64::from(*range.end());
        options.duration(name, given, Unit::Seconds, range).and_then(|seconds| u32::try_from(seconds).ok())
    };
    let grace_seconds = seconds("graceSeconds", grace_seconds, RotationRules::GRACE_SECONDS);
    let cut = match seconds("deadlineSeconds", deadline_seconds, RotationRules::DEADLINE_SECONDS) {
        _ if now => Cut::Now,
        Some(seconds) => Cut::Deadline(seconds),
        None => Cut::AfterUse,
    };
    let rotation = RotateSecret { grace_seconds, cut, end_former };
    options.finish(id.map(|id| RotateKey { id, config_id: None, rotation }))
}

pub(super) fn list(listing: Listing, now: Timestamp) -> CliResult<ListKeys> {
    let Listing {
        user,
        organization,
        config_id,
        deleted: _,
        search,
        enabled,
        state,
        expires_before,
        unused_since,
        created_before,
        limit,
        offset,
        sort_by,
        sort_direction,
    } = listing;
    let mut options = Options::default();
    let config_id = config_id.filter(|id| !id.is_empty());
    let config_id = options.text("configId", config_id, ConfigId::parse);
    let of_nobody = organization.as_deref() == Some("");
    let organization = organization_id(&mut options, organization);
    let limit = options.integer("limit", limit, 0..=ListQuery::MAX_LIMIT.into());
    let offset = options.integer("offset", offset, 0..=MAX_OFFSET);
    let fields: Vec<_> = SortField::ALL.iter().map(|field| (field.as_str(), *field)).collect();
    let sort_by = options.choice("sortBy", sort_by, &fields);
    let directions = [("asc", Direction::Ascending), ("desc", Direction::Descending)];
    let direction = options.choice("sortDirection", sort_direction, &directions).unwrap_or_default();
    let owner = options.text("userId", user, OwnerId::parse);
    let states = KeyState::ALL.map(|state| (state.as_str(), state));
    let filter = KeyFilter {
        search: options.text("search", search, Search::parse),
        enabled,
        state: options.choice("state", state, &states).map(|state| (state, now)),
        expires_before: options.instant("expiresBefore", expires_before),
        unused_since: options.instant("unusedSince", unused_since),
        created_before: options.instant("createdBefore", created_before),
    };
    let whose = match (organization, owner) {
        _ if of_nobody => Whose::Nobodys,
        (Some(organization), _) => Whose::Organizations(organization),
        (None, Some(owner)) => Whose::Users(owner),
        (None, None) => Whose::Callers,
    };
    let limit = limit.and_then(|limit| u32::try_from(limit).ok());
    options.finish(Some(ListKeys { whose, config_id, filter, sort_by, direction, offset, limit }))
}

/// Reads which deleted keys to list.
pub(super) fn list_deleted(listing: Listing) -> CliResult<ListDeleted> {
    let Listing {
        user,
        organization,
        config_id,
        deleted: _,
        search: _,
        enabled: _,
        state: _,
        expires_before: _,
        unused_since: _,
        created_before: _,
        limit,
        offset,
        sort_by: _,
        sort_direction: _,
    } = listing;
    let mut options = Options::default();
    let config_id = config_id.filter(|id| !id.is_empty());
    let config_id = options.text("configId", config_id, ConfigId::parse);
    let limit = options.integer("limit", limit, 0..=ListQuery::MAX_LIMIT.into());
    let limit = limit.and_then(|limit| u32::try_from(limit).ok()).unwrap_or(ListQuery::DEFAULT_LIMIT);
    let offset = options.integer("offset", offset, 0..=MAX_OFFSET).unwrap_or(0);
    let owner = options.text("userId", user, OwnerId::parse);
    let organization = options.text("organizationId", organization, OwnerId::parse);
    options.finish(Some(ListDeleted { owner: owner.or(organization), config_id, offset, limit }))
}

/// Reads the id of a key, which the API calls `option`.
pub(super) fn key_id(option: &str, id: String) -> CliResult<KeyId> {
    let mut options = Options::default();
    let id = options.text(option, Some(id), KeyId::parse);
    options.finish(id)
}

/// Reads the configuration; an empty id means the default one.
fn configuration(options: &mut Options, id: Option<String>) -> Option<ConfigId> {
    if id.as_deref() == Some("") { Some(ConfigId::default_id()) } else { options.text("configId", id, ConfigId::parse) }
}

/// Reads an organization; an empty id means none.
fn organization_id(options: &mut Options, id: Option<String>) -> Option<OrganizationId> {
    options.text("organizationId", id.filter(|id| !id.is_empty()), OrganizationId::parse)
}

fn refill(
    options: &mut Options,
    amount: Option<String>,
    interval: Option<String>,
    every: Option<String>,
) -> RefillInput {
    RefillInput {
        amount: options.integer("refillAmount", amount, COUNT),
        interval_ms: options.duration("refillInterval", interval, Unit::Milliseconds, PERIOD),
        every: options.choice("refill.every", every, &PERIODS),
    }
}

use std::collections::BTreeMap;

use keymint_domain::policy::{Configuration, References, RotationRules};
use keymint_domain::usage::Every;
use keymint_domain::value::{MAX_COUNT, MAX_PERIOD_MS};
use keymint_service::KeyOptions;
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::raw;

/// The options of new keys: what the caller may set, with ranges and defaults.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = KeyOptions)]
pub struct OptionsView<'a> {
    /// The configuration.
    config_id: &'a str,
    /// The kind of owner of its keys: `user` or `organization`.
    references: &'static str,
    /// The members that the caller may set on `create`.
    settable: Vec<&'static str>,
    /// The name.
    name: NameOptions,
    /// The prefix.
    prefix: PrefixOptions<'a>,
    /// The lifetime.
    expires_in: LifetimeOptions,
    /// The permissions.
    permissions: PermissionOptions<'a>,
    /// The metadata.
    metadata: MetadataOptions,
    /// The quota.
    quota: QuotaOptions,
    /// The rate limit.
    rate_limit: LimitOptions,
    /// The largest number of living keys of one owner; null is no limit.
    #[schema(required)]
    max_keys_per_owner: Option<u32>,
    /// The days after which a key is due for rotation; null is never.
    #[schema(required)]
    rotation_days: Option<u32>,
    /// The rotation of a key's secret.
    rotation: RotationOptions,
}

/// Bounds of a rotation.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct RotationOptions {
    /// The seconds for which a former secret stays valid if the request names none.
    default_grace_seconds: u32,
    max_grace_seconds: u32,
    min_deadline_seconds: u32,
    max_deadline_seconds: u32,
    /// The days after which a new secret that was not used ends.
    max_pending_days: u32,
}

/// Bounds of the name.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct NameOptions {
    required: bool,
    /// In UTF-16 units, as the next one.
    min_length: usize,
    max_length: usize,
}

/// Bounds of the prefix.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct PrefixOptions<'a> {
    #[schema(required)]
    default: Option<&'a str>,
    min_length: usize,
    max_length: usize,
    /// A regular expression that the prefix must match.
    pattern: &'static str,
}

/// Bounds of the lifetime, in seconds.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct LifetimeOptions {
    /// The lifetime of a key if the request names none; null is for ever.
    #[schema(required)]
    default: Option<u64>,
    /// Null if a request may not name a lifetime, as the next one.
    #[schema(required)]
    min: Option<u64>,
    #[schema(required)]
    max: Option<u64>,
    /// Lifetimes to offer.
    presets: Vec<u64>,
    /// True if a key may live for ever.
    may_be_endless: bool,
}

/// The permissions that a key may get.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct PermissionOptions<'a> {
    /// The permissions of a key if the request names none.
    #[schema(required, value_type = Option<BTreeMap<String, Vec<String>>>)]
    default: Option<&'a RawValue>,
    /// The permissions that users may give; null is none.
    #[schema(required, value_type = Option<BTreeMap<String, Vec<String>>>)]
    grantable: Option<&'a RawValue>,
    /// Descriptions of actions, by `resource:action`.
    descriptions: BTreeMap<&'a str, &'a str>,
}

/// Bounds of the metadata.
#[derive(Debug, Serialize, ToSchema)]
struct MetadataOptions {
    allowed: bool,
}

/// Bounds of the quota.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct QuotaOptions {
    /// The quota of a key if the request names none; null is no quota.
    #[schema(required)]
    default: Option<u64>,
    max: u32,
    /// The longest interval between refills, in milliseconds.
    max_interval: u64,
    /// The calendars that may refill it.
    every: [&'static str; Every::ALL.len()],
}

/// Bounds of the rate limit.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct LimitOptions {
    enabled: bool,
    /// The window in milliseconds of a key if the request names none.
    default_window: u64,
    max_window: u64,
    /// The uses per window of a key if the request names none.
    default_max: u64,
    max: u32,
}

/// The lifetimes that are offered within the bounds, in days.
const PRESETS: [u32; 6] = [1, 7, 30, 90, 180, 365];
/// The seconds of a day.
const DAY: u64 = 86_400;

impl<'a> From<&'a KeyOptions<'a>> for OptionsView<'a> {
    fn from(options: &'a KeyOptions<'a>) -> Self {
        let KeyOptions { configuration, is_server, grantable } = options;
        let limit = configuration.rate_limit;
        let descriptions = configuration.permission_descriptions.iter();
        Self {
            config_id: configuration.id.as_str(),
            references: match configuration.references {
                References::User => "user",
                References::Organization => "organization",
            },
            settable: settable(configuration, *is_server, grantable.is_some()),
            name: NameOptions {
                required: configuration.require_name,
                min_length: configuration.name_length.min,
                max_length: configuration.name_length.max,
            },
            prefix: PrefixOptions {
                default: configuration.default_prefix.as_deref(),
                min_length: configuration.prefix_length.min,
                max_length: configuration.prefix_length.max,
                pattern: "^[A-Za-z0-9_-]+$",
            },
            expires_in: LifetimeOptions::of(configuration),
            permissions: PermissionOptions {
                default: configuration.permissions.as_ref().and_then(|permissions| raw(permissions.as_json())),
                grantable: grantable.as_ref().and_then(|permissions| raw(permissions.as_json())),
                descriptions: descriptions.map(|(action, text)| (action.as_str(), text.as_str())).collect(),
            },
            metadata: MetadataOptions { allowed: configuration.enable_metadata },
            quota: QuotaOptions {
                default: configuration.default_remaining,
                max: MAX_COUNT,
                max_interval: MAX_PERIOD_MS,
                every: Every::ALL.map(Every::as_str),
            },
            rate_limit: LimitOptions {
                enabled: limit.enabled,
                default_window: limit.window_ms,
                max_window: MAX_PERIOD_MS,
                default_max: limit.max_requests,
                max: MAX_COUNT,
            },
            max_keys_per_owner: configuration.max_keys_per_user.map(u32::from),
            rotation_days: configuration.notices.rotation_days.map(u32::from),
            rotation: RotationOptions {
                default_grace_seconds: configuration.rotation.grace_seconds,
                max_grace_seconds: *RotationRules::GRACE_SECONDS.end(),
                min_deadline_seconds: *RotationRules::DEADLINE_SECONDS.start(),
                max_deadline_seconds: *RotationRules::DEADLINE_SECONDS.end(),
                max_pending_days: configuration.rotation.max_pending_days.get(),
            },
        }
    }
}

impl LifetimeOptions {
    fn of(configuration: &Configuration) -> Self {
        let expiration = configuration.expiration;
        let longest = expiration.max_lifetime_ms().map(|ms| ms / 1000);
        let default = expiration.default.map(|lifetime| lifetime.as_millis() / 1000);
        let (min, max) = (u64::from(expiration.min_days) * DAY, u64::from(expiration.max_days) * DAY);
        let max = longest.map_or(max, |longest| longest.min(max));
        let is_custom = expiration.allow_custom;
        let presets = PRESETS.iter().map(|days| u64::from(*days) * DAY);
        Self {
            default: longest.map_or(default, |longest| Some(default.map_or(longest, |default| default.min(longest)))),
            min: is_custom.then(|| min.max(1)),
            max: is_custom.then_some(max),
            presets: presets.filter(|preset| is_custom && (min..=max).contains(preset)).collect(),
            may_be_endless: longest.is_none() && (is_custom || default.is_none()),
        }
    }
}

/// Returns the members of `create` that the caller may set.
fn settable(configuration: &Configuration, is_server: bool, may_grant: bool) -> Vec<&'static str> {
    let users = [
        ("name", true),
        ("prefix", true),
        ("expiresIn", configuration.expiration.allow_custom),
        ("metadata", configuration.enable_metadata),
        ("permissions", is_server || may_grant),
    ];
    let servers = [
        "remaining",
        "refillAmount",
        "refillInterval",
        "refill",
        "rateLimitEnabled",
        "rateLimitTimeWindow",
        "rateLimitMax",
        "allowedAddresses",
        "deniedAddresses",
    ];
    let users = users.into_iter().filter(|(_, is_settable)| *is_settable).map(|(name, _)| name);
    users.chain(servers.into_iter().filter(|_| is_server)).collect()
}

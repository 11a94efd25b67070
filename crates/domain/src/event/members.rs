//! The members of keys in events.

use serde_json::Value;

use crate::address::Networks;
use crate::usage::Usage;
use crate::{ApiKey, KeyDetails, Permissions, Timestamp, key};

/// The number of members.
const COUNT: usize = 16;

/// The value of a member, as the key holds it. To compare two of them costs nothing, and a change of many keys makes the
/// values of changed members alone.
#[derive(PartialEq)]
pub(super) enum Member<'k> {
    Flag(bool),
    Number(Option<u64>),
    Text(Option<&'k str>),
    Instant(Option<Timestamp>),
    Revoker(Option<&'k key::Actor>),
    Permissions(Option<&'k Permissions>),
    Networks(&'k Networks),
    /// A text that a key need not have.
    Optional(Option<&'static str>),
}

impl Member<'_> {
    /// Returns the value for an event; `None` = the key has no such member.
    pub(super) fn value(&self) -> Option<Value> {
        Some(match self {
            Self::Flag(flag) => (*flag).into(),
            Self::Number(number) => (*number).into(),
            Self::Text(text) => (*text).into(),
            Self::Instant(at) => at.map(|at| at.to_string()).into(),
            Self::Revoker(by) => by.map(ToString::to_string).into(),
            Self::Permissions(permissions) => {
                permissions.and_then(|permissions| serde_json::from_str(permissions.as_json()).ok()).unwrap_or_default()
            }
            Self::Networks(networks) => networks.texts().collect::<Vec<_>>().into(),
            Self::Optional(text) => (*text)?.into(),
        })
    }
}

/// Returns the members of a key, named as on the wire: all that a change may change and that is neither a secret nor
/// about a person.
pub(super) fn members(key: &ApiKey) -> [(&'static str, Member<'_>); COUNT] {
    let KeyDetails {
        id: _,
        config_id: _,
        owner: _,
        name: _,
        start,
        prefix,
        stored: _,
        rotation: _,
        rotated_at: _,
        foreign: _,
        enabled,
        revocation,
        expires_at,
        refill_amount,
        refill_interval_ms,
        refill_every,
        rate_limit_enabled,
        rate_limit_window_ms,
        rate_limit_max,
        permissions,
        addresses,
        metadata: _,
        created_at: _,
        created_by: _,
    } = &*key.details;
    let Usage { remaining, .. } = key.usage;
    [
        ("start", Member::Text(start.as_deref())),
        ("prefix", Member::Text(prefix.as_deref())),
        ("enabled", Member::Flag(*enabled)),
        ("revokedAt", Member::Instant(revocation.as_ref().map(|revocation| revocation.at))),
        ("revokedBy", Member::Revoker(revocation.as_ref().map(|revocation| &revocation.by))),
        ("expiresAt", Member::Instant(*expires_at)),
        ("remaining", Member::Number(remaining)),
        ("refillAmount", Member::Number(*refill_amount)),
        ("refillInterval", Member::Number(*refill_interval_ms)),
        ("rateLimitEnabled", Member::Flag(*rate_limit_enabled)),
        ("rateLimitTimeWindow", Member::Number(*rate_limit_window_ms)),
        ("rateLimitMax", Member::Number(*rate_limit_max)),
        ("permissions", Member::Permissions(permissions.as_ref())),
        ("allowedAddresses", Member::Networks(&addresses.allowed)),
        ("deniedAddresses", Member::Networks(&addresses.denied)),
        ("refillEvery", Member::Optional(refill_every.as_ref().map(|every| every.as_str()))),
    ]
}

use std::num::NonZeroU64;
use std::sync::Arc;

use super::{Revocation, StoredKey};
use crate::address::AddressRules;
use crate::usage::{RateLimit, Refill, Usage};
use crate::{ConfigId, KeyId, Metadata, OwnerId, Permissions, Timestamp};

/// An API key: details that only an edit changes, and counters that every verification may change.
///
/// Cheap to clone: verifications share the details.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// What only an edit changes.
    pub details: Arc<KeyDetails>,
    /// What a verification changes.
    pub usage: Usage,
}

/// Everything about a key but its counters. Members are named as on the wire, where `referenceId` is the owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyDetails {
    /// The key's id; not a secret.
    pub id: KeyId,
    /// The configuration it was made under.
    pub config_id: ConfigId,
    /// Who it belongs to (`referenceId`).
    pub owner: OwnerId,
    /// A name for people.
    pub name: Option<String>,
    /// The first characters of the key, to recognise it by.
    pub start: Option<String>,
    /// What its text begins with.
    pub prefix: Option<String>,
    /// What is kept of the secret.
    pub stored: StoredKey,
    /// `false`: refused until it is enabled again.
    pub enabled: bool,
    /// Set once it is revoked; it is then refused whatever `enabled` says.
    pub revocation: Option<Revocation>,
    /// The last instant at which it is valid.
    pub expires_at: Option<Timestamp>,
    /// Calls after a refill.
    pub refill_amount: Option<u64>,
    /// Milliseconds between refills.
    pub refill_interval_ms: Option<u64>,
    /// `false`: not limited, whatever the other two say.
    pub rate_limit_enabled: bool,
    /// The rate limit's window in milliseconds.
    pub rate_limit_window_ms: Option<u64>,
    /// Calls per window.
    pub rate_limit_max: Option<u64>,
    /// What it may be used for; `None` = nothing that asks for a permission.
    pub permissions: Option<Permissions>,
    /// From where it may be used, within what its configuration allows.
    pub addresses: AddressRules,
    /// What its owner attached to it.
    pub metadata: Option<Metadata>,
    /// When it was made.
    pub created_at: Timestamp,
}

impl KeyDetails {
    /// The refill, where both of its halves are there and mean something.
    pub fn refill(&self) -> Option<Refill> {
        Some(Refill {
            amount: NonZeroU64::new(self.refill_amount?)?,
            interval_ms: NonZeroU64::new(self.refill_interval_ms?)?,
        })
    }

    /// The key's own rate limit, where it is on and complete. A window of 0 limits nothing.
    pub fn rate_limit(&self) -> Option<RateLimit> {
        let window = NonZeroU64::new(self.rate_limit_window_ms?)?;
        self.rate_limit_enabled.then_some(RateLimit::new(window, self.rate_limit_max?))
    }
}

impl ApiKey {
    /// Whether the key has expired. It is still valid at the very instant of `expires_at` (docs/better-auth-wire.md 8, step 5).
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.details.expires_at.is_some_and(|at| now > at)
    }

    /// Whether it counts among the keys of its owner: it has neither expired nor been revoked.
    pub fn is_living(&self, now: Timestamp) -> bool {
        !self.is_expired(now) && self.details.revocation.is_none()
    }

    /// Whether the quota is used up and nothing will ever refill it.
    pub fn is_exhausted(&self) -> bool {
        self.usage.remaining == Some(0) && self.details.refill_amount.is_none()
    }
}

use std::num::NonZeroU64;
use std::sync::Arc;

use super::{ForeignHash, ForeignLookup, Revocation, Rotation, StoredKey};
use crate::address::AddressRules;
use crate::event::Actor;
use crate::usage::{Every, Period, RateLimit, Refill, Usage};
use crate::{ConfigId, KeyId, Metadata, OwnerId, Permissions, Timestamp};

/// An API key: details that only an edit changes, and counters that every verification may change.
///
/// It is cheap to clone: verifications share the details.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// The members that only an edit changes.
    pub details: Arc<KeyDetails>,
    /// The counters that a verification changes.
    pub usage: Usage,
}

/// The details of a key, which are all but its counters. Members are named as on the wire, where the owner is
/// `referenceId`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyDetails {
    /// The key's id. It is not a secret.
    pub id: KeyId,
    /// The configuration that the key was made under.
    pub config_id: ConfigId,
    /// The user or organization that the key belongs to (`referenceId`).
    pub owner: OwnerId,
    /// A display name.
    pub name: Option<String>,
    /// The first characters of the key, by which its owner recognizes it.
    pub start: Option<String>,
    /// The prefix of the key's text.
    pub prefix: Option<String>,
    /// The stored form of the secret in use.
    pub stored: StoredKey,
    /// The rotation of the secret under way. In a box, since few keys have one.
    pub rotation: Option<Box<Rotation>>,
    /// The instant at which the secret in use took the place of another one; `None` = it is the key's first.
    pub rotated_at: Option<Timestamp>,
    /// The hash by which the key is recognized until its first use; `None` = it is recognized by `stored`.
    pub foreign: Option<Box<ForeignHash>>,
    /// False if the key is refused until it is enabled again.
    pub enabled: bool,
    /// The revocation. A revoked key is refused whatever `enabled` says.
    pub revocation: Option<Revocation>,
    /// The last instant at which the key is valid.
    pub expires_at: Option<Timestamp>,
    /// The calls that the quota allows after a refill.
    pub refill_amount: Option<u64>,
    /// The interval between refills, in milliseconds.
    pub refill_interval_ms: Option<u64>,
    /// The period of the calendar that refills the quota, in the place of an interval.
    pub refill_every: Option<Every>,
    /// False if the key is not limited, whatever the next two members say.
    pub rate_limit_enabled: bool,
    /// The rate limit's window in milliseconds.
    pub rate_limit_window_ms: Option<u64>,
    /// The calls per window.
    pub rate_limit_max: Option<u64>,
    /// The permissions that the key grants; `None` = none.
    pub permissions: Option<Permissions>,
    /// The networks that the key may be used from, within those that its configuration allows.
    pub addresses: AddressRules,
    /// The metadata that the key's owner attached.
    pub metadata: Option<Metadata>,
    /// The instant at which the key was made.
    pub created_at: Timestamp,
    /// The actor who made the key; `None` = not known, as of a key that Better Auth made.
    pub created_by: Option<Actor>,
}

/// The identity of a key's secret, by which an import recognizes it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum SecretIdentity {
    /// The stored form.
    Stored(StoredKey),
    /// The fingerprint of the foreign hash.
    Foreign(Box<str>),
}

impl KeyDetails {
    /// Returns what tells the key's secret from all others: its foreign hash, as long as it has one.
    pub fn secret_identity(&self) -> SecretIdentity {
        match &self.foreign {
            Some(hash) => SecretIdentity::Foreign(hash.fingerprint().into()),
            None => SecretIdentity::Stored(self.stored.clone()),
        }
    }

    /// Returns the text by which the key is found until its first use; `None` = it is found by its stored form.
    pub fn foreign_lookup(&self) -> Option<ForeignLookup> {
        self.foreign.as_ref()?.lookup(self.start.as_deref())
    }

    /// Returns the refill, if both of its halves are present and not 0.
    pub fn refill(&self) -> Option<Refill> {
        let period = match (self.refill_interval_ms, self.refill_every) {
            (Some(interval_ms), _) => Period::Interval(NonZeroU64::new(interval_ms)?),
            (None, every) => Period::Calendar(every?),
        };
        Some(Refill { amount: NonZeroU64::new(self.refill_amount?)?, period })
    }

    /// Returns the key's own rate limit, if it is enabled and complete. A window of 0 limits nothing.
    pub fn rate_limit(&self) -> Option<RateLimit> {
        let window = NonZeroU64::new(self.rate_limit_window_ms?)?;
        self.rate_limit_enabled.then_some(RateLimit::new(window, self.rate_limit_max?))
    }
}

impl ApiKey {
    /// Returns true if the key has expired. It is still valid at the instant `expires_at` itself
    /// (docs/better-auth-wire.md 8, step 5).
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.details.expires_at.is_some_and(|at| now > at)
    }

    /// Returns true if the key counts among the keys of its owner: it has neither expired nor been revoked.
    pub fn is_living(&self, now: Timestamp) -> bool {
        !self.is_expired(now) && self.details.revocation.is_none()
    }

    /// Returns true if the quota is used up and nothing will refill it.
    pub fn is_exhausted(&self) -> bool {
        self.usage.remaining == Some(0) && self.details.refill_amount.is_none()
    }
}

use std::num::NonZeroU32;

use super::{LeakAction, Notices, RotationRules};
use crate::address::AddressRules;
use crate::key::{Actor, Deletion, KeyFormat};
use crate::organization::RoleName;
use crate::usage::Algorithm;
use crate::value::{DAY_MS, Lifetime, utf16_len};
use crate::{ConfigId, ErrorCode, Permissions, Timestamp};

/// One `[[api_key]]` section: the form and the rights of the keys made under it. [`Configuration::new`] has Better
/// Auth's defaults.
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own, named as in the file")]
pub struct Configuration {
    /// The id by which requests and rows name the configuration.
    pub id: ConfigId,
    /// The kind of owner that its keys have.
    pub references: References,
    /// The headers in which a request may present a key, in lower case. The first one that is not empty counts.
    pub api_key_headers: Vec<String>,
    /// True if a request that presents a key acts as its owner, with a session (docs/better-auth-wire.md 9).
    pub enable_session_for_api_keys: bool,
    /// True if such a session may create, update, revoke and delete keys.
    pub allow_key_management: bool,
    /// True if such a session may give its own key a new secret.
    pub allow_self_rotation: bool,
    /// The number of random bytes in a key.
    pub key_length: usize,
    /// The format of those bytes in a key's text.
    pub key_format: KeyFormat,
    /// True if every key with the default prefix has a valid checksum, so that a presented one without is refused
    /// before the lookup.
    pub checked_only: bool,
    /// The prefix of a key if a request names none.
    pub default_prefix: Option<String>,
    /// The length of a prefix, in UTF-16 units.
    pub prefix_length: LengthRange,
    /// The length of a name, in UTF-16 units.
    pub name_length: LengthRange,
    /// True if a request must name its key.
    pub require_name: bool,
    /// True if keys may have metadata.
    pub enable_metadata: bool,
    /// True if keys are stored unhashed. It is for migration only: anyone who reads the table has the keys.
    pub disable_key_hashing: bool,
    /// The quota of a key if a request names none.
    pub default_remaining: Option<u64>,
    /// The largest number of living keys that one owner may have under this configuration.
    pub max_keys_per_user: Option<NonZeroU32>,
    /// The number of UTF-16 units of a key that are stored to recognize it by.
    pub starting_characters: Option<usize>,
    /// The lifetime of keys.
    pub expiration: Expiration,
    /// The rate limit of keys.
    pub rate_limit: RateLimitDefaults,
    /// The permissions that a key grants if a request names none.
    pub permissions: Option<Permissions>,
    /// The permissions that users may give to keys; `None` = only servers give any.
    pub grantable: Option<Permissions>,
    /// The part of that which members with a role of an organization may give; roles that are not named may give all.
    pub grantable_by_role: Vec<(RoleName, Permissions)>,
    /// Descriptions of actions for people, by `resource:action`.
    pub permission_descriptions: Vec<(String, String)>,
    /// True if `*` in a key's permissions grants every resource or action. False = it is a name like any other, as in
    /// Better Auth.
    pub wildcards: bool,
    /// The networks that its keys may be used from, in addition to each key's own rules.
    pub addresses: AddressRules,
    /// The time that an expired or exhausted key is kept before clean-up removes it, in milliseconds.
    pub retention_ms: u64,
    /// The time for which a deleted key can be restored, in milliseconds; 0 = it is gone at once.
    pub undelete_ms: u64,
    /// True if uses of keys without a quota may be answered from a cached copy and counted later.
    pub defer_usage: bool,
    /// The shares of a refilled quota, in percent, whose use is an event; each once per period.
    pub quota_thresholds: Vec<u8>,
    /// The notices about keys that expire, are idle or are due for rotation.
    pub notices: Notices,
    /// The rotation of its keys' secrets.
    pub rotation: RotationRules,
    /// True if unusual uses of keys are looked for ([`anomaly`](crate::anomaly)).
    pub anomalies: bool,
    /// The consequence of a report that a key's secret is public.
    pub on_leak: LeakAction,
}

/// The kind of owner that the keys of a configuration have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum References {
    /// Users.
    #[default]
    User,
    /// Organizations.
    Organization,
}

/// A range of lengths, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LengthRange {
    /// The smallest length.
    pub min: usize,
    /// The largest length.
    pub max: usize,
}

impl LengthRange {
    /// Returns true if `text` has an allowed length in UTF-16 units.
    pub fn fits(self, text: &str) -> bool {
        (self.min..=self.max).contains(&utf16_len(text))
    }
}

/// The lifetime of keys.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Expiration {
    /// The lifetime of a key if a request names none; `None` = it never expires.
    pub default: Option<Lifetime>,
    /// True if a request may name a lifetime.
    pub allow_custom: bool,
    /// The shortest lifetime that a request may name, in days.
    pub min_days: u32,
    /// The longest lifetime that a request may name, in days.
    pub max_days: u32,
    /// The days after its creation that no key outlives, whoever makes or changes it; `None` = there is no such limit.
    pub max_lifetime_days: Option<NonZeroU32>,
}

impl Expiration {
    /// Returns the longest life of a key in milliseconds; `None` = keys may live for ever.
    pub fn max_lifetime_ms(self) -> Option<u64> {
        self.max_lifetime_days.map(|days| u64::from(days.get()) * DAY_MS)
    }

    /// Checks that a request may ask for `lifetime`.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorCode::KeyDisabledExpiration`], [`ErrorCode::ExpiresInIsTooSmall`] or
    /// [`ErrorCode::ExpiresInIsTooLarge`].
    pub(crate) fn check(self, lifetime: Lifetime) -> Result<(), ErrorCode> {
        if !self.allow_custom {
            Err(ErrorCode::KeyDisabledExpiration)
        } else if lifetime.as_days() < f64::from(self.min_days) {
            Err(ErrorCode::ExpiresInIsTooSmall)
        } else if lifetime.as_days() > f64::from(self.max_days)
            || self.max_lifetime_ms().is_some_and(|longest| lifetime.as_millis() > longest)
        {
            Err(ErrorCode::ExpiresInIsTooLarge)
        } else {
            Ok(())
        }
    }
}

/// The rate limit of keys that have none of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimitDefaults {
    /// False if no key of this configuration is limited, whatever its row says.
    pub enabled: bool,
    /// The window of a key if a request names none, in milliseconds.
    pub window_ms: u64,
    /// The calls per window of a key if a request names none.
    pub max_requests: u64,
    /// The algorithm that counts calls.
    pub algorithm: Algorithm,
}

impl Configuration {
    /// Returns the deletion of one of its keys; `None` = the key is gone at once.
    pub fn deletion(&self, at: Timestamp, by: Actor) -> Option<Deletion> {
        (self.undelete_ms > 0).then(|| Deletion { at, by, until: at.plus_millis(self.undelete_ms) })
    }

    /// Returns true if a key that a request presents in this header, named in lower case, may open a session.
    pub fn opens_sessions_by(&self, header: &str) -> bool {
        self.enable_session_for_api_keys && self.api_key_headers.iter().any(|name| name == header)
    }

    /// Returns the smallest length of a generated key: its random part in base64url without padding, which keys from
    /// before a change of the format may have.
    pub fn shortest_key(&self) -> usize {
        KeyFormat::Base64Url.length(self.key_length)
    }

    /// Returns a configuration with Better Auth's defaults (docs/better-auth-wire.md 6), and keys of 32 random bytes.
    pub fn new(id: ConfigId) -> Self {
        Self {
            id,
            references: References::User,
            api_key_headers: vec!["x-api-key".to_owned()],
            enable_session_for_api_keys: false,
            allow_key_management: false,
            allow_self_rotation: false,
            key_length: 32,
            key_format: KeyFormat::Base64Url,
            checked_only: false,
            default_prefix: None,
            prefix_length: LengthRange { min: 1, max: 32 },
            name_length: LengthRange { min: 1, max: 32 },
            require_name: false,
            enable_metadata: false,
            disable_key_hashing: false,
            default_remaining: None,
            max_keys_per_user: None,
            starting_characters: Some(6),
            expiration: Expiration {
                default: None,
                allow_custom: true,
                min_days: 1,
                max_days: 365,
                max_lifetime_days: None,
            },
            rate_limit: RateLimitDefaults {
                enabled: true,
                window_ms: 86_400_000,
                max_requests: 10,
                algorithm: Algorithm::Gcra,
            },
            permissions: None,
            grantable: None,
            grantable_by_role: Vec::new(),
            permission_descriptions: Vec::new(),
            wildcards: true,
            addresses: AddressRules::default(),
            retention_ms: 0,
            undelete_ms: 0,
            defer_usage: false,
            quota_thresholds: vec![50, 80, 100],
            notices: Notices::default(),
            rotation: RotationRules::default(),
            anomalies: false,
            on_leak: LeakAction::Revoke,
        }
    }
}

impl Default for Configuration {
    fn default() -> Self {
        Self::new(ConfigId::default_id())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_utf16_units_with_both_ends_included() {
        let range = LengthRange { min: 1, max: 2 };
        for (text, fits) in [("", false), ("a", true), ("😀", true), ("😀a", false), ("éé", true)] {
            assert_eq!(range.fits(text), fits, "{text}");
        }
    }

    #[test]
    fn a_deletion_is_final_behind_its_last_instant_and_at_once_by_default() {
        let at = Timestamp::from_millis(7);
        assert_eq!(Configuration::default().deletion(at, Actor::Server), None);
        let kept = Configuration { undelete_ms: 5, ..Configuration::default() };
        let deletion = kept.deletion(at, Actor::Server).unwrap();
        assert_eq!([12, 13].map(|now| deletion.is_final(Timestamp::from_millis(now))), [false, true]);
    }

    #[test]
    fn lifetimes_are_checked_in_days_with_both_ends_included() {
        let expiration = Configuration::default().expiration;
        let check = |seconds| expiration.check(Lifetime::from_seconds(seconds).unwrap());
        assert_eq!(check(86_399.999), Err(ErrorCode::ExpiresInIsTooSmall));
        assert_eq!(check(86_400.0), Ok(()));
        assert_eq!(check(365.0 * 86_400.0), Ok(()));
        assert_eq!(check(365.0 * 86_400.0 + 1.0), Err(ErrorCode::ExpiresInIsTooLarge));
        let closed = Expiration { allow_custom: false, ..expiration };
        assert_eq!(closed.check(Lifetime::from_seconds(86_400.0).unwrap()), Err(ErrorCode::KeyDisabledExpiration));
    }
}

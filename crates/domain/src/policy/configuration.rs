use std::num::NonZeroU32;

use crate::address::AddressRules;
use crate::usage::Algorithm;
use crate::value::{Lifetime, utf16_len};
use crate::{ConfigId, ErrorCode, Permissions};

/// One `[[api_key]]`: what keys made under it look like and may do. [`Configuration::new`] has Better Auth's
/// defaults.
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own, named as in the file")]
pub struct Configuration {
    /// How requests and rows name it.
    pub id: ConfigId,
    /// Who owns its keys.
    pub references: References,
    /// The headers in which a request may show a key, in lower case, the first one that is not empty counts.
    pub api_key_headers: Vec<String>,
    /// Whether a request that shows a key counts as its owner's, with a session (docs/better-auth-wire.md 9).
    pub enable_session_for_api_keys: bool,
    /// Whether such a session may create, update, revoke and delete keys.
    pub allow_key_management: bool,
    /// Random bytes in a key.
    pub key_length: usize,
    /// What a key begins with where a request names no prefix.
    pub default_prefix: Option<String>,
    /// UTF-16 units of a prefix.
    pub prefix_length: LengthRange,
    /// UTF-16 units of a name.
    pub name_length: LengthRange,
    /// Whether a name must be given.
    pub require_name: bool,
    /// Whether keys may carry metadata.
    pub enable_metadata: bool,
    /// Whether keys are stored as they are. For migration only: whoever reads the table has the keys.
    pub disable_key_hashing: bool,
    /// The quota of a key that names none.
    pub default_remaining: Option<u64>,
    /// Living keys that one owner may have under this configuration.
    pub max_keys_per_user: Option<NonZeroU32>,
    /// UTF-16 units of a key that are kept to recognise it by.
    pub starting_characters: Option<usize>,
    /// How long keys live.
    pub expiration: Expiration,
    /// Whether and how keys are limited.
    pub rate_limit: RateLimitDefaults,
    /// What a key may do where a request names no permissions.
    pub permissions: Option<Permissions>,
    /// Whether `*` among a key's permissions grants every resource or action; `false` = it is a name like any other, as
    /// Better Auth has it.
    pub wildcards: bool,
    /// From where its keys may be used, whatever their own rules say.
    pub addresses: AddressRules,
    /// How long an expired or exhausted key stays before clean-up removes it, in milliseconds.
    pub retention_ms: u64,
    /// Whether uses of keys without a quota may be answered on a copy in the process, and counted later.
    pub defer_usage: bool,
}

/// Who owns the keys of a configuration.
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
    /// The shortest.
    pub min: usize,
    /// The longest.
    pub max: usize,
}

impl LengthRange {
    /// Whether `text` fits, in UTF-16 units.
    pub fn fits(self, text: &str) -> bool {
        (self.min..=self.max).contains(&utf16_len(text))
    }
}

/// How long keys live.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Expiration {
    /// The lifetime of a key that names none; `None` = for ever.
    pub default: Option<Lifetime>,
    /// Whether a request may name a lifetime.
    pub allow_custom: bool,
    /// The shortest lifetime that a request may name, in days.
    pub min_days: u32,
    /// The longest lifetime that a request may name, in days.
    pub max_days: u32,
}

impl Expiration {
    /// Whether a request may ask for `lifetime`.
    pub(crate) fn check(self, lifetime: Lifetime) -> Result<(), ErrorCode> {
        if !self.allow_custom {
            Err(ErrorCode::KeyDisabledExpiration)
        } else if lifetime.as_days() < f64::from(self.min_days) {
            Err(ErrorCode::ExpiresInIsTooSmall)
        } else if lifetime.as_days() > f64::from(self.max_days) {
            Err(ErrorCode::ExpiresInIsTooLarge)
        } else {
            Ok(())
        }
    }
}

/// Whether and how keys are limited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimitDefaults {
    /// `false`: no key of this configuration is limited, whatever its row says.
    pub enabled: bool,
    /// The window of a key that names none, in milliseconds.
    pub window_ms: u64,
    /// Calls per window of a key that names none.
    pub max_requests: u64,
    /// How calls are counted.
    pub algorithm: Algorithm,
}

impl Configuration {
    /// Whether a key that a request shows in this header, named in lower case, may open a session.
    pub fn opens_sessions_by(&self, header: &str) -> bool {
        self.enable_session_for_api_keys && self.api_key_headers.iter().any(|name| name == header)
    }

    /// The fewest characters of a key that it generates: those of the random part, base64url without padding.
    pub fn shortest_key(&self) -> usize {
        (self.key_length * 8).div_ceil(6)
    }

    /// A configuration with Better Auth's defaults (docs/better-auth-wire.md 6), and keys of 32 random bytes.
    pub fn new(id: ConfigId) -> Self {
        Self {
            id,
            references: References::User,
            api_key_headers: vec!["x-api-key".to_owned()],
            enable_session_for_api_keys: false,
            allow_key_management: false,
            key_length: 32,
            default_prefix: None,
            prefix_length: LengthRange { min: 1, max: 32 },
            name_length: LengthRange { min: 1, max: 32 },
            require_name: false,
            enable_metadata: false,
            disable_key_hashing: false,
            default_remaining: None,
            max_keys_per_user: None,
            starting_characters: Some(6),
            expiration: Expiration { default: None, allow_custom: true, min_days: 1, max_days: 365 },
            rate_limit: RateLimitDefaults {
                enabled: true,
                window_ms: 86_400_000,
                max_requests: 10,
                algorithm: Algorithm::Gcra,
            },
            permissions: None,
            wildcards: true,
            addresses: AddressRules::default(),
            retention_ms: 0,
            defer_usage: false,
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

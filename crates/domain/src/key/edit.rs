use std::sync::Arc;

use super::mint::{MetadataInput, RefillInput};
use super::{ApiKey, Field, KeyDetails, Revocation};
use crate::address::Networks;
use crate::policy::Configuration;
use crate::value::{KeyName, Lifetime};
use crate::{ErrorCode, Metadata, Permissions, Timestamp};

/// A requested change of a key.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct EditKey {
    /// A new name. Unlike on create, an empty one is refused.
    pub name: Option<KeyName>,
    /// True if the key may be used.
    pub enabled: Option<bool>,
    /// The lifetime from now on; null = never expires.
    pub expires_in: Field<Lifetime>,
    /// The metadata. It is ignored if the configuration has none (docs/better-auth-wire.md 7.4, step 10).
    pub metadata: MetadataInput,
    /// The calls that the quota still allows.
    pub remaining: Option<u64>,
    /// The refill of the quota.
    pub refill: RefillInput,
    /// True if the key is rate limited.
    pub rate_limit_enabled: Option<bool>,
    /// The rate limit's window in milliseconds.
    pub rate_limit_window_ms: Option<u64>,
    /// The calls per window.
    pub rate_limit_max: Option<u64>,
    /// The permissions that the key grants; null = none.
    pub permissions: Field<Permissions>,
    /// The networks that the key may be used from; empty = from everywhere.
    pub allowed_addresses: Option<Networks>,
    /// The networks that the key may not be used from, even if they are allowed.
    pub denied_addresses: Option<Networks>,
}

/// A change that its configuration allows: an [`EditKey`] that passed its checks.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct KeyPatch {
    name: Option<String>,
    enabled: Option<bool>,
    expires_at: Field<Timestamp>,
    metadata: Field<Metadata>,
    remaining: Option<u64>,
    refill: Option<(u64, u64)>,
    rate_limit_enabled: Option<bool>,
    rate_limit_window_ms: Option<u64>,
    rate_limit_max: Option<u64>,
    permissions: Field<Permissions>,
    allowed_addresses: Option<Networks>,
    denied_addresses: Option<Networks>,
    revocation: Field<Revocation>,
}

impl KeyPatch {
    /// Returns the change that revokes a key.
    pub fn revoking(revocation: Revocation) -> Self {
        Self { revocation: Field::Given(revocation), ..Self::default() }
    }

    /// Returns the same change, which also takes a revocation back if it enables the key. Only a server may do that.
    #[must_use]
    pub fn restoring(self) -> Self {
        let revocation = if self.enabled == Some(true) { Field::Null } else { self.revocation };
        Self { revocation, ..self }
    }

    /// Returns true if the change would enable the key and leaves its revocation alone.
    pub fn enables(&self) -> bool {
        self.enabled == Some(true) && self.revocation == Field::Absent
    }
}

impl EditKey {
    /// Returns true if the request has a member that only a server may set (docs/better-auth-wire.md 7.4).
    pub fn has_server_only_members(&self) -> bool {
        self.remaining.is_some()
            || self.refill != RefillInput::default()
            || self.rate_limit_enabled.is_some()
            || self.rate_limit_window_ms.is_some()
            || self.rate_limit_max.is_some()
            || self.permissions != Field::Absent
            || self.allowed_addresses.is_some()
            || self.denied_addresses.is_some()
    }

    /// Checks the request against its configuration, in Better Auth's order (docs/better-auth-wire.md 7.4, steps 8 to
    /// 11).
    ///
    /// # Errors
    ///
    /// Returns the code of the first check that fails: [`ErrorCode::InvalidNameLength`],
    /// [`ErrorCode::KeyDisabledExpiration`], [`ErrorCode::ExpiresInIsTooSmall`] or [`ErrorCode::ExpiresInIsTooLarge`],
    /// [`ErrorCode::InvalidMetadataType`], the code of half a refill, or [`ErrorCode::NoValuesToUpdate`].
    pub fn check(self, configuration: &Configuration, now: Timestamp) -> Result<KeyPatch, ErrorCode> {
        if self.name.as_ref().is_some_and(|name| !configuration.name_length.fits(name.as_str())) {
            return Err(ErrorCode::InvalidNameLength);
        }
        let expires_at = match self.expires_in {
            Field::Absent => Field::Absent,
            _ if !configuration.expiration.allow_custom => return Err(ErrorCode::KeyDisabledExpiration),
            Field::Null => Field::Null,
            Field::Given(lifetime) => {
                configuration.expiration.check(lifetime)?;
                Field::Given(now.plus_millis(lifetime.as_millis()))
            }
        };
        let metadata = match self.metadata {
            _ if !configuration.enable_metadata => Field::Absent,
            MetadataInput::Absent => Field::Absent,
            MetadataInput::Null => Field::Null,
            MetadataInput::Given(metadata) => Field::Given(metadata),
            MetadataInput::WrongType => return Err(ErrorCode::InvalidMetadataType),
        };
        self.refill.check()?;
        let patch = KeyPatch {
            name: self.name.map(KeyName::into_string),
            enabled: self.enabled,
            expires_at,
            metadata,
            remaining: self.remaining,
            refill: self.refill.amount.zip(self.refill.interval_ms),
            rate_limit_enabled: self.rate_limit_enabled,
            rate_limit_window_ms: self.rate_limit_window_ms,
            rate_limit_max: self.rate_limit_max,
            permissions: self.permissions,
            allowed_addresses: self.allowed_addresses,
            denied_addresses: self.denied_addresses,
            revocation: Field::Absent,
        };
        if patch == KeyPatch::default() { Err(ErrorCode::NoValuesToUpdate) } else { Ok(patch) }
    }
}

impl ApiKey {
    /// Applies `patch` to the key.
    ///
    /// An edit never changes the counters, except `remaining` if the patch sets it. A revoked key is never enabled, so
    /// that a Better Auth server on the same row refuses it too. The first revocation is kept.
    #[must_use]
    pub fn patched(mut self, patch: &KeyPatch, now: Timestamp) -> Self {
        let KeyPatch {
            name,
            enabled,
            expires_at,
            metadata,
            remaining,
            refill,
            rate_limit_enabled,
            rate_limit_window_ms,
            rate_limit_max,
            permissions,
            allowed_addresses,
            denied_addresses,
            revocation,
        } = patch.clone();
        let details: &mut KeyDetails = Arc::make_mut(&mut self.details);
        details.name = name.or(details.name.take());
        details.revocation = match revocation {
            Field::Given(new) => details.revocation.take().or(Some(new)),
            kept_or_none => kept_or_none.apply(details.revocation.take()),
        };
        details.enabled = enabled.unwrap_or(details.enabled) && details.revocation.is_none();
        details.expires_at = expires_at.apply(details.expires_at);
        details.metadata = metadata.apply(details.metadata.take());
        details.refill_amount = refill.map(|(amount, _)| amount).or(details.refill_amount);
        details.refill_interval_ms = refill.map(|(_, interval)| interval).or(details.refill_interval_ms);
        details.rate_limit_enabled = rate_limit_enabled.unwrap_or(details.rate_limit_enabled);
        details.rate_limit_window_ms = rate_limit_window_ms.or(details.rate_limit_window_ms);
        details.rate_limit_max = rate_limit_max.or(details.rate_limit_max);
        details.permissions = permissions.apply(details.permissions.take());
        details.addresses.allowed = allowed_addresses.unwrap_or(std::mem::take(&mut details.addresses.allowed));
        details.addresses.denied = denied_addresses.unwrap_or(std::mem::take(&mut details.addresses.denied));
        self.usage.remaining = remaining.or(self.usage.remaining);
        self.usage.updated_at = now;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::OwnerId;
    use crate::key::{NewKey, PlainKey};

    const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

    fn check(edit: EditKey) -> Result<KeyPatch, ErrorCode> {
        edit.check(&Configuration::default(), NOW)
    }

    #[test]
    fn metadata_alone_changes_nothing_where_it_is_disabled() {
        let edit = EditKey { metadata: MetadataInput::WrongType, ..EditKey::default() };
        assert_eq!(check(edit.clone()), Err(ErrorCode::NoValuesToUpdate));
        let open = Configuration { enable_metadata: true, ..Configuration::default() };
        assert_eq!(edit.check(&open, NOW), Err(ErrorCode::InvalidMetadataType));
    }

    #[test]
    fn an_empty_name_is_refused() {
        let edit = EditKey { name: KeyName::parse("").ok(), ..EditKey::default() };
        assert_eq!(check(edit), Err(ErrorCode::InvalidNameLength));
    }

    #[test]
    fn a_patch_changes_what_it_names_and_no_counter() {
        let owner = OwnerId::parse("ada").unwrap();
        let new = NewKey { remaining: Field::Given(3), ..NewKey::default() };
        let configuration = Configuration::default();
        let new = new.check(&configuration).unwrap();
        let key = new.mint(owner, PlainKey::new("k"), &mut |bytes: &mut [u8]| bytes.fill(1), NOW).key;
        let later = NOW.plus_millis(5);
        let edit = EditKey {
            enabled: Some(false),
            expires_in: Field::Given(Lifetime::from_seconds(86_400.0).unwrap()),
            ..EditKey::default()
        };
        let patch = edit.check(&Configuration::default(), later).unwrap();
        let patched = key.clone().patched(&patch, later);
        assert!(!patched.details.enabled);
        assert_eq!(patched.details.expires_at, Some(later.plus_millis(86_400_000)));
        assert_eq!(patched.usage, crate::usage::Usage { updated_at: later, ..key.usage });
        let clear = EditKey { expires_in: Field::Null, remaining: Some(9), ..EditKey::default() };
        let cleared = patched.patched(&clear.check(&Configuration::default(), later).unwrap(), later);
        assert_eq!((cleared.details.expires_at, cleared.usage.remaining), (None, Some(9)));
    }
}

use std::sync::Arc;

use super::mint::{MetadataInput, NewRefill, RefillEdit};
use super::{ApiKey, Field, KeyDetails, Revocation};
use crate::address::Networks;
use crate::policy::{Ceiling, Configuration};
use crate::usage::Usage;
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
    /// The calls that the quota still allows; null = no quota.
    pub remaining: Field<u64>,
    /// The calls to add to the quota, or to take from it if negative, down to 0. The key must have a quota.
    pub add_remaining: Option<i64>,
    /// The refill of the quota.
    pub refill: RefillEdit,
    /// True if the key is rate limited.
    pub rate_limit_enabled: Option<bool>,
    /// The rate limit's window in milliseconds.
    pub rate_limit_window_ms: Option<u64>,
    /// The calls per window.
    pub rate_limit_max: Option<u64>,
    /// True if the rate limit forgets the calls that it counted.
    pub reset_limit: bool,
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
    remaining: Field<u64>,
    add_remaining: Option<i64>,
    refill: Field<NewRefill>,
    rate_limit_enabled: Option<bool>,
    rate_limit_window_ms: Option<u64>,
    rate_limit_max: Option<u64>,
    reset_limit: bool,
    permissions: Field<Permissions>,
    /// The most that `permissions` may add; `None` = anything.
    ceiling: Option<Ceiling>,
    allowed_addresses: Option<Networks>,
    denied_addresses: Option<Networks>,
    revocation: Field<Revocation>,
}

impl KeyPatch {
    /// Returns the change that revokes a key.
    pub fn revoking(revocation: Revocation) -> Self {
        Self { revocation: Field::Given(revocation), ..Self::default() }
    }

    /// Returns the change that makes a key expire at `at`.
    pub(crate) fn ending(at: Timestamp) -> Self {
        Self { expires_at: Field::Given(at), ..Self::default() }
    }

    /// Returns the same change, which also takes a revocation back if it enables the key. Only a server may do that.
    #[must_use]
    pub fn restoring(self) -> Self {
        let revocation = if self.enabled == Some(true) { Field::Null } else { self.revocation };
        Self { revocation, ..self }
    }

    /// Returns the same change, which adds no permission above `ceiling`: one that the key has no more when it is changed is left
    /// out.
    #[must_use]
    pub fn within(self, ceiling: Option<Ceiling>) -> Self {
        Self { ceiling, ..self }
    }

    /// Checks that the key, which was made at `created_at`, does not outlive the longest life of its configuration.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorCode::ExpiresInIsTooLarge`].
    pub fn check_end(&self, created_at: Timestamp, configuration: &Configuration) -> Result<(), ErrorCode> {
        match self.expires_at {
            Field::Absent => Ok(()),
            Field::Null => configuration.check_end(created_at, None),
            Field::Given(at) => configuration.check_end(created_at, Some(at)),
        }
    }

    /// Returns the permissions that the change gives to the key; `None` = it gives none.
    pub fn given_permissions(&self) -> Option<&Permissions> {
        match &self.permissions {
            Field::Given(permissions) => Some(permissions),
            Field::Absent | Field::Null => None,
        }
    }

    /// Returns the revocation that the change gives to a key; `None` = it revokes none.
    pub fn revocation(&self) -> Option<&Revocation> {
        match &self.revocation {
            Field::Given(revocation) => Some(revocation),
            Field::Absent | Field::Null => None,
        }
    }

    /// Returns true if the change adds to a quota, or takes from it, so that the key must have one.
    pub fn needs_quota(&self) -> bool {
        self.add_remaining.is_some()
    }

    /// Returns true if the rate limit forgets the calls that it counted.
    pub fn resets_limit(&self) -> bool {
        self.reset_limit
    }

    /// Returns true if the change would enable the key and leaves its revocation alone.
    pub fn enables(&self) -> bool {
        self.enabled == Some(true) && self.revocation == Field::Absent
    }
}

impl EditKey {
    /// Returns true if the request has a member that only a server may set (docs/better-auth-wire.md 7.4).
    ///
    /// `may_grant` is true if the configuration lets this caller give permissions.
    pub fn has_server_only_members(&self, may_grant: bool) -> bool {
        self.remaining != Field::Absent
            || self.add_remaining.is_some()
            || self.refill != RefillEdit::default()
            || self.reset_limit
            || self.rate_limit_enabled.is_some()
            || self.rate_limit_window_ms.is_some()
            || self.rate_limit_max.is_some()
            || (self.permissions != Field::Absent && !may_grant)
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
    /// [`ErrorCode::InvalidMetadataType`], the code of half a refill, [`ErrorCode::AddRemainingNotAllowed`] beside
    /// `remaining`, or [`ErrorCode::NoValuesToUpdate`].
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
        let refill = self.refill.check()?;
        if self.add_remaining.is_some() && self.remaining != Field::Absent {
            return Err(ErrorCode::AddRemainingNotAllowed);
        }
        let patch = KeyPatch {
            name: self.name.map(KeyName::into_string),
            enabled: self.enabled,
            expires_at,
            metadata,
            remaining: self.remaining,
            add_remaining: self.add_remaining,
            refill,
            rate_limit_enabled: self.rate_limit_enabled,
            rate_limit_window_ms: self.rate_limit_window_ms,
            rate_limit_max: self.rate_limit_max,
            reset_limit: self.reset_limit,
            permissions: self.permissions,
            ceiling: None,
            allowed_addresses: self.allowed_addresses,
            denied_addresses: self.denied_addresses,
            revocation: Field::Absent,
        };
        if patch == KeyPatch::default() { Err(ErrorCode::NoValuesToUpdate) } else { Ok(patch) }
    }
}

impl ApiKey {
    /// Returns the key after `patch`; `None` = it changes nothing but the time of the last change.
    #[must_use]
    pub fn changed_by(&self, patch: &KeyPatch, now: Timestamp) -> Option<Self> {
        let patched = self.clone().patched(patch, now);
        let before = Usage { updated_at: now, ..self.usage };
        (patched.details != self.details || patched.usage != before).then_some(patched)
    }

    /// Applies `patch` to the key.
    ///
    /// An edit never changes the counters, except those that the patch names. A refill that is due happens before calls
    /// are added, since it would else replace them. A revoked key is never enabled, so
    /// that a Better Auth server on the same row refuses it too. The first revocation is kept.
    #[must_use]
    pub fn patched(mut self, patch: &KeyPatch, now: Timestamp) -> Self {
        let KeyPatch {
            name,
            enabled,
            expires_at,
            metadata,
            remaining,
            add_remaining,
            refill,
            rate_limit_enabled,
            rate_limit_window_ms,
            rate_limit_max,
            reset_limit,
            permissions,
            ceiling,
            allowed_addresses,
            denied_addresses,
            revocation,
        } = patch.clone();
        if let Some(calls) = add_remaining {
            self.usage = self.usage.topped_up(self.details.refill(), self.details.created_at, calls, now);
        }
        if reset_limit {
            self.usage = Usage { request_count: 0, backlog_ns: None, ..self.usage };
        }
        let limit_before = self.details.rate_limit();
        let details: &mut KeyDetails = Arc::make_mut(&mut self.details);
        details.name = name.or(details.name.take());
        details.revocation = match revocation {
            Field::Given(new) => details.revocation.take().or(Some(new)),
            kept_or_none => kept_or_none.apply(details.revocation.take()),
        };
        details.enabled = enabled.unwrap_or(details.enabled) && details.revocation.is_none();
        details.expires_at = expires_at.apply(details.expires_at);
        details.metadata = metadata.apply(details.metadata.take());
        (details.refill_amount, details.refill_interval_ms, details.refill_every) = match refill {
            Field::Absent => (details.refill_amount, details.refill_interval_ms, details.refill_every),
            Field::Null => (None, None, None),
            Field::Given(NewRefill { amount, interval_ms, every }) => (Some(amount), interval_ms, every),
        };
        details.rate_limit_enabled = rate_limit_enabled.unwrap_or(details.rate_limit_enabled);
        details.rate_limit_window_ms = rate_limit_window_ms.or(details.rate_limit_window_ms);
        details.rate_limit_max = rate_limit_max.or(details.rate_limit_max);
        details.permissions = match (permissions, ceiling) {
            (Field::Given(asked), Some(ceiling)) => ceiling.within(details.permissions.as_ref(), asked),
            (permissions, _) => permissions.apply(details.permissions.take()),
        };
        details.addresses.allowed = allowed_addresses.unwrap_or(std::mem::take(&mut details.addresses.allowed));
        details.addresses.denied = denied_addresses.unwrap_or(std::mem::take(&mut details.addresses.denied));
        if self.details.rate_limit() != limit_before {
            // GCRA's state is a time, by the rate of the limit before. The calls that it stands for count on.
            self.usage.backlog_ns = None;
        }
        self.usage.remaining = remaining.apply(self.usage.remaining);
        self.usage.updated_at = now;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::OwnerId;
    use crate::key::{NewKey, PlainKey, RefillInput};
    use crate::usage::{Algorithm, Every};

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
    fn calls_that_were_counted_count_against_a_changed_limit_as_calls() {
        let configuration = Configuration::default();
        let new = NewKey::default().check(&configuration).unwrap();
        let mut key = new.mint(OwnerId::parse("ada").unwrap(), PlainKey::new("k"), &mut |_: &mut [u8]| {}, NOW).key;
        let admit = |key: &ApiKey| key.details.rate_limit().unwrap().admit(Algorithm::Gcra, key.usage, 1, NOW);
        for _ in 0..3 {
            key.usage = admit(&key).unwrap();
        }
        // Three calls of ten a day are the backlog of seven hours.
        let edit = EditKey { rate_limit_max: Some(5), rate_limit_window_ms: Some(60_000), ..EditKey::default() };
        let mut key = key.patched(&check(edit).unwrap(), NOW);
        for _ in 0..2 {
            key.usage = admit(&key).unwrap();
        }
        assert!(admit(&key).is_err());
        let same = key.clone().patched(&check(EditKey { enabled: Some(true), ..EditKey::default() }).unwrap(), NOW);
        assert_eq!(same.usage.backlog_ns, key.usage.backlog_ns, "another change leaves the state as it is");
    }

    #[test]
    fn a_permission_above_the_ceiling_that_was_taken_away_meanwhile_stays_away() {
        let (files, both) =
            (Permissions::of(&[("files", &["read"])]), Permissions::of(&[("files", &["read"]), ("users", &["read"])]));
        let configuration = Configuration { grantable: Some(files.clone()), ..Configuration::default() };
        let ceiling = configuration.ceiling(&crate::organization::Roles::default(), None);
        let edit = |permissions| EditKey { permissions: Field::Given(permissions), ..EditKey::default() };
        let change = edit(both.clone()).check(&configuration, NOW).unwrap();
        let key = NewKey::default().check(&configuration).unwrap();
        let key = key.mint(OwnerId::parse("ada").unwrap(), PlainKey::new("k"), &mut |_: &mut [u8]| {}, NOW).key;
        let of_server = key.clone().patched(&change, NOW);
        assert_eq!(of_server.details.permissions.as_ref(), Some(&both), "a server has no ceiling");
        let change = change.within(ceiling);
        assert_eq!(of_server.patched(&change, NOW).details.permissions, Some(both));
        assert_eq!(key.patched(&change, NOW).details.permissions, Some(files));
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
        let clear = EditKey { expires_in: Field::Null, remaining: Field::Given(9), ..EditKey::default() };
        let cleared = patched.patched(&clear.check(&Configuration::default(), later).unwrap(), later);
        assert_eq!((cleared.details.expires_at, cleared.usage.remaining), (None, Some(9)));
    }

    fn metered(refill: RefillInput, remaining: u64) -> ApiKey {
        let new = NewKey { remaining: Field::Given(remaining), refill, ..NewKey::default() };
        let configuration = Configuration::default();
        let new = new.check(&configuration).unwrap();
        new.mint(OwnerId::parse("ada").unwrap(), PlainKey::new("k"), &mut |bytes: &mut [u8]| bytes.fill(1), NOW).key
    }

    #[test]
    fn calls_are_added_and_taken_down_to_zero() {
        let add = |key: &ApiKey, calls, now| {
            let edit = EditKey { add_remaining: Some(calls), ..EditKey::default() };
            key.clone().patched(&check(edit).unwrap(), now).usage
        };
        let key = metered(RefillInput::default(), 5);
        for (calls, left) in
            [(0, 5), (7, 12), (-2, 3), (-5, 0), (-6, 0), (i64::MIN, 0), (i64::MAX, 5 + i64::MAX.unsigned_abs())]
        {
            assert_eq!(add(&key, calls, NOW).remaining, Some(left), "{calls}");
        }
        let unmetered = ApiKey { usage: Usage { remaining: None, ..key.usage }, ..key };
        assert_eq!(add(&unmetered, 7, NOW).remaining, None, "a quota that was cleared meanwhile stays away");
        // A due refill comes first: it would replace what was added.
        let refilled = metered(RefillInput { amount: Some(10), interval_ms: Some(1000), every: None }, 2);
        assert_eq!(add(&refilled, 5, NOW.plus_millis(1000)).remaining, Some(7));
        let due = add(&refilled, 5, NOW.plus_millis(1001));
        assert_eq!((due.remaining, due.last_refill_at), (Some(15), Some(NOW.plus_millis(1001))));
        let both = EditKey { add_remaining: Some(1), remaining: Field::Null, ..EditKey::default() };
        assert_eq!(check(both), Err(ErrorCode::AddRemainingNotAllowed));
    }

    #[test]
    fn quotas_refills_and_counts_are_cleared_by_null_and_by_word() {
        let mut key = metered(RefillInput { amount: Some(10), interval_ms: Some(1000), every: None }, 2);
        key.usage = Usage { request_count: 3, backlog_ns: Some(7), last_request: Some(NOW), ..key.usage };
        let null = RefillEdit { amount: Field::Null, interval_ms: Field::Null, every: Field::Absent };
        let edit = EditKey { remaining: Field::Null, refill: null, reset_limit: true, ..EditKey::default() };
        let cleared = key.clone().patched(&check(edit).unwrap(), NOW);
        assert_eq!((cleared.details.refill_amount, cleared.details.refill_interval_ms), (None, None));
        assert_eq!(cleared.usage, Usage { remaining: None, request_count: 0, backlog_ns: None, ..key.usage });
        for (amount, interval_ms, code) in [
            (Field::Null, Field::Absent, ErrorCode::RefillAmountAndIntervalRequired),
            (Field::Given(1), Field::Null, ErrorCode::RefillAmountAndIntervalRequired),
            (Field::Absent, Field::Null, ErrorCode::RefillIntervalAndAmountRequired),
            (Field::Null, Field::Given(1), ErrorCode::RefillIntervalAndAmountRequired),
        ] {
            let edit =
                EditKey { refill: RefillEdit { amount, interval_ms, every: Field::Absent }, ..EditKey::default() };
            assert_eq!(check(edit), Err(code), "{amount:?} {interval_ms:?}");
        }
        // A calendar takes the place of an interval, and an interval that of a calendar.
        let apply = |key: &ApiKey, amount, interval_ms, every| {
            let edit = EditKey { refill: RefillEdit { amount, interval_ms, every }, ..EditKey::default() };
            check(edit).map(|patch| {
                let details = KeyDetails::clone(&key.clone().patched(&patch, NOW).details);
                (details.refill_amount, details.refill_interval_ms, details.refill_every)
            })
        };
        let month = Field::Given(Every::Month);
        let monthly = apply(&key, Field::Given(7), Field::Absent, month);
        assert_eq!(monthly, Ok((Some(7), None, Some(Every::Month))));
        assert_eq!(apply(&key, Field::Given(7), Field::Null, month), monthly);
        Arc::make_mut(&mut key.details).refill_every = Some(Every::Month);
        assert_eq!(apply(&key, Field::Given(7), Field::Given(5), Field::Null), Ok((Some(7), Some(5), None)));
        assert_eq!(apply(&key, Field::Null, Field::Absent, Field::Null), Ok((None, None, None)));
        assert_eq!(apply(&key, Field::Given(7), Field::Given(5), month), Err(ErrorCode::RefillTwice));
        let alone = apply(&key, Field::Absent, Field::Absent, month);
        assert_eq!(alone, Err(ErrorCode::RefillIntervalAndAmountRequired));
    }
}

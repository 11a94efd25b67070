use std::sync::Arc;

use super::{ApiKey, Field, KeyDetails, PlainKey};
use crate::address::AddressRules;
use crate::event::Actor;
use crate::policy::Configuration;
use crate::usage::{Every, Usage};
use crate::value::{KeyName, Lifetime, Prefix};
use crate::{ErrorCode, KeyId, Metadata, OwnerId, Permissions, Randomness, Timestamp};

/// A requested key. A member that is `None` takes the configuration's default.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct NewKey {
    /// A display name.
    pub name: Option<KeyName>,
    /// The prefix of the key's text.
    pub prefix: Option<Prefix>,
    /// The lifetime.
    pub expires_in: Option<Lifetime>,
    /// The metadata that the key's owner attaches.
    pub metadata: MetadataInput,
    /// The quota; null = none; absent = a full refill, else the configuration's default.
    pub remaining: Field<u64>,
    /// The refill of the quota.
    pub refill: RefillInput,
    /// True if the key is rate limited.
    pub rate_limit_enabled: Option<bool>,
    /// The rate limit's window in milliseconds.
    pub rate_limit_window_ms: Option<u64>,
    /// The calls per window.
    pub rate_limit_max: Option<u64>,
    /// The permissions that the key grants.
    pub permissions: Option<Permissions>,
    /// The networks that the key may be used from.
    pub addresses: AddressRules,
}

/// The metadata of a request.
///
/// The configuration decides whether metadata is allowed at all, so that a wrong type is a value here and not a parse
/// error.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum MetadataInput {
    /// Not mentioned.
    #[default]
    Absent,
    /// `null`, or on create any other falsy value.
    Null,
    /// An object or an array.
    Given(Metadata),
    /// Text, a number, or `true`.
    WrongType,
}

/// The halves of a refill in a request: an amount, and either an interval or a period of the calendar. Both must be
/// present, or neither.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RefillInput {
    /// The calls that the quota allows after a refill.
    pub amount: Option<u64>,
    /// The interval between refills, in milliseconds.
    pub interval_ms: Option<u64>,
    /// The calendar's period between refills.
    pub every: Option<Every>,
}

/// The halves of a changed refill. Both must be given, both null, or neither mentioned.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RefillEdit {
    /// The calls that the quota allows after a refill.
    pub amount: Field<u64>,
    /// The interval between refills, in milliseconds.
    pub interval_ms: Field<u64>,
    /// The calendar's period between refills.
    pub every: Field<Every>,
}

/// A refill as a key's details hold it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NewRefill {
    pub(super) amount: u64,
    pub(super) interval_ms: Option<u64>,
    pub(super) every: Option<Every>,
}

impl RefillEdit {
    /// Returns the new refill; null = none.
    ///
    /// # Errors
    ///
    /// Returns the codes of [`RefillInput::check`].
    pub(super) fn check(self) -> Result<Field<NewRefill>, ErrorCode> {
        let period = match (self.interval_ms, self.every) {
            (Field::Given(_), Field::Given(_)) => return Err(ErrorCode::RefillTwice),
            (Field::Given(interval_ms), _) => Field::Given((Some(interval_ms), None)),
            (_, Field::Given(every)) => Field::Given((None, Some(every))),
            (Field::Absent, Field::Absent) => Field::Absent,
            (Field::Null, _) | (_, Field::Null) => Field::Null,
        };
        match (self.amount, period) {
            (Field::Absent, Field::Absent) => Ok(Field::Absent),
            (Field::Null, Field::Null) => Ok(Field::Null),
            (Field::Given(amount), Field::Given((interval_ms, every))) => {
                Ok(Field::Given(NewRefill { amount, interval_ms, every }))
            }
            (Field::Given(_), _) | (Field::Null, Field::Absent) => Err(ErrorCode::RefillAmountAndIntervalRequired),
            (Field::Absent, _) | (Field::Null, Field::Given(_)) => Err(ErrorCode::RefillIntervalAndAmountRequired),
        }
    }
}

impl From<RefillInput> for RefillEdit {
    fn from(RefillInput { amount, interval_ms, every }: RefillInput) -> Self {
        let field = |half: Option<u64>| half.map_or(Field::Absent, Field::Given);
        let every = every.map_or(Field::Absent, Field::Given);
        Self { amount: field(amount), interval_ms: field(interval_ms), every }
    }
}

impl RefillInput {
    /// Refuses one half without the other, each with its own code (docs/better-auth-wire.md 2.6).
    ///
    /// # Errors
    ///
    /// Returns [`ErrorCode::RefillAmountAndIntervalRequired`] for an amount alone,
    /// [`ErrorCode::RefillIntervalAndAmountRequired`] for a period alone, and [`ErrorCode::RefillTwice`] for an interval
    /// beside a period of the calendar.
    pub(super) fn check(self) -> Result<(), ErrorCode> {
        RefillEdit::from(self).check().map(drop)
    }
}

/// A [`NewKey`] that its configuration allows. Only [`NewKey::check`] makes one.
#[derive(Debug, Clone, PartialEq)]
pub struct CheckedKey<'a> {
    new: NewKey,
    configuration: &'a Configuration,
}

/// A new key and its text, which exists only here and in the answer to its creator.
#[derive(Debug)]
pub struct Minted {
    /// The key to be stored.
    pub key: ApiKey,
    /// The text that the holder presents.
    pub plain: PlainKey,
}

impl Minted {
    /// Returns the same key with another id, which must be random.
    #[must_use]
    pub fn named(mut self, id: KeyId) -> Self {
        Arc::make_mut(&mut self.key.details).id = id;
        self
    }

    /// Returns the same key, made by `actor`.
    #[must_use]
    pub fn by(mut self, actor: Actor) -> Self {
        Arc::make_mut(&mut self.key.details).created_by = Some(actor);
        self
    }
}

impl NewKey {
    /// Returns true if the request has a member that only a server may set (docs/better-auth-wire.md 7.1).
    ///
    /// `may_grant` is true if the configuration lets this caller give permissions.
    pub fn has_server_only_members(&self, may_grant: bool) -> bool {
        matches!(self.remaining, Field::Given(_))
            || self.refill != RefillInput::default()
            || self.rate_limit_enabled.is_some()
            || self.rate_limit_window_ms.is_some()
            || self.rate_limit_max.is_some()
            || (self.permissions.is_some() && !may_grant)
            || !self.addresses.is_empty()
    }

    /// Checks the request against its configuration, in Better Auth's order (docs/better-auth-wire.md 7.1, steps 7 to
    /// 11).
    ///
    /// # Errors
    ///
    /// Returns the code of the first check that fails: [`ErrorCode::MetadataDisabled`],
    /// [`ErrorCode::InvalidMetadataType`], the code of half a refill, [`ErrorCode::KeyDisabledExpiration`],
    /// [`ErrorCode::ExpiresInIsTooSmall`], [`ErrorCode::ExpiresInIsTooLarge`], [`ErrorCode::InvalidPrefixLength`],
    /// [`ErrorCode::NameRequired`] or [`ErrorCode::InvalidNameLength`].
    pub fn check(self, configuration: &Configuration) -> Result<CheckedKey<'_>, ErrorCode> {
        match &self.metadata {
            MetadataInput::Absent | MetadataInput::Null => {}
            _ if !configuration.enable_metadata => return Err(ErrorCode::MetadataDisabled),
            MetadataInput::WrongType => return Err(ErrorCode::InvalidMetadataType),
            MetadataInput::Given(_) => {}
        }
        self.refill.check()?;
        if let Some(lifetime) = self.expires_in {
            configuration.expiration.check(lifetime)?;
        }
        if self.prefix.as_ref().is_some_and(|prefix| !configuration.prefix_length.fits(prefix.as_str())) {
            return Err(ErrorCode::InvalidPrefixLength);
        }
        match self.name.as_ref().map(KeyName::as_str) {
            None | Some("") if configuration.require_name => return Err(ErrorCode::NameRequired),
            Some(name) if !name.is_empty() && !configuration.name_length.fits(name) => {
                return Err(ErrorCode::InvalidNameLength);
            }
            _ => {}
        }
        Ok(CheckedKey { new: self, configuration })
    }
}

impl CheckedKey<'_> {
    /// Returns the prefix of the key's text: the request's, else the configuration's.
    pub fn prefix(&self) -> Option<&str> {
        self.new.prefix.as_ref().map(Prefix::as_str).or(self.configuration.default_prefix.as_deref())
    }

    /// Makes the key with the text `plain`.
    pub fn mint(self, owner: OwnerId, plain: PlainKey, fill: Randomness<'_>, now: Timestamp) -> Minted {
        let prefix = self.prefix().map(str::to_owned);
        let Self { new, configuration } = self;
        let limit = configuration.rate_limit;
        let quota = new.remaining.apply(new.refill.amount.or(configuration.default_remaining));
        let lifetime = new.expires_in.or(configuration.expiration.default).map(Lifetime::as_millis);
        // A default that is longer than keys may live is cut.
        let longest = configuration.expiration.max_lifetime_ms();
        let lifetime_ms = longest.map_or(lifetime, |longest| Some(lifetime.map_or(longest, |ms| ms.min(longest))));
        let details = KeyDetails {
            id: KeyId::random(fill),
            config_id: configuration.id.clone(),
            owner,
            start: configuration.starting_characters.map(|units| plain.start(units)),
            prefix,
            stored: plain.stored_under(configuration),
            rotation: None,
            rotated_at: None,
            foreign: None,
            name: new.name.map(KeyName::into_string),
            enabled: true,
            revocation: None,
            expires_at: lifetime_ms.map(|lifetime_ms| now.plus_millis(lifetime_ms)),
            refill_amount: new.refill.amount,
            refill_interval_ms: new.refill.interval_ms,
            refill_every: new.refill.every,
            rate_limit_enabled: new.rate_limit_enabled.unwrap_or(limit.enabled),
            rate_limit_window_ms: Some(new.rate_limit_window_ms.unwrap_or(limit.window_ms)),
            rate_limit_max: Some(new.rate_limit_max.unwrap_or(limit.max_requests)),
            permissions: new.permissions.or_else(|| configuration.permissions.clone()),
            addresses: new.addresses,
            metadata: match new.metadata {
                MetadataInput::Given(metadata) => Some(metadata),
                _ => None,
            },
            created_at: now,
            created_by: None,
        };
        Minted { key: ApiKey { details: Arc::new(details), usage: Usage::new(quota, now) }, plain }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

    fn mint(new: NewKey, configuration: &Configuration) -> ApiKey {
        let owner = OwnerId::parse("ada").unwrap();
        let new = new.check(configuration).unwrap();
        new.mint(owner, PlainKey::new("sk_1234567"), &mut |bytes: &mut [u8]| bytes.fill(7), NOW).key
    }

    #[test]
    fn silence_takes_the_configuration() {
        let configuration = Configuration {
            default_prefix: Some("sk_".to_owned()),
            default_remaining: Some(5),
            ..Configuration::default()
        };
        let key = mint(NewKey::default(), &configuration);
        assert_eq!(key.details.prefix.as_deref(), Some("sk_"));
        assert_eq!(key.details.start.as_deref(), Some("sk_123"));
        assert_eq!((key.details.rate_limit_max, key.details.rate_limit_window_ms), (Some(10), Some(86_400_000)));
        assert_eq!(key.usage, Usage::new(Some(5), NOW));
        assert_eq!(key.details.expires_at, None);
    }

    #[test]
    fn a_refill_without_a_starting_quota_starts_full_and_null_means_no_quota() {
        let configuration = Configuration { default_remaining: Some(5), ..Configuration::default() };
        let refill = RefillInput { amount: Some(100), interval_ms: Some(1000), every: None };
        let full = mint(NewKey { refill, ..NewKey::default() }, &configuration);
        assert_eq!(full.usage.remaining, Some(100));
        let none = mint(NewKey { refill, remaining: Field::Null, ..NewKey::default() }, &configuration);
        assert_eq!(none.usage.remaining, None);
    }

    #[test]
    fn no_key_outlives_the_longest_life_of_its_configuration() {
        let mut configuration = Configuration::default();
        configuration.expiration.max_lifetime_days = std::num::NonZeroU32::new(30);
        let days = |days: u64| NOW.plus_millis(days * 86_400_000);
        assert_eq!(mint(NewKey::default(), &configuration).details.expires_at, Some(days(30)));
        configuration.expiration.default = Lifetime::from_seconds(60.0 * 86_400.0).ok();
        assert_eq!(mint(NewKey::default(), &configuration).details.expires_at, Some(days(30)), "the default is cut");
        let asking = |seconds| NewKey { expires_in: Lifetime::from_seconds(seconds).ok(), ..NewKey::default() };
        assert_eq!(mint(asking(30.0 * 86_400.0), &configuration).details.expires_at, Some(days(30)));
        let longer = asking(30.0 * 86_400.0 + 1.0).check(&configuration).map(drop);
        assert_eq!(longer, Err(ErrorCode::ExpiresInIsTooLarge));
    }

    #[test]
    fn checks_run_in_better_auths_order() {
        let check = |new: &NewKey, configuration: &Configuration| new.clone().check(configuration).map(drop);
        let closed = Configuration { require_name: true, ..Configuration::default() };
        let mut new = NewKey {
            metadata: MetadataInput::WrongType,
            refill: RefillInput { amount: Some(1), ..RefillInput::default() },
            expires_in: Lifetime::from_seconds(1.0).ok(),
            prefix: Prefix::parse("p".repeat(33)).ok(),
            name: None,
            ..NewKey::default()
        };
        assert_eq!(check(&new, &closed), Err(ErrorCode::MetadataDisabled));
        let open = Configuration { enable_metadata: true, ..closed.clone() };
        assert_eq!(check(&new, &open), Err(ErrorCode::InvalidMetadataType));
        new.metadata = MetadataInput::Null;
        assert_eq!(check(&new, &closed), Err(ErrorCode::RefillAmountAndIntervalRequired));
        new.refill = RefillInput { interval_ms: Some(1), ..RefillInput::default() };
        assert_eq!(check(&new, &closed), Err(ErrorCode::RefillIntervalAndAmountRequired));
        new.refill = RefillInput::default();
        assert_eq!(check(&new, &closed), Err(ErrorCode::ExpiresInIsTooSmall));
        new.expires_in = None;
        assert_eq!(check(&new, &closed), Err(ErrorCode::InvalidPrefixLength));
        new.prefix = None;
        assert_eq!(check(&new, &closed), Err(ErrorCode::NameRequired));
        new.name = KeyName::parse("").ok();
        assert_eq!(check(&new, &closed), Err(ErrorCode::NameRequired));
        assert_eq!(check(&new, &Configuration::default()), Ok(()), "an empty name passes where none is required");
        new.name = KeyName::parse("n".repeat(33)).ok();
        assert_eq!(check(&new, &closed), Err(ErrorCode::InvalidNameLength));
        new.name = KeyName::parse("n".repeat(32)).ok();
        assert_eq!(check(&new, &closed), Ok(()));
    }
}

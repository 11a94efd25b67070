//! Keys that were made elsewhere, and come with the hash of their text.

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::foreign::{HMAC_BYTES, MAX_START, MIN_START, SHA512_BYTES};
use super::{ApiKey, Field, ForeignHash, InvalidSlowHash, NewKey, PepperName, PlainKey, Revocation, StoredKey};
use crate::event::Actor;
use crate::policy::Configuration;
use crate::value::Prefix;
use crate::{ErrorCode, KeyId, OwnerId, Permissions, Randomness, Timestamp};

/// The kind of what a file has of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HashKind {
    /// The SHA-256 of the key's text.
    Sha256,
    /// The SHA-512 of the key's text.
    Sha512,
    /// The HMAC of the key's text with SHA-256, whose key is a pepper.
    HmacSha256,
    /// bcrypt.
    Bcrypt,
    /// Argon2id.
    Argon2id,
    /// scrypt.
    Scrypt,
    /// The key's text itself.
    Plain,
}

impl HashKind {
    /// Every kind, with its name.
    pub const ALL: [(&'static str, Self); 7] = [
        ("sha256", Self::Sha256),
        ("sha512", Self::Sha512),
        ("hmac-sha256", Self::HmacSha256),
        ("bcrypt", Self::Bcrypt),
        ("argon2id", Self::Argon2id),
        ("scrypt", Self::Scrypt),
        ("plain", Self::Plain),
    ];

    /// The kinds that are made to take long.
    pub const SLOW: [Self; 3] = [Self::Bcrypt, Self::Argon2id, Self::Scrypt];

    /// Returns the name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sha256 => "sha256",
            Self::Sha512 => "sha512",
            Self::HmacSha256 => "hmac-sha256",
            Self::Bcrypt => "bcrypt",
            Self::Argon2id => "argon2id",
            Self::Scrypt => "scrypt",
            Self::Plain => "plain",
        }
    }
}

/// The way in which the bytes of a hash are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// Two digits a byte, in either case.
    Hex,
    /// The standard alphabet, with or without padding.
    Base64,
    /// The alphabet for URLs, with or without padding.
    Base64Url,
}

impl Encoding {
    /// Every encoding, with its name.
    pub const ALL: [(&'static str, Self); 3] =
        [("hex", Self::Hex), ("base64", Self::Base64), ("base64url", Self::Base64Url)];

    /// Decodes a hash of `length` bytes; `None` = it is not one.
    fn decode(self, text: &str, length: usize) -> Option<Vec<u8>> {
        let config = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
        let decoded = match self {
            Self::Hex => decode_hex(text),
            Self::Base64 => GeneralPurpose::new(&alphabet::STANDARD, config).decode(text).ok(),
            Self::Base64Url => GeneralPurpose::new(&alphabet::URL_SAFE, config).decode(text).ok(),
        };
        decoded.filter(|bytes| bytes.len() == length)
    }

    /// Returns the encoding of a hash of `length` bytes: the texts of the three are never alike, except that both kinds
    /// of base64 may be the same bytes.
    fn of(text: &str, length: usize) -> Self {
        if text.len() == 2 * length {
            Self::Hex
        } else if text.contains(['-', '_']) {
            Self::Base64Url
        } else {
            Self::Base64
        }
    }
}

fn decode_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let (pairs, []) = text.as_bytes().as_chunks::<2>() else { return None };
    pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?)).collect()
}

/// The secret of an imported key, in a form from which its stored form can be made.
#[derive(Clone, PartialEq, Eq)]
pub enum ImportedSecret {
    /// The SHA-256 of the text.
    Sha256(StoredKey),
    /// The text.
    Plain(PlainKey),
    /// A hash from which no stored form can be made before the key is used.
    Foreign(ForeignHash),
}

/// The error for a text that is no secret of its kind. It never repeats the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSecret {
    /// Not a hash of this kind.
    #[error("is not {} of {length} bytes in hex, base64 or base64url", kind.as_str())]
    Hash {
        /// The kind.
        kind: HashKind,
        /// The length of such a hash.
        length: usize,
    },
    /// Not the text of a key.
    #[error("is not the text of a key: it is empty or has U+0000")]
    Plain,
    /// Not a slow hash of this kind.
    #[error(transparent)]
    Slow(#[from] InvalidSlowHash),
    /// The name of the pepper is not known.
    #[error("needs a pepper: --pepper-env or the member pepper names it")]
    NoPepper,
}

impl ImportedSecret {
    /// Reads the secret of a line. Without an encoding, the length of a digest and its characters tell it. Slow hashes
    /// have a form of their own.
    ///
    /// # Errors
    ///
    /// Returns [`InvalidSecret`] for any other text, and for an HMAC without the name of its pepper.
    pub fn parse(
        kind: HashKind,
        encoding: Option<Encoding>,
        pepper: Option<PepperName>,
        text: &str,
    ) -> Result<Self, InvalidSecret> {
        const SHA256_BYTES: usize = 32;
        let digest = |length| {
            let encoding = encoding.unwrap_or_else(|| Encoding::of(text, length));
            encoding.decode(text, length).ok_or(InvalidSecret::Hash { kind, length })
        };
        Ok(match kind {
            HashKind::Plain if text.is_empty() || text.contains('\0') => return Err(InvalidSecret::Plain),
            HashKind::Plain => Self::Plain(PlainKey::new(text)),
            HashKind::Sha256 => Self::Sha256(StoredKey::of_digest(&digest(SHA256_BYTES)?)),
            HashKind::Sha512 => Self::Foreign(ForeignHash::sha512(&digest(SHA512_BYTES)?)),
            HashKind::HmacSha256 => {
                let pepper = pepper.ok_or(InvalidSecret::NoPepper)?;
                Self::Foreign(ForeignHash::hmac_sha256(pepper, &digest(HMAC_BYTES)?))
            }
            HashKind::Bcrypt | HashKind::Argon2id | HashKind::Scrypt => Self::Foreign(ForeignHash::slow(kind, text)?),
        })
    }

    /// Returns the text that a row keeps under this configuration; `None` = it cannot be made from a hash.
    ///
    /// A key with a foreign hash gets the hash of random bytes, which are forgotten.
    fn stored(&self, configuration: &Configuration, fill: Randomness<'_>) -> Option<StoredKey> {
        const RANDOM_BYTES: usize = 32;
        match self {
            Self::Plain(plain) => Some(plain.stored_under(configuration)),
            Self::Sha256(_) | Self::Foreign(_) if configuration.disable_key_hashing => None,
            Self::Sha256(hash) => Some(hash.clone()),
            Self::Foreign(_) => Some(PlainKey::generate("", RANDOM_BYTES, fill).hash()),
        }
    }
}

impl fmt::Debug for ImportedSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ImportedSecret")
    }
}

/// A key to import: the requested key as it would be created, and what it has been elsewhere.
#[derive(Debug, Clone, PartialEq)]
pub struct ImportKey {
    /// The members that a new key also has, except those below, whose values here are not read.
    pub new: NewKey,
    /// The id; `None` = a new one is made.
    pub id: Option<KeyId>,
    /// The owner.
    pub owner: OwnerId,
    /// The secret.
    pub secret: ImportedSecret,
    /// The first characters of the key; `None` = they are cut from a key that is plain, else there are none.
    pub start: Option<String>,
    /// False if the key is refused until it is enabled.
    pub enabled: bool,
    /// The revocation.
    pub revocation: Option<Revocation>,
    /// The last instant at which the key is valid; `None` = it never expires.
    pub expires_at: Option<Timestamp>,
    /// The window of the rate limit in milliseconds; null = none, absent = the configuration's.
    pub rate_limit_window_ms: Field<u64>,
    /// The calls per window; null = none, absent = the configuration's.
    pub rate_limit_max: Field<u64>,
    /// The permissions; null = none, absent = the configuration's.
    pub permissions: Field<Permissions>,
    /// The instant at which the key was made; `None` = now.
    pub created_at: Option<Timestamp>,
    /// The actor who made the key; `None` = it is not known.
    pub created_by: Option<Actor>,
    /// The counters.
    pub counters: ImportedCounters,
}

/// The counters that a key brings along. Those that are `None` begin anew.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ImportedCounters {
    /// The instant of the last refill.
    pub last_refill_at: Option<Timestamp>,
    /// The calls that count against the rate limit.
    pub request_count: Option<u64>,
    /// The instant of the last accepted call.
    pub last_request: Option<Timestamp>,
    /// The state of GCRA, in nanoseconds.
    pub backlog_ns: Option<u64>,
    /// The instant of the last change.
    pub updated_at: Option<Timestamp>,
}

/// The reason why a key cannot be imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ImportRefused {
    /// The rules of a new key refuse it.
    #[error("{}: {}", .0.as_str(), .0.message())]
    Code(ErrorCode),
    /// The configuration keeps keys unhashed.
    #[error("its configuration keeps keys unhashed, so that a hash can never be used there")]
    Unhashed,
    /// The key has a slow hash, and too few or too many first characters.
    #[error("start: a key with a slow hash is found by its first characters: {MIN_START} to {MAX_START} of them")]
    Start,
}

impl ImportKey {
    /// Makes the key under its configuration.
    ///
    /// An imported key obeys the rules of a new one, except those of the lifetime that a request may name and of the
    /// number of an owner's keys: it exists elsewhere already. The longest lifetime of all keys is its own, too.
    ///
    /// # Errors
    ///
    /// Returns [`ImportRefused`] with the first rule that is broken.
    pub fn check(
        self,
        configuration: &Configuration,
        fill: Randomness<'_>,
        now: Timestamp,
    ) -> Result<ApiKey, ImportRefused> {
        let Self {
            new,
            id,
            owner,
            secret,
            start,
            enabled,
            revocation,
            expires_at,
            rate_limit_window_ms,
            rate_limit_max,
            permissions,
            created_at,
            created_by,
            counters,
        } = self;
        let stored = secret.stored(configuration, fill).ok_or(ImportRefused::Unhashed)?;
        let (plain, foreign) = match secret {
            ImportedSecret::Plain(plain) => (plain, None),
            ImportedSecret::Sha256(_) => (PlainKey::new(""), None),
            ImportedSecret::Foreign(hash) if hash.lookup(start.as_deref()).is_none() => {
                return Err(ImportRefused::Start);
            }
            ImportedSecret::Foreign(hash) => (PlainKey::new(""), Some(Box::new(hash))),
        };
        configuration.check_end(created_at.unwrap_or(now), expires_at).map_err(ImportRefused::Code)?;
        let prefix = new.prefix.as_ref().map(Prefix::as_str).map(str::to_owned);
        let new =
            NewKey { expires_in: None, permissions: None, ..new }.check(configuration).map_err(ImportRefused::Code)?;
        let mut key = new.mint(owner, plain, fill, now).key;
        let details = Arc::make_mut(&mut key.details);
        details.id = id.unwrap_or(details.id.clone());
        details.start = start.or(details.start.take().filter(|start| !start.is_empty()));
        details.prefix = prefix;
        details.stored = stored;
        details.foreign = foreign;
        details.enabled = enabled && revocation.is_none();
        details.revocation = revocation;
        details.expires_at = expires_at;
        details.rate_limit_window_ms = rate_limit_window_ms.apply(details.rate_limit_window_ms);
        details.rate_limit_max = rate_limit_max.apply(details.rate_limit_max);
        details.permissions = permissions.apply(details.permissions.take());
        details.created_at = created_at.unwrap_or(now);
        details.created_by = created_by;
        let ImportedCounters { last_refill_at, request_count, last_request, backlog_ns, updated_at } = counters;
        key.usage.last_refill_at = last_refill_at;
        key.usage.request_count = request_count.unwrap_or(0);
        key.usage.last_request = last_request;
        key.usage.backlog_ns = backlog_ns;
        key.usage.updated_at = updated_at.unwrap_or(now);
        Ok(key)
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

    fn parse(encoding: Option<Encoding>, text: &str) -> Option<String> {
        match ImportedSecret::parse(HashKind::Sha256, encoding, None, text) {
            Ok(ImportedSecret::Sha256(stored)) => Some(stored.as_str().to_owned()),
            _ => None,
        }
    }

    #[test]
    fn one_hash_is_read_in_every_encoding() {
        // By `printf abc | openssl dgst -sha256`, with `-binary | base64` for the others.
        let hex = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        let base64 = "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=";
        let stored = PlainKey::new("abc").hash().as_str().to_owned();
        for (text, encoding) in [
            (hex.to_owned(), Encoding::Hex),
            (hex.to_uppercase(), Encoding::Hex),
            (base64.to_owned(), Encoding::Base64),
            (base64.trim_end_matches('=').to_owned(), Encoding::Base64),
            (stored.clone(), Encoding::Base64Url),
            (format!("{stored}="), Encoding::Base64Url),
        ] {
            assert_eq!(parse(None, &text).as_ref(), Some(&stored), "{text}");
            assert_eq!(parse(Some(encoding), &text).as_ref(), Some(&stored), "{text}");
        }
        assert_eq!(parse(Some(Encoding::Base64Url), base64), None);
    }

    #[test]
    fn a_hash_of_another_length_is_refused_and_not_repeated() {
        let hex = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        for text in ["", "abc", &hex[..62], &hex[..63], &format!("{hex}00"), &hex.replace('b', "g")] {
            assert_eq!(parse(None, text), None, "{text}");
        }
        let error = ImportedSecret::parse(HashKind::Sha256, None, None, "sk_secret").unwrap_err();
        assert_eq!(error.to_string(), "is not sha256 of 32 bytes in hex, base64 or base64url");
        for text in ["", "a\0"] {
            assert_eq!(ImportedSecret::parse(HashKind::Plain, None, None, text), Err(InvalidSecret::Plain));
        }
    }

    #[test]
    fn the_longest_lifetime_is_that_of_imported_keys_too() {
        let mut configuration = Configuration::default();
        configuration.expiration.max_lifetime_days = NonZeroU32::new(30);
        let days = |days: u64| NOW.plus_millis(days * 86_400_000);
        for (expires_at, expected) in [
            (Some(days(30)), Ok(())),
            (Some(days(30).plus_millis(1)), Err(ImportRefused::Code(ErrorCode::ExpiresInIsTooLarge))),
            (None, Err(ImportRefused::Code(ErrorCode::ExpiresInIsTooLarge))),
        ] {
            let import = ImportKey { expires_at, ..import(ImportedSecret::Plain(PlainKey::new("k"))) };
            let checked = import.check(&configuration, &mut |bytes: &mut [u8]| bytes.fill(1), NOW);
            assert_eq!(checked.map(drop), expected, "{expires_at:?}");
        }
    }

    fn import(secret: ImportedSecret) -> ImportKey {
        ImportKey {
            new: NewKey::default(),
            id: None,
            owner: OwnerId::parse("ada").unwrap(),
            secret,
            start: None,
            enabled: true,
            revocation: None,
            expires_at: None,
            rate_limit_window_ms: Field::Absent,
            rate_limit_max: Field::Absent,
            permissions: Field::Absent,
            created_at: None,
            created_by: None,
            counters: ImportedCounters::default(),
        }
    }

    fn check(key: ImportKey, configuration: &Configuration) -> Result<ApiKey, ImportRefused> {
        key.check(configuration, &mut |bytes: &mut [u8]| bytes.fill(7), NOW)
    }

    #[test]
    fn a_key_is_kept_in_the_form_of_its_configuration() {
        let plain = PlainKey::new("sk_secret");
        let hashed = Configuration::default();
        let unhashed = Configuration { disable_key_hashing: true, ..Configuration::default() };
        let secret = ImportedSecret::Plain(plain.clone());
        let key = check(import(secret.clone()), &hashed).unwrap();
        assert_eq!((key.details.stored.clone(), key.details.start.as_deref()), (plain.hash(), Some("sk_sec")));
        assert_eq!(check(import(secret), &unhashed).unwrap().details.stored, plain.unhashed());
        let hash = ImportedSecret::Sha256(plain.hash());
        let key = check(import(hash.clone()), &hashed).unwrap();
        assert_eq!((key.details.stored.clone(), key.details.start.as_deref()), (plain.hash(), None));
        assert_eq!(check(import(hash), &unhashed), Err(ImportRefused::Unhashed));
    }

    #[test]
    fn a_key_with_a_foreign_hash_is_stored_under_random_bytes_and_found_by_the_hash() {
        let parse = |kind, text: &str| ImportedSecret::parse(kind, None, None, text);
        let sha512 = parse(HashKind::Sha512, &"ab".repeat(64)).unwrap();
        let mut number = 0;
        let mut fill = |bytes: &mut [u8]| {
            number += 1;
            bytes.fill(number);
        };
        let mut made = || import(sha512.clone()).check(&Configuration::default(), &mut fill, NOW).unwrap();
        let [one, other] = [made(), made()];
        assert_ne!(one.details.stored, other.details.stored);
        assert_eq!(one.details.foreign, other.details.foreign);
        assert_eq!(one.details.foreign_lookup().unwrap().as_str(), format!("sha512:{}", "q6ur".repeat(21) + "qw"));
        let unhashed = Configuration { disable_key_hashing: true, ..Configuration::default() };
        assert_eq!(check(import(sha512), &unhashed), Err(ImportRefused::Unhashed));

        let bcrypt = parse(HashKind::Bcrypt, "$2b$12$DCq7YPn5Rq63x1Lad4cll.TV4S6ytwfsfvkgY8jIucDrjc8deX1s.").unwrap();
        let with_start = |start: Option<&str>| {
            let import = ImportKey { start: start.map(str::to_owned), ..import(bcrypt.clone()) };
            let lookup = |key: ApiKey| key.details.foreign_lookup().unwrap().as_str().to_owned();
            check(import, &Configuration::default()).map(lookup)
        };
        assert_eq!(with_start(Some("sk_öld")), Ok("start:06:sk_öld".to_owned()));
        for start in [None, Some(""), Some("abc"), Some(&*"x".repeat(65))] {
            assert_eq!(with_start(start), Err(ImportRefused::Start), "{start:?}");
        }
        assert_eq!(parse(HashKind::HmacSha256, &"ab".repeat(32)), Err(InvalidSecret::NoPepper));
    }

    #[test]
    fn a_key_brings_its_past_and_obeys_the_rules_of_a_new_one() {
        let secret = ImportedSecret::Plain(PlainKey::new("sk_secret"));
        let at = |ms| Some(NOW.minus_millis(ms));
        let counters = ImportedCounters {
            last_refill_at: at(4),
            request_count: Some(3),
            last_request: at(2),
            backlog_ns: Some(5),
            updated_at: at(1),
        };
        let old = ImportKey { expires_at: at(7), created_at: at(9), counters, ..import(secret.clone()) };
        let key = check(old, &Configuration::default()).unwrap();
        assert_eq!((key.details.expires_at, Some(key.details.created_at)), (at(7), at(9)));
        assert_eq!((key.usage.last_refill_at, key.usage.request_count, key.usage.last_request), (at(4), 3, at(2)));
        assert_eq!((key.usage.backlog_ns, Some(key.usage.updated_at)), (Some(5), at(1)));
        let strict = Configuration { require_name: true, ..Configuration::default() };
        assert_eq!(check(import(secret), &strict), Err(ImportRefused::Code(ErrorCode::NameRequired)));
    }
}

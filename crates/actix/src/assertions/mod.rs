//! Assertions: signed statements that tell an upstream whose a request is.

mod original;
mod signing_key;

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use keymint_domain::{ApiKey, Metadata, Permissions, Timestamp};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::callers::session::CookieSecret;
use crate::views::raw;
use signing_key::{Period, PublicKey, SigningKey};

pub(crate) use original::Original;

/// Signs whose a request is as a JWT (RFC 7519) by an Ed25519 key (RFC 8037), so that an application need not trust
/// the gateway that forwards it.
pub struct Assertions {
    secret: CookieSecret,
    options: AssertionOptions,
    /// The key that signed last.
    latest: RwLock<Option<Arc<SigningKey>>>,
}

/// The claims of assertions that do not depend on the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssertionOptions {
    /// The signer: `iss`.
    pub issuer: String,
    /// The reader: `aud`.
    pub audience: String,
    /// The time from `iat` to `exp`, in whole seconds.
    pub lifetime: Duration,
    /// True if they hold the key's metadata.
    pub has_metadata: bool,
}

/// The longest text, in bytes. A longer one is left out, which no application mistakes for another's.
const MAX_TEXT: usize = 512;
/// The longest permissions and metadata, in bytes.
const MAX_OBJECT: usize = 1024;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Claims<'a> {
    iss: &'a str,
    aud: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    sub: Option<&'a str>,
    iat: i64,
    exp: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    config_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    permissions: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<&'a RawValue>,
    request: Original<'a>,
}

/// Public keys (RFC 7517 5).
#[derive(Debug, Serialize)]
pub(crate) struct KeySet {
    keys: Vec<PublicKey>,
}

impl Assertions {
    /// Signs by keys that are derived from `secret`, which must be too long to guess: everybody may read the public keys.
    pub fn new(secret: CookieSecret, options: AssertionOptions) -> Self {
        Self { secret, options, latest: RwLock::default() }
    }

    /// Signs that `request` may pass by `key`. `None` = there is no key to sign by.
    pub(crate) fn sign(&self, key: &ApiKey, request: Original<'_>, now: Timestamp) -> Option<String> {
        let AssertionOptions { issuer, audience, lifetime, has_metadata } = &self.options;
        let details = &*key.details;
        let iat = now.as_millis().div_euclid(1000);
        let permissions = details.permissions.as_ref().map_or("{}", Permissions::as_json);
        let metadata = details.metadata.as_ref().filter(|_| *has_metadata).map(Metadata::as_json);
        let claims = Claims {
            iss: issuer,
            aud: audience,
            sub: within(details.owner.as_str(), MAX_TEXT),
            iat,
            exp: iat.saturating_add_unsigned(lifetime.as_secs()),
            key_id: within(details.id.as_str(), MAX_TEXT),
            config_id: within(details.config_id.as_str(), MAX_TEXT),
            permissions: within(permissions, MAX_OBJECT).and_then(raw),
            metadata: metadata.and_then(|json| within(json, MAX_OBJECT)).and_then(raw),
            request,
        };
        Some(self.key_of(Period::at(now))?.sign(&serde_json::to_vec(&claims).ok()?))
    }

    /// Returns the keys to verify by: of the last period, for assertions that are still valid; of this one; and of the next
    /// one, so that a reader knows every key before it signs.
    pub(crate) fn key_set(&self, now: Timestamp) -> KeySet {
        let keys = Period::at(now).around().into_iter().filter_map(|period| SigningKey::derive(&self.secret, period));
        KeySet { keys: keys.map(|key| key.public()).collect() }
    }

    fn key_of(&self, period: Period) -> Option<Arc<SigningKey>> {
        let latest = self.latest.read().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(key) = latest.filter(|key| key.period == period) {
            return Some(key);
        }
        let key = Arc::new(SigningKey::derive(&self.secret, period)?);
        *self.latest.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&key));
        Some(key)
    }
}

impl KeySet {
    /// No keys: nothing is signed.
    pub(crate) const NONE: Self = Self { keys: Vec::new() };
}

fn within(text: &str, max: usize) -> Option<&str> {
    (text.len() <= max).then_some(text)
}

impl fmt::Debug for Assertions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Assertions").field("options", &self.options).finish_non_exhaustive()
    }
}

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use super::KeyFormat;
use crate::Randomness;
use crate::policy::Configuration;

/// The full text of a key, which its holder presents. It is never printed, and stored only if a configuration says so.
#[derive(Clone, PartialEq, Eq)]
pub struct PlainKey(Box<str>);

/// The stored form of a key: normally the SHA-256 of its full text, in base64url without padding.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StoredKey(Box<str>);

/// The length of a SHA-256 in base64url without padding.
const HASH_LENGTH: usize = 43;

impl PlainKey {
    /// Takes the text that a caller presented, unchecked.
    pub fn new(text: impl Into<Box<str>>) -> Self {
        Self(text.into())
    }

    /// Generates a key: `prefix` followed by `random_bytes` random bytes in base64url without padding.
    pub fn generate(prefix: &str, random_bytes: usize, fill: Randomness<'_>) -> Self {
        KeyFormat::Base64Url.generate(prefix, random_bytes, fill)
    }

    /// Returns the text, for the one answer that shows it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Returns the SHA-256 of the UTF-8 text in base64url without padding: 43 characters (docs/better-auth-wire.md
    /// 6.2).
    pub fn hash(&self) -> StoredKey {
        let digest = Sha256::digest(self.0.as_bytes());
        // In place: every verification does this, and a text on the heap would be cleared before it is written.
        let mut text = [0; HASH_LENGTH];
        let encoded = URL_SAFE_NO_PAD.encode_slice(digest, &mut text).ok();
        match encoded.and_then(|length| std::str::from_utf8(&text[..length]).ok()) {
            Some(text) => StoredKey(text.into()),
            None => StoredKey(URL_SAFE_NO_PAD.encode(digest).into()),
        }
    }

    /// Returns the text unhashed, for configurations with `disable_key_hashing`.
    pub fn unhashed(&self) -> StoredKey {
        StoredKey(self.0.clone())
    }

    /// Returns the form that a row keeps under this configuration.
    pub fn stored_under(&self, configuration: &Configuration) -> StoredKey {
        if configuration.disable_key_hashing { self.unhashed() } else { self.hash() }
    }

    /// Returns the first `units` UTF-16 units of the full text, prefix included (docs/better-auth-wire.md 6.3).
    ///
    /// A character that would be cut in half is left out.
    pub fn start(&self, units: usize) -> String {
        let mut left = units;
        self.0.chars().take_while(|c| left.checked_sub(c.len_utf16()).map(|rest| left = rest).is_some()).collect()
    }
}

impl StoredKey {
    /// Returns the stored form of a key whose SHA-256 is known.
    pub(super) fn of_digest(digest: &[u8]) -> Self {
        Self(URL_SAFE_NO_PAD.encode(digest).into())
    }

    /// Takes the text of a stored row.
    pub fn from_stored(text: impl Into<Box<str>>) -> Self {
        Self(text.into())
    }

    /// Returns the text for a row.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PlainKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PlainKey")
    }
}

impl fmt::Debug for StoredKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StoredKey")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_generated_key_is_prefix_and_base64url() {
        let key = PlainKey::generate("sk_", 32, &mut |bytes: &mut [u8]| bytes.fill(0xff));
        assert_eq!(key.expose(), format!("sk_{}8", "_".repeat(42)));
        assert_eq!(key.start(6), "sk____");
    }

    #[test]
    fn the_hash_is_sha256_in_base64url() {
        assert_eq!(PlainKey::new("abc").hash().as_str(), "ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0");
    }

    #[test]
    fn start_counts_utf16_units_and_cuts_no_character() {
        assert_eq!(PlainKey::new("a😀b").start(2), "a");
        assert_eq!(PlainKey::new("a😀b").start(3), "a😀");
        assert_eq!(PlainKey::new("ab").start(6), "ab");
    }

    #[test]
    fn debug_shows_no_secret() {
        let key = PlainKey::new("sk_secret");
        assert_eq!(format!("{key:?} {:?} {:?}", key.hash(), key.unhashed()), "PlainKey StoredKey StoredKey");
    }
}

//! Server keys: the credential that a backend presents to act for any user.

use std::fmt;

use crate::key::{PlainKey, StoredKey};
use crate::value::KeyName;
use crate::{KeyId, Randomness, Timestamp};

/// A server key as it is stored: its hash, never its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerKey {
    /// The id of the server key on the command line. It is not a secret.
    pub id: KeyId,
    /// A display name.
    pub name: Option<String>,
    /// The first characters, by which people recognize the key.
    pub start: String,
    /// The SHA-256 of the text.
    pub hash: StoredKey,
    /// The instant at which the key was made.
    pub created_at: Timestamp,
    /// The instant from which the key is refused.
    pub revoked_at: Option<Timestamp>,
    /// The last use, to a minute.
    pub last_used_at: Option<Timestamp>,
}

/// The text of a server key: 32 or more characters, so that it cannot be guessed.
#[derive(Clone, PartialEq, Eq)]
pub struct ServerKeyText(PlainKey);

/// The error for a text that is too short for a server key, or not printable ASCII, which a header could not carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be 32 or more printable ASCII characters without spaces")]
pub struct InvalidServerKey;

impl ServerKeyText {
    /// The smallest length of a server key.
    pub const MIN_LENGTH: usize = 32;

    /// Takes 32 or more printable ASCII characters.
    ///
    /// # Errors
    ///
    /// Returns [`InvalidServerKey`] for any other text.
    pub fn parse(text: &str) -> Result<Self, InvalidServerKey> {
        if text.len() < Self::MIN_LENGTH || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(InvalidServerKey);
        }
        Ok(Self(PlainKey::new(text)))
    }

    /// Generates a server key of 32 random bytes, with the prefix `kms_`.
    pub fn generate(fill: Randomness<'_>) -> Self {
        Self(PlainKey::generate("kms_", 32, fill))
    }

    /// Returns the text, for the one time that it is shown.
    pub fn expose(&self) -> &str {
        self.0.expose()
    }

    /// Returns the hash to store.
    pub fn hash(&self) -> StoredKey {
        self.0.hash()
    }
}

impl fmt::Debug for ServerKeyText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ServerKeyText")
    }
}

impl ServerKey {
    /// Makes the stored form of `text`.
    pub fn new(text: &ServerKeyText, name: Option<KeyName>, fill: Randomness<'_>, now: Timestamp) -> Self {
        Self {
            id: KeyId::random(fill),
            name: name.map(KeyName::into_string),
            start: text.0.start(8),
            hash: text.hash(),
            created_at: now,
            revoked_at: None,
            last_used_at: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_key_is_long_and_fits_a_header() {
        assert!(ServerKeyText::parse(&"k".repeat(32)).is_ok());
        for text in ["k".repeat(31), format!("{} ", "k".repeat(32)), "é".repeat(32)] {
            assert_eq!(ServerKeyText::parse(&text), Err(InvalidServerKey), "{text}");
        }
        let made = ServerKeyText::generate(&mut |bytes: &mut [u8]| bytes.fill(0));
        assert_eq!(ServerKeyText::parse(made.expose()), Ok(made));
    }
}

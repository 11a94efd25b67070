//! Hashes that other systems made of keys' texts, by which a key is recognized at its first use.

mod lookup;
mod pepper;
mod slow;

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256, Sha512};

use super::{HashKind, PlainKey};
use crate::value::heap_block;

pub use lookup::{ForeignGroup, ForeignLookup, MAX_ALIKE};
pub(crate) use lookup::{MAX_START, MIN_START};
pub use pepper::{InvalidPepper, Pepper, PepperName, Peppers};
pub use slow::{InvalidSlowHash, SlowHash};

/// A hash that another system made of a key's text, and that Keymint does not store keys by.
///
/// A key that has one is stored under the hash of random bytes that nobody knows, so that no text is ever accepted as
/// its stored form. Whoever presents the text that the foreign hash was made of gives Keymint the chance to hash it.
#[derive(Clone, PartialEq, Eq)]
pub struct ForeignHash {
    /// The form in which a row holds it.
    stored: Box<str>,
    form: Form,
}

#[derive(Clone, PartialEq, Eq)]
enum Form {
    Sha512,
    HmacSha256(PepperName),
    Slow(Box<SlowHash>),
}

/// The error for a stored text that is no foreign hash. It never repeats the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a foreign hash")]
pub struct InvalidForeignHash;

/// The answer of a foreign hash to a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ForeignMatch<'h> {
    /// The hash was made of this text.
    Yes,
    /// The hash was made of another text, or with a pepper that is not known.
    No,
    /// This hash must be computed, which takes long.
    Slow(&'h SlowHash),
}

/// The length of a SHA-512 in bytes.
pub(super) const SHA512_BYTES: usize = 64;
/// The length of an HMAC with SHA-256 in bytes.
pub(super) const HMAC_BYTES: usize = 32;

const SHA512: &str = "sha512:";
const HMAC_SHA256: &str = "hmac-sha256:";

impl ForeignHash {
    /// Returns a SHA-512.
    pub(super) fn sha512(digest: &[u8]) -> Self {
        Self { stored: format!("{SHA512}{}", URL_SAFE_NO_PAD.encode(digest)).into(), form: Form::Sha512 }
    }

    /// Returns an HMAC with SHA-256, whose key is the pepper of this name.
    pub(super) fn hmac_sha256(pepper: PepperName, digest: &[u8]) -> Self {
        let stored = format!("{HMAC_SHA256}{pepper}:{}", URL_SAFE_NO_PAD.encode(digest));
        Self { stored: stored.into(), form: Form::HmacSha256(pepper) }
    }

    /// Reads a slow hash, in the form in which its kind is written.
    ///
    /// # Errors
    ///
    /// Returns [`InvalidSlowHash`] for a text of another form, and for parameters that take too long or too much memory.
    pub(super) fn slow(kind: HashKind, text: &str) -> Result<Self, InvalidSlowHash> {
        Ok(Self { stored: text.into(), form: Form::Slow(Box::new(SlowHash::parse(kind, text)?)) })
    }

    /// Reads the text of a row.
    ///
    /// # Errors
    ///
    /// Returns [`InvalidForeignHash`] for any other text.
    pub fn from_stored(text: &str) -> Result<Self, InvalidForeignHash> {
        let digest = |text: &str, length| {
            let bytes = URL_SAFE_NO_PAD.decode(text).ok().filter(|bytes| bytes.len() == length);
            bytes.ok_or(InvalidForeignHash)
        };
        if let Some(text) = text.strip_prefix(SHA512) {
            return Ok(Self::sha512(&digest(text, SHA512_BYTES)?));
        }
        if let Some(text) = text.strip_prefix(HMAC_SHA256) {
            let (pepper, text) = text.split_once(':').ok_or(InvalidForeignHash)?;
            let pepper = PepperName::parse(pepper).map_err(|_| InvalidForeignHash)?;
            return Ok(Self::hmac_sha256(pepper, &digest(text, HMAC_BYTES)?));
        }
        let kind = HashKind::SLOW.into_iter().find(|kind| SlowHash::is_of(*kind, text));
        Self::slow(kind.ok_or(InvalidForeignHash)?, text).map_err(|_| InvalidForeignHash)
    }

    /// Returns the text for a row.
    pub fn as_stored(&self) -> &str {
        &self.stored
    }

    /// Returns the kind.
    pub fn kind(&self) -> HashKind {
        match &self.form {
            Form::Sha512 => HashKind::Sha512,
            Form::HmacSha256(_) => HashKind::HmacSha256,
            Form::Slow(slow) => slow.kind(),
        }
    }

    /// Returns the name of the pepper that the text is needed with; `None` = none.
    pub fn pepper(&self) -> Option<&PepperName> {
        match &self.form {
            Form::HmacSha256(pepper) => Some(pepper),
            Form::Sha512 | Form::Slow(_) => None,
        }
    }

    /// Returns the hash as a file of keys has it: the digest in base64url, or the text of a slow hash.
    pub fn exported(&self) -> &str {
        match &self.form {
            Form::Sha512 | Form::HmacSha256(_) => self.stored.rsplit(':').next().unwrap_or_default(),
            Form::Slow(_) => &self.stored,
        }
    }

    /// Compares the hash with that of a text. A slow hash is left to the caller.
    pub fn check(&self, key: &PlainKey, peppers: &Peppers) -> ForeignMatch<'_> {
        let expected = match &self.form {
            Form::Sha512 => Some(Self::sha512(&sha512(key))),
            Form::HmacSha256(name) => {
                peppers.find(name).map(|pepper| Self::hmac_sha256(name.clone(), &hmac_sha256(pepper, key)))
            }
            Form::Slow(slow) => return ForeignMatch::Slow(slow),
        };
        // The text of a digest, of which whoever presents a key controls no byte.
        if expected.is_some_and(|expected| expected.stored == self.stored) {
            ForeignMatch::Yes
        } else {
            ForeignMatch::No
        }
    }

    /// Returns a digest of the hash, by which an import recognizes a key that was hashed anew meanwhile.
    pub fn fingerprint(&self) -> String {
        URL_SAFE_NO_PAD.encode(Sha256::digest(self.stored.as_bytes()))
    }

    /// Returns about the number of bytes that the hash holds on the heap, itself included.
    pub(super) fn heap_bytes(&self) -> usize {
        let form = match &self.form {
            Form::Sha512 => 0,
            Form::HmacSha256(pepper) => heap_block(pepper.as_str().len()),
            Form::Slow(slow) => slow.heap_bytes(),
        };
        heap_block(size_of::<Self>()) + heap_block(self.stored.len()) + form
    }
}

/// Prints the kind alone.
impl fmt::Debug for ForeignHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ForeignHash").field(&self.kind()).finish()
    }
}

fn sha512(key: &PlainKey) -> [u8; SHA512_BYTES] {
    Sha512::digest(key.expose().as_bytes()).into()
}

fn hmac_sha256(pepper: &Pepper, key: &PlainKey) -> [u8; HMAC_BYTES] {
    // Every length of key is allowed.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(pepper.expose()) else { return [0; HMAC_BYTES] };
    mac.update(key.expose().as_bytes());
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::{Encoding, ImportedSecret};

    /// By `printf sk_old_key | openssl dgst -sha512`.
    const SHA512_HEX: &str = "d866dde758b9e72c788ab82c8fdd7b38b7412269cc54b7525c97fcf43113fc4c919831bd7d0f42c5be72b323ebea8d96a8f1a9aa845f885ccf7abe5cada12de0";
    /// By `printf sk_old_key | openssl dgst -sha256 -hmac pepper`.
    const HMAC_HEX: &str = "d24a57062d9dc87710aaa396f48a3a9f6291e085d5779f1d90a9148244584507";

    fn peppers() -> Peppers {
        Peppers::new(vec![Pepper::new(PepperName::parse("OLD").unwrap(), "pepper").unwrap()])
    }

    fn parse(kind: HashKind, text: &str) -> ForeignHash {
        let pepper = PepperName::parse("OLD").unwrap();
        match ImportedSecret::parse(kind, Some(Encoding::Hex), Some(pepper), text).unwrap() {
            ImportedSecret::Foreign(hash) => hash,
            secret => panic!("{secret:?}"),
        }
    }

    #[test]
    fn fast_hashes_of_openssl_match_their_text_alone() {
        for hash in [parse(HashKind::Sha512, SHA512_HEX), parse(HashKind::HmacSha256, HMAC_HEX)] {
            assert_eq!(hash.check(&PlainKey::new("sk_old_key"), &peppers()), ForeignMatch::Yes);
            for text in ["sk_old_kez", "", SHA512_HEX, hash.as_stored()] {
                assert_eq!(hash.check(&PlainKey::new(text), &peppers()), ForeignMatch::No);
            }
            assert_eq!(ForeignHash::from_stored(hash.as_stored()), Ok(hash));
        }
    }

    #[test]
    fn an_hmac_matches_only_with_its_own_pepper() {
        let (hash, key) = (parse(HashKind::HmacSha256, HMAC_HEX), PlainKey::new("sk_old_key"));
        assert_eq!(hash.pepper().map(PepperName::as_str), Some("OLD"));
        let of = |name: &str, text: &str| Pepper::new(PepperName::parse(name).unwrap(), text).unwrap();
        for peppers in [vec![], vec![of("OLD", "salt")], vec![of("NEW", "pepper")]] {
            assert_eq!(hash.check(&key, &Peppers::new(peppers)), ForeignMatch::No);
        }
    }

    #[test]
    fn other_texts_in_a_row_are_no_foreign_hash_and_debug_shows_none() {
        for text in ["", "sha512:", "sha512:abc", "hmac-sha256:abc", "hmac-sha256:a b:abc", "md5:abc", "$1$abc", "$2b$"]
        {
            assert_eq!(ForeignHash::from_stored(text), Err(InvalidForeignHash), "{text}");
        }
        let hash = parse(HashKind::Sha512, SHA512_HEX);
        assert_eq!(format!("{hash:?}"), "ForeignHash(Sha512)");
        assert_ne!(hash.fingerprint(), parse(HashKind::HmacSha256, HMAC_HEX).fingerprint());
    }
}

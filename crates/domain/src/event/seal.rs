//! The chain of seals, by which a change of the stored events is noticed.
//!
//! Each seal is an HMAC over the previous seal, the position and the event, with a key that the database does not hold.
//! A writer of the database alone cannot make a seal. Details about persons are sealed by their hash, so that
//! they can be erased. A chain that was cut at its end is noticed only by comparison with a head that was exported
//! before.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use super::{EventRow, SealedEvent};

/// The key that makes and checks seals.
#[derive(Clone)]
pub struct SealKey([u8; 32]);

/// A link of the chain: 32 bytes, in base64url without padding.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Seal([u8; 32]);

/// A place between two events of the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChainEnd {
    /// The position of the event before it; 0 = it is before all events.
    pub position: u64,
    /// The seal of that event.
    pub seal: Seal,
}

/// The error for a text that is no seal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be 43 characters of base64url")]
pub struct InvalidSeal;

/// The error for a text that is no place of a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a position, a colon and a seal, as `keymint audit head` prints them")]
pub struct InvalidChainEnd;

impl SealKey {
    /// Takes 32 secret bytes, which the database does not hold.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Returns the seal of the event that follows `end`.
    pub(super) fn seal(&self, end: &ChainEnd, row: &EventRow) -> Seal {
        let EventRow { id, at, kind, key_id, owner, config_id, actor, request_id, data, personal: _, personal_hash } =
            row;
        Seal(mac(self, |mac| {
            mac.update(&end.seal.0);
            mac.update(&(end.position + 1).to_be_bytes());
            mac.update(&at.as_millis().to_be_bytes());
            for text in [id, kind, actor, data] {
                feed(mac, Some(text));
            }
            for text in [key_id, owner, config_id, request_id, personal_hash] {
                feed(mac, text.as_deref());
            }
        }))
    }

    /// Seals an event as the one that follows `end`, and moves `end` behind it.
    pub fn append(&self, end: &mut ChainEnd, row: EventRow) -> SealedEvent {
        let sealed = SealedEvent { position: end.position + 1, seal: self.seal(end, &row), row };
        *end = ChainEnd { position: sealed.position, seal: sealed.seal };
        sealed
    }

    /// Returns true if this key has sealed `event` as the one that follows `before`.
    pub fn has_sealed(&self, before: &ChainEnd, event: &SealedEvent) -> bool {
        event.position == before.position + 1 && self.seal(before, &event.row) == event.seal
    }

    /// Signs the place up to which events were removed for their age, so that nobody else can remove events.
    pub fn sign_start(&self, start: &ChainEnd) -> Seal {
        Seal(mac(self, |mac| {
            mac.update(b"removed");
            mac.update(&start.position.to_be_bytes());
            mac.update(&start.seal.0);
        }))
    }
}

impl ChainEnd {
    /// The place before all events.
    pub const START: Self = Self { position: 0, seal: Seal([0; 32]) };

    /// Reads the text of a place: the position, a colon and the seal.
    ///
    /// # Errors
    ///
    /// Returns [`InvalidChainEnd`] for any other text.
    pub fn parse(text: &str) -> Result<Self, InvalidChainEnd> {
        let (position, seal) = text.split_once(':').ok_or(InvalidChainEnd)?;
        let position = position.parse().map_err(|_| InvalidChainEnd)?;
        Ok(Self { position, seal: Seal::parse(seal).map_err(|_| InvalidChainEnd)? })
    }
}

impl fmt::Display for ChainEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.position, self.seal)
    }
}

impl Seal {
    /// Reads the text of a seal.
    ///
    /// # Errors
    ///
    /// Returns [`InvalidSeal`] for any other text.
    pub fn parse(text: &str) -> Result<Self, InvalidSeal> {
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| InvalidSeal)?;
        bytes.try_into().map(Self).map_err(|_| InvalidSeal)
    }
}

impl fmt::Display for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl fmt::Debug for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Seal({self})")
    }
}

impl fmt::Debug for SealKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealKey")
    }
}

/// Returns the hash of the details about persons.
pub(super) fn personal_hash(personal: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(personal.as_bytes()))
}

pub(super) fn mac(key: &SealKey, feed: impl FnOnce(&mut Hmac<Sha256>)) -> [u8; 32] {
    // A key that is shorter than a block is padded with zeros.
    let mut block = [0; 64];
    block[..key.0.len()].copy_from_slice(&key.0);
    let mut mac = Hmac::<Sha256>::new(&block.into());
    feed(&mut mac);
    mac.finalize().into_bytes().into()
}

/// Feeds a text so that no two lists of texts are fed alike.
pub(super) fn feed(mac: &mut Hmac<Sha256>, text: Option<&str>) {
    let length = text.map_or(u64::MAX, |text| text.len() as u64);
    mac.update(&length.to_be_bytes());
    mac.update(text.unwrap_or_default().as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seal_is_read_as_it_is_printed() {
        let key = SealKey::new([1; 32]);
        let seal = key.sign_start(&ChainEnd::START);
        assert_eq!(Seal::parse(&seal.to_string()), Ok(seal));
        assert_eq!(Seal::parse("AAAA"), Err(InvalidSeal));
        let end = ChainEnd { position: 17, seal };
        assert_eq!(ChainEnd::parse(&end.to_string()), Ok(end));
        for text in ["", "17", ":", "17:AAAA", &format!("x:{seal}"), &format!("-1:{seal}"), &format!("17:{seal}x")] {
            assert_eq!(ChainEnd::parse(text), Err(InvalidChainEnd), "{text}");
        }
        assert_eq!(format!("{key:?}"), "SealKey");
    }
}

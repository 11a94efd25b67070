//! The chain of seals, by which a change of the stored events is noticed.
//!
//! Each seal is an HMAC over the previous seal, the position and the event, with a key that the database does not hold.
//! Whoever can write the database alone cannot make a seal. Details about persons are sealed by their hash, so that
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
    fn seal(&self, end: &ChainEnd, row: &EventRow) -> Seal {
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

/// Checks a chain, event by event in the order of positions.
#[derive(Debug)]
pub struct ChainCheck<'a> {
    key: &'a SealKey,
    end: ChainEnd,
}

/// A break of the chain.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// Events are missing.
    #[error("the events at positions {from} to {to} were removed")]
    Removed {
        /// The first missing position.
        from: u64,
        /// The last missing position.
        to: u64,
    },
    /// An event is not the one that was sealed at its position: it was altered, inserted, or swapped with another one.
    #[error(
        "the event {id} at position {position} is not the one that was sealed there: it was altered, inserted or moved"
    )]
    Altered {
        /// The position.
        position: u64,
        /// The id that the row has now.
        id: String,
    },
    /// Details about persons are not those that were sealed.
    #[error("the personal details of the event {id} at position {position} were altered")]
    PersonalAltered {
        /// The position.
        position: u64,
        /// The id of the event.
        id: String,
    },
    /// The place up to which old events were removed is not signed.
    #[error("the beginning of the log, behind position {position}, is not the one that was signed")]
    StartAltered {
        /// The position.
        position: u64,
    },
    /// The end of the log is not the event that was sealed last.
    #[error("the log ends at position {found} instead of {expected}")]
    EndAltered {
        /// The position of the last event.
        found: u64,
        /// The position that was sealed last.
        expected: u64,
    },
    /// The log does not go on from a head that was exported before.
    #[error(
        "the event at position {position} is not the one whose seal was exported: the log was replaced or sealed anew"
    )]
    Replaced {
        /// The position of the head.
        position: u64,
    },
    /// The log ends before a head that was exported before.
    #[error("the log ends at position {found}, before the exported head at {exported}: its end was removed")]
    Cut {
        /// The position of the last event.
        found: u64,
        /// The position of the exported head.
        exported: u64,
    },
}

impl<'a> ChainCheck<'a> {
    /// Begins behind `start`, the place up to which old events were removed, with its signature.
    ///
    /// # Errors
    ///
    /// Returns [`Broken::StartAltered`] if the signature is not of this place. A log from which nothing was removed
    /// needs none.
    pub fn begin(key: &'a SealKey, start: ChainEnd, signature: Option<Seal>) -> Result<Self, Broken> {
        let is_signed = start == ChainEnd::START || signature == Some(key.sign_start(&start));
        if is_signed { Ok(Self { key, end: start }) } else { Err(Broken::StartAltered { position: start.position }) }
    }

    /// Begins behind a place that is not checked itself.
    pub fn behind(key: &'a SealKey, start: ChainEnd) -> Self {
        Self { key, end: start }
    }

    /// Checks the next event. After a break, the check goes on behind it.
    ///
    /// # Errors
    ///
    /// Returns the break.
    pub fn next(&mut self, event: &SealedEvent) -> Result<(), Broken> {
        let (SealedEvent { position, row, seal }, before) = (event, self.end);
        self.end = ChainEnd { position: *position, seal: *seal };
        if *position > before.position + 1 {
            return Err(Broken::Removed { from: before.position + 1, to: position - 1 });
        }
        if !self.key.has_sealed(&before, event) {
            return Err(Broken::Altered { position: *position, id: row.id.clone() });
        }
        let is_sealed = |personal: &str| row.personal_hash.as_deref() == Some(&personal_hash(personal));
        if !row.personal.as_deref().is_none_or(is_sealed) {
            return Err(Broken::PersonalAltered { position: *position, id: row.id.clone() });
        }
        Ok(())
    }

    /// Ends the check at `head`, the place that was sealed last.
    ///
    /// # Errors
    ///
    /// Returns [`Broken::EndAltered`] if the last event is not at that place.
    pub fn end(self, head: &ChainEnd) -> Result<ChainEnd, Broken> {
        if self.end == *head {
            return Ok(self.end);
        }
        Err(Broken::EndAltered { found: self.end.position, expected: head.position })
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
    use crate::Timestamp;

    fn row(id: &str) -> EventRow {
        let personal = format!(r#"{{"client":"203.0.113.7","salt":"{id}"}}"#);
        EventRow {
            id: id.to_owned(),
            at: Timestamp::from_millis(5),
            kind: "keymint.key.created".to_owned(),
            key_id: Some("k".to_owned()),
            owner: None,
            config_id: None,
            actor: "server".to_owned(),
            request_id: None,
            data: "{}".to_owned(),
            personal_hash: Some(personal_hash(&personal)),
            personal: Some(personal),
        }
    }

    fn chain(key: &SealKey) -> (Vec<SealedEvent>, ChainEnd) {
        let mut end = ChainEnd::START;
        (["a", "b", "c", "d"].map(|id| key.append(&mut end, row(id))).to_vec(), end)
    }

    fn breaks(key: &SealKey, events: &[SealedEvent], head: &ChainEnd) -> Vec<Broken> {
        let mut check = ChainCheck::begin(key, ChainEnd::START, None).unwrap();
        let mut breaks: Vec<_> = events.iter().filter_map(|event| check.next(event).err()).collect();
        breaks.extend(check.end(head).err());
        breaks
    }

    #[test]
    fn a_whole_chain_passes_also_after_personal_details_were_erased() {
        let key = SealKey::new([1; 32]);
        let (mut events, head) = chain(&key);
        assert_eq!(breaks(&key, &events, &head), []);
        events[1].row.personal = None;
        assert_eq!(breaks(&key, &events, &head), []);
        let other = SealKey::new([2; 32]);
        assert_eq!(breaks(&other, &events, &head).len(), 4);
    }

    #[test]
    fn every_member_of_an_event_is_sealed() {
        let key = SealKey::new([1; 32]);
        let (events, head) = chain(&key);
        let alter: [fn(&mut EventRow); 10] = [
            |row| row.id.push('x'),
            |row| row.at = Timestamp::from_millis(6),
            |row| row.kind.push('x'),
            |row| row.key_id = None,
            |row| row.owner = Some("k".to_owned()),
            |row| row.config_id = Some(String::new()),
            |row| row.actor.push('x'),
            |row| row.request_id = Some("r".to_owned()),
            |row| row.data = "{ }".to_owned(),
            |row| row.personal_hash = None,
        ];
        for alter in alter {
            let mut events = events.clone();
            alter(&mut events[1].row);
            let id = events[1].row.id.clone();
            assert_eq!(breaks(&key, &events, &head), [Broken::Altered { position: 2, id }]);
        }
        let mut altered = events.clone();
        altered[1].row.personal = Some("{}".to_owned());
        assert_eq!(breaks(&key, &altered, &head), [Broken::PersonalAltered { position: 2, id: "b".to_owned() }]);
    }

    #[test]
    fn removed_inserted_and_swapped_events_are_named() {
        let key = SealKey::new([1; 32]);
        let (events, head) = chain(&key);
        let altered = |position, id: &str| Broken::Altered { position, id: id.to_owned() };
        let mut removed = events.clone();
        removed.remove(1);
        assert_eq!(breaks(&key, &removed, &head), [Broken::Removed { from: 2, to: 2 }]);
        let mut renumbered = removed.clone();
        renumbered[1].position = 2;
        assert_eq!(breaks(&key, &renumbered, &head)[0], altered(2, "c"));
        let mut swapped = events.clone();
        let (second, third) = (swapped[1].row.clone(), swapped[2].row.clone());
        (swapped[1].row, swapped[2].row) = (third, second);
        assert_eq!(breaks(&key, &swapped, &head), [altered(2, "c"), altered(3, "b")]);
        let mut inserted = events.clone();
        inserted.insert(2, SealedEvent { position: 3, row: row("x"), seal: events[2].seal });
        for event in &mut inserted[3..] {
            event.position += 1;
        }
        assert_eq!(breaks(&key, &inserted, &head)[0], altered(3, "x"));
        assert_eq!(breaks(&key, &events[..3], &head), [Broken::EndAltered { found: 3, expected: 4 }]);
    }

    #[test]
    fn a_chain_begins_where_old_events_were_removed_by_whoever_has_the_key() {
        let key = SealKey::new([1; 32]);
        let (events, head) = chain(&key);
        let start = ChainEnd { position: 2, seal: events[1].seal };
        assert_eq!(ChainCheck::begin(&key, start, None).unwrap_err(), Broken::StartAltered { position: 2 });
        let mut check = ChainCheck::begin(&key, start, Some(key.sign_start(&start))).unwrap();
        events[2..].iter().for_each(|event| check.next(event).unwrap());
        assert_eq!(check.end(&head), Ok(head));
    }

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

use super::SealedEvent;
use super::seal::{ChainEnd, Seal, SealKey, personal_hash};

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Timestamp;
    use crate::event::EventRow;

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
}

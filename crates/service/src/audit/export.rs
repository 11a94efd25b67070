use std::ops::RangeInclusive;

use keymint_domain::event::{EventQuery, SealedEvent};
use keymint_domain::listing::Direction;

use super::{Audit, PORTION};
use crate::ServiceError;

/// A walk through the log from its beginning, a portion at a time, while events are added and removed.
#[derive(Debug)]
pub struct Export<'a> {
    audit: &'a Audit,
    query: EventQuery,
    /// The position up to which everything was read.
    read_up_to: u64,
}

/// A portion of an export.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Portion {
    /// The events.
    pub events: Vec<SealedEvent>,
    /// The positions of events that were removed before they could be read.
    pub missing: Option<RangeInclusive<u64>>,
}

/// The attempts at reading while events are removed. Removal pauses after each portion.
const ATTEMPTS: u32 = 100;

impl Audit {
    /// Begins a walk through the events of `query` behind a position, the oldest first.
    pub fn export(&self, query: EventQuery, after: u64) -> Export<'_> {
        let query = EventQuery { direction: Direction::Ascending, limit: PORTION.get(), ..query };
        Export { audit: self, query, read_up_to: after }
    }
}

impl Export<'_> {
    /// Returns the position up to which everything was read.
    pub fn position(&self) -> u64 {
        self.read_up_to
    }

    /// Reads the next portion; `None` = the end of the log is reached for now.
    ///
    /// # Errors
    ///
    /// Returns [`ServiceError::Store`] if the store fails. The next call repeats what failed.
    pub async fn next(&mut self) -> Result<Option<Portion>, ServiceError> {
        let query = EventQuery { after: Some(self.read_up_to), ..self.query.clone() };
        let mut attempts = 0;
        loop {
            let before = self.audit.store.chain().await?;
            let events = self.audit.store.list_events(&query).await?;
            let after = self.audit.store.chain().await?;
            attempts += 1;
            // Only if nothing was removed meanwhile it is certain which of the events that were asked for are missing.
            if before.start != after.start && attempts < ATTEMPTS {
                continue;
            }
            let missing = Some(self.read_up_to + 1..=after.start.position).filter(|range| !range.is_empty());
            let is_full = events.len() >= PORTION.get() as usize;
            let last = events.last().map(|last| last.position);
            // A portion that is not full ends where the log ended before it was read.
            let end = if is_full { last } else { last.max(Some(before.head.position)) };
            let read_up_to = end.unwrap_or(0).max(after.start.position).max(self.read_up_to);
            if read_up_to == self.read_up_to {
                return Ok(None);
            }
            self.read_up_to = read_up_to;
            return Ok(Some(Portion { events, missing }));
        }
    }
}

use keymint_domain::event::seal::{ChainEnd, Seal};
use keymint_domain::event::{Broken, ChainCheck, EventQuery};
use keymint_ports::Chain;

use super::{Audit, PORTION};
use crate::ServiceError;

/// The result of a check of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditCheck {
    /// The number of events that were checked.
    pub events: u64,
    /// The breaks of the chain, in the order of positions. At most [`MAX_BREAKS`] are listed.
    pub breaks: Vec<Broken>,
    /// The place up to which old events were removed.
    pub start: ChainEnd,
    /// The end of the log, to be compared with one that was exported before.
    pub head: ChainEnd,
    /// The result of the comparison with an exported head; `None` = there was none to compare with.
    pub compared: Option<Compared>,
    /// True if the breaks look like those of a log that was sealed with another secret.
    pub looks_like_another_secret: bool,
}

/// The result of a comparison with an exported head that found no break.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compared {
    /// The event at that position has the exported seal.
    Equal,
    /// The event was removed for its age, so that there is nothing to compare with.
    Removed,
}

/// The largest number of breaks that a check lists.
pub const MAX_BREAKS: usize = 100;

impl Audit {
    /// Checks all sealed events against their seals, and the log against a head that was `exported` before. Events that
    /// are sealed meanwhile are not checked.
    ///
    /// # Errors
    ///
    /// Returns [`ServiceError::Store`] if the store fails.
    pub async fn check(&self, exported: Option<ChainEnd>) -> Result<AuditCheck, ServiceError> {
        let Chain { mut start, mut start_signature, head, lateness: _ } = self.store.chain().await?;
        let mut found = Found::default();
        let mut compared = exported.and_then(|exported| compare_with_ends(exported, &start, &head, &mut found));
        let mut check = found.begin(self, start, start_signature);
        let mut position = start.position;
        loop {
            let portion = self.store.list_events(&EventQuery::behind(position, PORTION.get())).await?;
            let now = self.store.chain().await?;
            if now.start != start {
                // Old events were removed meanwhile. They are no break, whether they were read before that or not.
                (start, start_signature) = (now.start, now.start_signature);
                if start.position > position {
                    position = start.position;
                    check = found.begin(self, start, start_signature);
                    continue;
                }
            }
            let Some(last) = portion.last() else { break };
            position = last.position;
            for event in portion.iter().take_while(|event| event.position <= head.position) {
                found.events += 1;
                found.add(check.next(event).err());
                if exported.is_some_and(|exported| exported.position == event.position) {
                    let is_equal = exported.is_some_and(|exported| exported.seal == event.seal);
                    compared = is_equal.then_some(Compared::Equal);
                    found.add((!is_equal).then_some(Broken::Replaced { position: event.position }));
                }
            }
            if position >= head.position || found.breaks.len() >= MAX_BREAKS {
                break;
            }
        }
        if found.breaks.len() < MAX_BREAKS && start.position < head.position {
            found.add(check.end(&head).err());
        }
        let behind = self.store.list_events(&EventQuery::behind(head.position, PORTION.get())).await?;
        let sealed_meanwhile = self.store.chain().await?.head.position;
        for event in behind.iter().filter(|event| event.position > sealed_meanwhile) {
            found.add(Some(Broken::Altered { position: event.position, id: event.row.id.clone() }));
        }
        let looks_like_another_secret = found.looks_like_another_secret(&start, &head);
        let Found { events, mut breaks } = found;
        breaks.truncate(MAX_BREAKS);
        Ok(AuditCheck { events, breaks, start, head, compared, looks_like_another_secret })
    }

    /// Returns false if the event that was sealed last has the seal of another secret: events that are sealed with this
    /// one would not follow from it.
    ///
    /// # Errors
    ///
    /// Returns [`ServiceError::Store`] if the store fails.
    pub async fn knows_its_secret(&self) -> Result<bool, ServiceError> {
        let chain = self.store.chain().await?;
        let query = EventQuery { after: Some(chain.head.position + 1), ..EventQuery::latest(2) };
        let last = self.store.list_events(&query).await?;
        Ok(match &last[..] {
            [event, before] if before.position + 1 == event.position => {
                let before = ChainEnd { position: before.position, seal: before.seal };
                self.key.has_sealed(&before, event)
            }
            [event] if chain.start.position + 1 == event.position => self.key.has_sealed(&chain.start, event),
            // Events are missing, which is for a check to tell.
            [_, ..] => true,
            [] => chain.start == ChainEnd::START || chain.start_signature == Some(self.key.sign_start(&chain.start)),
        })
    }
}

/// Compares an exported head with both ends of the log; `None` = it lies between them, or does not agree.
fn compare_with_ends(exported: ChainEnd, start: &ChainEnd, head: &ChainEnd, found: &mut Found) -> Option<Compared> {
    if exported.position > head.position {
        found.add(Some(Broken::Cut { found: head.position, exported: exported.position }));
        return None;
    }
    if exported == *start || exported == ChainEnd::START {
        return Some(Compared::Equal);
    }
    if exported.position == start.position || exported.position == 0 {
        found.add(Some(Broken::Replaced { position: exported.position }));
        return None;
    }
    (exported.position < start.position).then_some(Compared::Removed)
}

/// The findings of a check so far.
#[derive(Default)]
struct Found {
    events: u64,
    breaks: Vec<Broken>,
}

impl Found {
    fn add(&mut self, broken: Option<Broken>) {
        self.breaks.extend(broken);
    }

    /// Begins behind a place. If that is not the one that was signed, the events behind it are checked all the same.
    fn begin<'a>(&mut self, audit: &'a Audit, start: ChainEnd, signature: Option<Seal>) -> ChainCheck<'a> {
        ChainCheck::begin(&audit.key, start, signature).unwrap_or_else(|broken| {
            self.add(Some(broken));
            ChainCheck::behind(&audit.key, start)
        })
    }

    /// Returns true if a whole part of the log, at its beginning or at its end, has no seals of this secret.
    fn looks_like_another_secret(&self, start: &ChainEnd, head: &ChainEnd) -> bool {
        let (mut altered, mut others) = (Vec::new(), 0);
        for broken in &self.breaks {
            match broken {
                Broken::Altered { position, .. } => altered.push(*position),
                Broken::StartAltered { .. } => {}
                _ => others += 1,
            }
        }
        let (Some(first), Some(last)) = (altered.first(), altered.last()) else { return false };
        let count = altered.len() as u64;
        let is_run = last - first + 1 == count;
        let is_end = *first == start.position + 1 || *last == head.position || altered.len() >= MAX_BREAKS;
        // One or two events are more likely to be altered than to be all that another secret has sealed.
        others == 0 && is_run && is_end && (count > 2 || count == self.events)
    }
}

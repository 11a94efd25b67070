use std::collections::{BTreeMap, HashSet};
use std::ops::Bound;

use async_trait::async_trait;
use keymint_domain::event::seal::{ChainEnd, SealKey};
use keymint_domain::event::{Actor, Event, EventKind, EventQuery, EventRow, SealedEvent};
use keymint_domain::listing::Direction;
use keymint_domain::{ConfigId, KeyId, Timestamp, UserId};
use keymint_ports::{Chain, EventStore, StoreError};

use crate::MemoryStore;

/// The events, those without a position in the order in which they were added.
#[derive(Default)]
pub(crate) struct Events {
    ids: HashSet<String>,
    unsealed: Vec<EventRow>,
    sealed: BTreeMap<u64, SealedEvent>,
    chain: Chain,
}

impl Events {
    /// Adds the events of a change. Returns the number of those whose ids are new.
    pub(crate) fn add(&mut self, events: impl IntoIterator<Item = Event>) -> usize {
        let before = self.unsealed.len();
        let new = events.into_iter().map(Event::into_row);
        self.unsealed.extend(new.filter(|row| self.ids.insert(row.id.clone())));
        self.unsealed.len() - before
    }

    /// Returns the instant of the last report that a key leaked.
    pub(crate) fn last_leak(&self, key: &KeyId) -> Option<Timestamp> {
        let rows = self.unsealed.iter().chain(self.sealed.values().map(|event| &event.row));
        let is_leak =
            |row: &&EventRow| row.kind == EventKind::KeyLeaked.as_str() && row.key_id.as_deref() == Some(key.as_str());
        rows.filter(is_leak).map(|row| row.at).max()
    }

    fn seal(&mut self, key: &SealKey, limit: u32) -> u32 {
        let portion = self.unsealed.len().min(limit as usize);
        for row in self.unsealed.drain(..portion) {
            self.chain.lateness.observe(row.at);
            let sealed = key.append(&mut self.chain.head, row);
            self.sealed.insert(sealed.position, sealed);
        }
        u32::try_from(portion).unwrap_or(u32::MAX)
    }

    fn list(&self, query: &EventQuery) -> Vec<SealedEvent> {
        let matches = |event: &&SealedEvent| matches(query, &event.row);
        let limit = query.limit as usize;
        match query.direction {
            Direction::Ascending => {
                let from = query.after.map_or(Bound::Unbounded, Bound::Excluded);
                let range = self.sealed.range((from, Bound::Unbounded));
                range.map(|(_, event)| event).filter(matches).take(limit).cloned().collect()
            }
            Direction::Descending => {
                let to = query.after.map_or(Bound::Unbounded, Bound::Excluded);
                let range = self.sealed.range((Bound::Unbounded, to)).rev();
                range.map(|(_, event)| event).filter(matches).take(limit).cloned().collect()
            }
        }
    }

    fn remove(&mut self, key: &SealKey, before: Timestamp, up_to: u64, limit: u32) -> u32 {
        let is_due = |event: &&SealedEvent| event.row.at < before && event.position <= up_to;
        let due: Vec<u64> =
            self.sealed.values().take(limit as usize).take_while(is_due).map(|event| event.position).collect();
        for position in &due {
            if let Some(event) = self.sealed.remove(position) {
                self.ids.remove(&event.row.id);
                self.chain.start = ChainEnd { position: event.position, seal: event.seal };
                self.chain.start_signature = Some(key.sign_start(&self.chain.start));
            }
        }
        u32::try_from(due.len()).unwrap_or(u32::MAX)
    }

    pub(crate) fn erase(&mut self, user: &UserId) -> u64 {
        let actors = [Actor::User(user.clone()), Actor::KeySession(user.clone())].map(|actor| actor.to_string());
        let is_theirs = |row: &EventRow| row.owner.as_deref() == Some(user.as_str()) || actors.contains(&row.actor);
        let rows = self.unsealed.iter_mut().chain(self.sealed.values_mut().map(|event| &mut event.row));
        rows.filter(|row| is_theirs(row)).filter_map(|row| row.personal.take()).count() as u64
    }
}

fn matches(query: &EventQuery, row: &EventRow) -> bool {
    let EventQuery { key_id, owners, config_id, kinds: _, actor, time, direction: _, after: _, limit: _ } = query;
    let is = |asked: Option<&str>, found: Option<&str>| asked.is_none_or(|asked| found == Some(asked));
    let is_owner = |owner: &str| owners.as_ref().is_none_or(|owners| owners.iter().any(|one| one.as_str() == owner));
    is(key_id.as_ref().map(KeyId::as_str), row.key_id.as_deref())
        && is(config_id.as_ref().map(ConfigId::as_str), row.config_id.as_deref())
        && is(actor.as_deref(), Some(&row.actor))
        && (owners.is_none() || row.owner.as_deref().is_some_and(is_owner))
        && query.includes_kind(&row.kind)
        && time.as_ref().is_none_or(|time| time.contains(&row.at))
}

#[async_trait]
impl EventStore for MemoryStore {
    async fn record(&self, event: &Event) -> Result<bool, StoreError> {
        Ok(self.lock().events.add([event.clone()]) == 1)
    }

    async fn seal(&self, key: &SealKey, limit: u32) -> Result<u32, StoreError> {
        Ok(self.lock().events.seal(key, limit))
    }

    async fn list_events(&self, query: &EventQuery) -> Result<Vec<SealedEvent>, StoreError> {
        Ok(self.lock().events.list(query))
    }

    async fn chain(&self) -> Result<Chain, StoreError> {
        Ok(self.lock().events.chain)
    }

    async fn remove_events(&self, key: &SealKey, before: Timestamp, up_to: u64, limit: u32) -> Result<u32, StoreError> {
        Ok(self.lock().events.remove(key, before, up_to, limit))
    }
}

use std::collections::HashMap;

use super::{LeakEffect, LeakReport};
use crate::event::{Event, Origin};
use crate::key::{Rotated, RotationChange, RotationTurn, StoredKey};
use crate::policy::{LeakAction, Policy};
use crate::{ApiKey, KeyId, Timestamp};

/// The rows of the secrets that one call reports, while a store holds its lock on them.
///
/// A store fills it with the rows that it read, lets it apply all reports in their order, and writes what
/// [`LeakedRows::changes`] and [`LeakedRows::events`] list. `E` is the store's error for a row that cannot be read; it
/// fails only the reports of that row.
#[derive(Debug)]
pub struct LeakedRows<E> {
    rows: Vec<Result<Row, E>>,
    /// The places of the rows that were found under a text.
    found: HashMap<StoredKey, Vec<usize>>,
    events: Vec<Event>,
}

/// The place where a store keeps a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Shelf {
    /// Among the keys.
    Keys,
    /// Among the deleted keys that can be restored.
    Deleted,
}

#[derive(Debug)]
struct Row {
    shelf: Shelf,
    read: ApiKey,
    key: ApiKey,
    turns: Vec<RotationTurn>,
}

impl Row {
    /// Applies a change of the rotation. One that the key refuses has no effect.
    fn rotate(&mut self, change: &RotationChange, now: Timestamp) {
        if let Ok(Rotated { key, turns }) = self.key.clone().rotated(change, now) {
            self.key = key;
            self.turns.extend(turns);
        }
    }
}

/// A key that reports have changed.
#[derive(Debug, Clone, Copy)]
pub struct LeakChange<'r> {
    /// The place where the key is kept.
    pub shelf: Shelf,
    /// The key as it was read.
    pub before: &'r ApiKey,
    /// The key as it is to be written.
    pub after: &'r ApiKey,
}

/// The outcome of one report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LeakOutcome {
    /// No key has such a secret.
    Unknown,
    /// The secret is of these keys. It is one, unless somebody has copied a row.
    Known(Vec<LeakedKey>),
}

/// A key whose secret was reported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeakedKey {
    /// The key's id.
    pub id: KeyId,
    /// The stored forms of all secrets that the key had, the one in use first.
    pub stored: Vec<StoredKey>,
    /// The action that the key's configuration asks for.
    pub action: LeakAction,
    /// The consequence for the key.
    pub effect: LeakEffect,
}

impl LeakOutcome {
    /// Returns the keys.
    pub fn keys(&self) -> &[LeakedKey] {
        match self {
            Self::Unknown => &[],
            Self::Known(keys) => keys,
        }
    }
}

impl LeakChange<'_> {
    /// Returns true if the rotation of the key has changed.
    pub fn is_of_rotation(&self) -> bool {
        let [before, after] = [self.before, self.after].map(|key| &key.details);
        before.rotation != after.rotation || before.stored != after.stored
    }
}

impl<E: Clone> LeakedRows<E> {
    /// Takes the rows that were read, each with its place and the text that it was found under.
    ///
    /// A deleted key that can be restored has what a report means for it: it must not come back as if nothing was known.
    ///
    /// All rows of one text count, unlike in a verification: a copy of a leaked key has leaked with it. A row that was
    /// found under both of its secrets is one row.
    pub fn new(rows: impl IntoIterator<Item = (Shelf, StoredKey, Result<ApiKey, E>)>) -> Self {
        let mut this = Self { rows: Vec::new(), found: HashMap::new(), events: Vec::new() };
        let mut places = HashMap::new();
        for (shelf, stored, row) in rows {
            let next = this.rows.len();
            let place = row.as_ref().map_or(next, |key| *places.entry((shelf, key.details.id.clone())).or_insert(next));
            this.found.entry(stored).or_default().push(place);
            if place == next {
                this.rows.push(row.map(|key| Row { shelf, read: key.clone(), key, turns: Vec::new() }));
            }
        }
        this
    }

    /// Applies reports, each to the keys that the previous ones left. The outcomes are in their order.
    pub fn apply(
        &mut self,
        reports: &[LeakReport],
        policy: &Policy,
        now: Timestamp,
        origin: &Origin,
    ) -> Vec<Result<LeakOutcome, E>> {
        reports.iter().map(|report| self.apply_one(report, policy, now, origin)).collect()
    }

    fn apply_one(
        &mut self,
        report: &LeakReport,
        policy: &Policy,
        now: Timestamp,
        origin: &Origin,
    ) -> Result<LeakOutcome, E> {
        let (mut keys, mut failure) = (Vec::new(), None);
        for stored in report.stored_forms() {
            for place in self.found.get(stored).into_iter().flatten() {
                let row = match &mut self.rows[*place] {
                    Ok(row) => row,
                    Err(error) => {
                        failure = Some(error.clone());
                        continue;
                    }
                };
                row.rotate(&RotationChange::EndDue, now);
                let secrets = row.key.details.stored_forms().cloned().collect();
                let Some(judgement) = report.judge(&row.key, stored, policy, now) else { continue };
                self.events.extend(origin.key_leaked(&row.key, report, &judgement));
                if let Some(patch) = &judgement.patch {
                    row.key = row.key.clone().patched(patch, now);
                }
                if let Some(change) = &judgement.rotation {
                    row.rotate(change, now);
                }
                keys.push(LeakedKey {
                    id: row.key.details.id.clone(),
                    stored: secrets,
                    action: judgement.action,
                    effect: judgement.effect,
                });
            }
        }
        match failure {
            _ if !keys.is_empty() => Ok(LeakOutcome::Known(keys)),
            Some(error) => Err(error),
            None => Ok(LeakOutcome::Unknown),
        }
    }

    /// Returns every key that the reports changed.
    pub fn changes(&self) -> impl Iterator<Item = LeakChange<'_>> {
        let changed = self.rows.iter().flatten().filter(|row| row.key != row.read);
        changed.map(|row| LeakChange { shelf: row.shelf, before: &row.read, after: &row.key })
    }

    /// Returns the events of the reports and of the changes. The events of reports have ids of their own: a store leaves
    /// out those whose ids exist, so that a repeated report is recorded once.
    pub fn events(&self, origin: &Origin) -> Vec<Event> {
        let changes = self.changes().filter_map(|change| origin.key_changed(change.before, change.after));
        let turns = self.rows.iter().flatten().flat_map(|row| origin.key_rotated(&row.key, &row.turns));
        self.events.iter().cloned().chain(changes).chain(turns).collect()
    }
}

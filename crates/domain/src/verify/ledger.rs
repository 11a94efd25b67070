use std::collections::HashMap;

use super::{Attempt, DryRun, Owner, Verdict, decide, dry_run};
use crate::event::{Event, quota_events};
use crate::key::{RotationTurn, StoredKey};
use crate::policy::Policy;
use crate::usage::Usage;
use crate::{ApiKey, ErrorCode, Timestamp};

/// The rows of one batch of attempts, while a store holds its lock on them.
///
/// A store fills it with the rows that it read, lets it settle all attempts in their order, and writes what
/// [`Ledger::changes`] and [`Ledger::rotations`] list: every changed row once, however many attempts hit it, and by
/// whichever of its secrets. `E` is the store's error for a row that cannot be read; it fails only the attempts on that
/// row.
#[derive(Debug)]
pub struct Ledger<E> {
    entries: Vec<Entry>,
    /// The places of the entries by the stored forms of their keys' secrets.
    places: HashMap<StoredKey, Result<usize, E>>,
}

#[derive(Debug)]
struct Entry {
    key: ApiKey,
    owner: Owner,
    read: Usage,
    /// True if the rotation of the key has changed.
    is_turned: bool,
    turns: Vec<RotationTurn>,
}

impl<E: Clone> Ledger<E> {
    /// Takes the rows whose secrets in use were looked up, each with the text that it was found under. If two rows share
    /// a text, the first one counts.
    pub fn new(rows: impl IntoIterator<Item = (StoredKey, Result<(ApiKey, Owner), E>)>) -> Self {
        let rows = rows.into_iter();
        let (fewest, most) = rows.size_hint();
        let expected = most.unwrap_or(fewest);
        let mut ledger = Self { entries: Vec::with_capacity(expected), places: HashMap::with_capacity(expected) };
        for (stored, row) in rows {
            let place = ledger.entries.len();
            let found = row.map(|row| ledger.entries.push(Entry::of(row)));
            ledger.places.entry(stored).or_insert(found.map(|()| place));
        }
        ledger
    }

    /// Returns the attempts on none of the rows. The keys that they present may be second secrets.
    pub fn unfound<'a>(&self, attempts: impl IntoIterator<Item = &'a Attempt>) -> impl Iterator<Item = &'a Attempt> {
        let is_unfound = |attempt: &&Attempt| !attempt.stored_forms().any(|form| self.places.contains_key(form));
        attempts.into_iter().filter(is_unfound)
    }

    /// Takes the rows that were looked up for the attempts that [`Ledger::unfound`] returned, each with the text that it
    /// was found under, before anything is settled.
    ///
    /// A row that was read before takes the place of its earlier version: two secrets are one row.
    pub fn add(&mut self, rows: impl IntoIterator<Item = (StoredKey, Result<(ApiKey, Owner), E>)>) {
        for (stored, row) in rows {
            let found = row.map(|row| {
                let known = self.entries.iter().position(|entry| entry.key.details.id == row.0.details.id);
                let place = known.unwrap_or(self.entries.len());
                match self.entries.get_mut(place) {
                    Some(earlier) => *earlier = Entry::of(row),
                    None => self.entries.push(Entry::of(row)),
                }
                place
            });
            self.places.entry(stored).or_insert(found);
        }
    }

    /// Decides all attempts, each on the counters that the previous ones left.
    ///
    /// Calls that an attempt brings along count whatever the decision is, counters of a clock that was ahead are
    /// corrected, and a rotation whose time has come ends. The first use of a new secret confirms its rotation.
    pub fn settle<'a>(
        &mut self,
        attempts: impl IntoIterator<Item = &'a Attempt>,
        policy: &Policy,
        now: Timestamp,
    ) -> Vec<Result<Verdict, E>> {
        attempts.into_iter().map(|attempt| self.settle_one(attempt, policy, now)).collect()
    }

    fn settle_one(&mut self, attempt: &Attempt, policy: &Policy, now: Timestamp) -> Result<Verdict, E> {
        for stored in attempt.stored_forms() {
            let entry = match self.places.get(stored) {
                None => continue,
                Some(Err(error)) => return Err(error.clone()),
                Some(Ok(place)) => &mut self.entries[*place],
            };
            if let Some(deferred) = &attempt.deferred {
                entry.key.usage = deferred.counted_on(&entry.key, policy);
            }
            entry.key.bring_to(now);
            if entry.key.details.rotation.is_some() {
                entry.end_due(now);
            }
            let mut verdict = decide(Some((&entry.key, entry.owner)), attempt, policy, now);
            if let Verdict::Accepted(key) = &mut verdict {
                entry.key.usage = key.usage;
                if key.details.rotation.is_some() && attempt.is_use() {
                    entry.note_use(stored, now);
                    key.clone_from(&entry.key);
                }
            }
            if is_of_its_key(&verdict) {
                return Ok(verdict);
            }
        }
        Ok(decide(None, attempt, policy, now))
    }

    /// Returns what [`Ledger::settle`] would answer to an attempt, with the report of every rule. It changes nothing.
    ///
    /// # Errors
    ///
    /// Returns the store's error if the key's row cannot be read.
    pub fn dry_run(&self, attempt: &Attempt, policy: &Policy, now: Timestamp) -> Result<DryRun, E> {
        for stored in attempt.stored_forms() {
            let entry = match self.places.get(stored) {
                None => continue,
                Some(Err(error)) => return Err(error.clone()),
                Some(Ok(place)) => &self.entries[*place],
            };
            let mut key = entry.key.clone();
            if let Some(deferred) = &attempt.deferred {
                key.usage = deferred.counted_on(&key, policy);
            }
            key.bring_to(now);
            key.end_due(now);
            let mut run = dry_run(Some((&key, entry.owner)), attempt, policy, now);
            if let Verdict::Accepted(accepted) = &mut run.verdict
                && attempt.is_use()
            {
                accepted.note_use(stored, &mut Vec::new(), now);
            }
            if is_of_its_key(&run.verdict) {
                return Ok(run);
            }
        }
        Ok(dry_run(None, attempt, policy, now))
    }

    /// Returns every key whose counters the attempts changed, with the new counters.
    pub fn changes(&self) -> impl Iterator<Item = &ApiKey> {
        self.entries.iter().filter(|entry| entry.key.usage != entry.read).map(|entry| &entry.key)
    }

    /// Returns every key whose rotation the attempts changed, with the new rotation. Its secret in use may be another
    /// one than the one it was read with. Its counters may be unchanged.
    pub fn rotations(&self) -> impl Iterator<Item = &ApiKey> {
        self.entries.iter().filter(|entry| entry.is_turned).map(|entry| &entry.key)
    }

    /// Returns true if the key that an attempt presents is among [`Ledger::rotations`], even if the attempt was refused.
    pub fn has_turned(&self, attempt: &Attempt) -> bool {
        let entry_of = |form| self.places.get(form)?.as_ref().ok().map(|place| &self.entries[*place]);
        attempt.stored_forms().filter_map(entry_of).any(|entry| entry.is_turned)
    }

    /// Returns the events of the changed keys: shares of quotas that were passed, exhausted quotas, and steps of
    /// rotations.
    pub fn events(&self, policy: &Policy, now: Timestamp) -> Vec<Event> {
        if !policy.records_events {
            return Vec::new();
        }
        let changed = self.entries.iter().filter(|entry| entry.key.usage != entry.read);
        let mut events: Vec<_> = changed.flat_map(|entry| quota_events(&entry.key, &entry.read, policy, now)).collect();
        for Entry { key, turns, .. } in self.entries.iter().filter(|entry| entry.is_turned) {
            events.extend(turns.iter().map(|turn| Event::of_turn(&key.details, turn, now)));
        }
        events
    }
}

impl Entry {
    fn of((key, owner): (ApiKey, Owner)) -> Self {
        Self { read: key.usage, key, owner, is_turned: false, turns: Vec::new() }
    }

    /// Ends a rotation whose time has come.
    fn end_due(&mut self, now: Timestamp) {
        let turn = self.key.end_due(now);
        self.is_turned |= turn.is_some();
        self.turns.extend(turn);
    }

    /// Takes note of an accepted use of one of the key's secrets.
    fn note_use(&mut self, stored: &StoredKey, now: Timestamp) {
        self.is_turned |= self.key.note_use(stored, &mut self.turns, now);
    }
}

/// Returns true if a verdict is about the key that was presented.
///
/// A row that was found under the wrong form is no match; the right one may follow.
fn is_of_its_key(verdict: &Verdict) -> bool {
    verdict.refused().is_none_or(|refusal| refusal.code != ErrorCode::InvalidApiKey || refusal.is_foreign)
}

use std::collections::HashMap;

use super::{Attempt, DryRun, Owner, Verdict, decide, dry_run};
use crate::event::{Event, quota_events};
use crate::key::{RotationTurn, StoredKey};
use crate::policy::Policy;
use crate::usage::Usage;
use crate::{ApiKey, ErrorCode, KeyId, Timestamp};

/// The rows of one batch of attempts, while a store holds its lock on them.
///
/// A store fills it with the rows that it read, lets it settle all attempts in their order, and writes what
/// [`Ledger::changes`] and [`Ledger::rotations`] list: every changed row once, however many attempts hit it, and by
/// whichever of its secrets. `E` is the store's error for a row that cannot be read; it fails only the attempts on that
/// row.
#[derive(Debug)]
pub struct Ledger<E> {
    /// By the texts that they were found under.
    rows: HashMap<StoredKey, Result<Entry, E>>,
    /// The texts that found a row which another text had found before, with that text. Mostly there are none.
    aliases: HashMap<StoredKey, StoredKey>,
}

#[derive(Debug)]
struct Entry {
    key: ApiKey,
    owner: Owner,
    read: Usage,
    /// The change of the key's rotation; `None` = it has not changed. In a box, since few have, and rows are moved about.
    turned: Option<Box<Turned>>,
}

/// A change of a key's rotation, and the steps of it of which there are events.
#[derive(Debug, Default)]
struct Turned {
    turns: Vec<RotationTurn>,
}

impl<E: Clone> Ledger<E> {
    /// Takes the rows whose secrets in use were looked up, each with the text that it was found under. If two rows share
    /// a text, the first one counts.
    pub fn new(rows: impl IntoIterator<Item = (StoredKey, Result<(ApiKey, Owner), E>)>) -> Self {
        let rows = rows.into_iter();
        let (fewest, most) = rows.size_hint();
        let mut known = HashMap::with_capacity(most.unwrap_or(fewest));
        for (stored, row) in rows {
            known.entry(stored).or_insert(row.map(Entry::of));
        }
        let aliases = HashMap::with_hasher(known.hasher().clone());
        Self { rows: known, aliases }
    }

    /// Returns the attempts on none of the rows. The keys that they present may be second secrets.
    ///
    /// All presented texts must have been looked up.
    pub fn unfound<'a, A>(&self, attempts: A) -> impl Iterator<Item = &'a Attempt>
    where
        A: IntoIterator<Item = &'a Attempt, IntoIter: Clone>,
    {
        let attempts = attempts.into_iter();
        let presented: usize = attempts.clone().map(|attempt| attempt.stored_forms().count()).sum();
        // Mostly every text has found its row, and hashing all of them once more would tell nothing.
        let is_found = |form| self.rows.contains_key(form);
        let any = self.rows.len() < presented;
        attempts.filter(move |attempt| any && !attempt.stored_forms().any(is_found))
    }

    /// Takes the rows that were looked up for the attempts that [`Ledger::unfound`] returned, each with the text that it
    /// was found under, before anything is settled.
    ///
    /// A row that was read before takes the place of its earlier version: two secrets are one row.
    pub fn add(&mut self, rows: impl IntoIterator<Item = (StoredKey, Result<(ApiKey, Owner), E>)>) {
        for (stored, row) in rows {
            let row = row.map(Entry::of);
            match row.as_ref().ok().and_then(|row| self.text_of(&row.key.details.id)) {
                Some(text) => {
                    self.rows.insert(text.clone(), row);
                    self.aliases.insert(stored, text);
                }
                None => {
                    self.rows.entry(stored).or_insert(row);
                }
            }
        }
    }

    /// Returns the text under which the row of this key was found.
    fn text_of(&self, id: &KeyId) -> Option<StoredKey> {
        let is_of_key = |row: &Result<Entry, E>| row.as_ref().is_ok_and(|entry| entry.key.details.id == *id);
        self.rows.iter().find(|(_, row)| is_of_key(row)).map(|(text, _)| text.clone())
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
        let mut was_passed = false;
        for stored in attempt.stored_forms() {
            let entry = match self.rows.get_mut(self.aliases.get(stored).unwrap_or(stored)) {
                None => continue,
                Some(Err(error)) => return Err(error.clone()),
                Some(Ok(entry)) => entry,
            };
            if attempt.is_found_wrongly(stored, &entry.key, policy) {
                continue;
            }
            if let Some(deferred) = &attempt.deferred {
                entry.key.usage = deferred.counted_on(&entry.key, policy);
            }
            entry.key.bring_to(now);
            let verdict = entry.settle(stored, attempt, policy, now);
            if is_of_its_key(&verdict) {
                return Ok(verdict);
            }
            was_passed = true;
        }
        if was_passed {
            self.end_due(attempt, policy, now);
        }
        Ok(decide(None, attempt, policy, now))
    }

    /// Ends the rotations whose time has come of the keys that an attempt asked for, and of which it presents no secret.
    fn end_due(&mut self, attempt: &Attempt, policy: &Policy, now: Timestamp) {
        for stored in attempt.stored_forms() {
            if let Some(Ok(entry)) = self.rows.get_mut(self.aliases.get(stored).unwrap_or(stored))
                && !attempt.is_found_wrongly(stored, &entry.key, policy)
                && let Some(ended) = entry.ended(now)
            {
                entry.turn(ended);
            }
        }
    }

    /// Returns what [`Ledger::settle`] would answer to an attempt, with the report of every rule. It changes nothing.
    ///
    /// # Errors
    ///
    /// Returns the store's error if the key's row cannot be read.
    pub fn dry_run(&self, attempt: &Attempt, policy: &Policy, now: Timestamp) -> Result<DryRun, E> {
        for stored in attempt.stored_forms() {
            let entry = match self.row(stored) {
                None => continue,
                Some(Err(error)) => return Err(error.clone()),
                Some(Ok(entry)) => entry,
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
        self.entries().filter(|entry| entry.key.usage != entry.read).map(|entry| &entry.key)
    }

    /// Returns every key whose rotation the attempts changed, with the new rotation. Its secret in use may be another
    /// one than the one it was read with. Its counters may be unchanged.
    pub fn rotations(&self) -> impl Iterator<Item = &ApiKey> {
        self.entries().filter(|entry| entry.turned.is_some()).map(|entry| &entry.key)
    }

    /// Returns true if the key that an attempt presents is among [`Ledger::rotations`], even if the attempt was refused.
    pub fn has_turned(&self, attempt: &Attempt) -> bool {
        let is_turned = |form| matches!(self.row(form), Some(Ok(Entry { turned: Some(_), .. })));
        attempt.stored_forms().any(is_turned)
    }

    /// Returns the events of the changed keys: shares of quotas that were passed, exhausted quotas, and steps of
    /// rotations.
    pub fn events(&self, policy: &Policy, now: Timestamp) -> Vec<Event> {
        if !policy.records_events {
            return Vec::new();
        }
        let changed = self.entries().filter(|entry| entry.key.usage != entry.read);
        let mut events: Vec<_> = changed.flat_map(|entry| quota_events(&entry.key, &entry.read, policy, now)).collect();
        for Entry { key, turned, .. } in self.entries() {
            let turns = turned.iter().flat_map(|turned| &turned.turns);
            events.extend(turns.map(|turn| Event::of_turn(&key.details, turn, now)));
        }
        events
    }

    fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.rows.values().flatten()
    }

    fn row(&self, stored: &StoredKey) -> Option<&Result<Entry, E>> {
        self.rows.get(self.aliases.get(stored).unwrap_or(stored))
    }
}

impl Entry {
    fn of((key, owner): (ApiKey, Owner)) -> Self {
        Self { read: key.usage, key, owner, turned: None }
    }

    /// Decides an attempt, and takes what it changes. One that presents no secret of this key changes nothing: another row may
    /// follow, and the end of this one's rotation is written when somebody asks for this key.
    fn settle(&mut self, stored: &StoredKey, attempt: &Attempt, policy: &Policy, now: Timestamp) -> Verdict {
        let ended = self.ended(now);
        let key = ended.as_ref().map_or(&self.key, |(key, _)| key);
        let mut verdict = decide(Some((key, self.owner)), attempt, policy, now);
        if let Some(ended) = ended
            && is_of_its_key(&verdict)
        {
            self.turn(ended);
        }
        if let Verdict::Accepted(key) = &mut verdict {
            self.key.usage = key.usage;
            if key.details.rotation.is_some() && attempt.is_use() {
                self.note_use(stored, now);
                key.clone_from(&self.key);
            }
        }
        verdict
    }

    /// Returns the key without its rotation, and the step, if the rotation's time has come.
    fn ended(&self, now: Timestamp) -> Option<(ApiKey, RotationTurn)> {
        self.key.details.rotation.as_ref()?;
        let mut key = self.key.clone();
        let turn = key.end_due(now)?;
        Some((key, turn))
    }

    fn turn(&mut self, (key, turn): (ApiKey, RotationTurn)) {
        self.key = key;
        self.turned.get_or_insert_default().turns.push(turn);
    }

    /// Takes note of an accepted use of one of the key's secrets.
    fn note_use(&mut self, stored: &StoredKey, now: Timestamp) {
        let mut turns = Vec::new();
        if self.key.note_use(stored, &mut turns, now) {
            self.turned.get_or_insert_default().turns.extend(turns);
        }
    }
}

/// Returns true if a verdict is about the key that was presented.
///
/// A row whose secret has ended is no match; another one may follow.
fn is_of_its_key(verdict: &Verdict) -> bool {
    verdict.refused().is_none_or(|refusal| refusal.code != ErrorCode::InvalidApiKey || refusal.is_foreign)
}

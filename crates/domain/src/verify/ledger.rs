use std::collections::HashMap;

use super::{Attempt, DryRun, Owner, Verdict, decide, dry_run};
use crate::event::{Event, quota_events};
use crate::key::StoredKey;
use crate::policy::Policy;
use crate::usage::Usage;
use crate::{ApiKey, ErrorCode, Timestamp};

/// The rows of one batch of attempts, while a store holds its lock on them.
///
/// A store fills it with the rows that it read, lets it settle all attempts in their order, and writes what
/// [`Ledger::changes`] lists: every changed row once, however many attempts hit it. `E` is the store's error for a row
/// that cannot be read; it fails only the attempts on that row.
#[derive(Debug)]
pub struct Ledger<E> {
    rows: HashMap<StoredKey, Result<Entry, E>>,
}

#[derive(Debug)]
struct Entry {
    key: ApiKey,
    owner: Owner,
    read: Usage,
}

impl<E: Clone> Ledger<E> {
    /// Takes the rows that were read, each with the text that it was found under. If two rows share a text, the first
    /// one counts.
    pub fn new(rows: impl IntoIterator<Item = (StoredKey, Result<(ApiKey, Owner), E>)>) -> Self {
        let rows = rows.into_iter();
        let (fewest, most) = rows.size_hint();
        let mut known = HashMap::with_capacity(most.unwrap_or(fewest));
        for (stored, row) in rows {
            let entry = row.map(|(key, owner)| Entry { read: key.usage, key, owner });
            known.entry(stored).or_insert(entry);
        }
        Self { rows: known }
    }

    /// Decides all attempts, each on the counters that the previous ones left.
    ///
    /// Calls that an attempt brings along count whatever the decision is, and counters of a clock that was ahead are
    /// corrected.
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
            let entry = match self.rows.get_mut(stored) {
                None => continue,
                Some(Err(error)) => return Err(error.clone()),
                Some(Ok(entry)) => entry,
            };
            if let Some(deferred) = &attempt.deferred {
                entry.key.usage = deferred.counted_on(&entry.key, policy);
            }
            entry.key.bring_to(now);
            let verdict = decide(Some((&entry.key, entry.owner)), attempt, policy, now);
            if let Verdict::Accepted(key) = &verdict {
                entry.key.usage = key.usage;
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
            let entry = match self.rows.get(stored) {
                None => continue,
                Some(Err(error)) => return Err(error.clone()),
                Some(Ok(entry)) => entry,
            };
            let mut key = entry.key.clone();
            if let Some(deferred) = &attempt.deferred {
                key.usage = deferred.counted_on(&key, policy);
            }
            key.bring_to(now);
            let run = dry_run(Some((&key, entry.owner)), attempt, policy, now);
            if is_of_its_key(&run.verdict) {
                return Ok(run);
            }
        }
        Ok(dry_run(None, attempt, policy, now))
    }

    /// Returns every key whose counters the attempts changed, with the new counters.
    pub fn changes(&self) -> impl Iterator<Item = &ApiKey> {
        let changed = self.rows.values().flatten().filter(|entry| entry.key.usage != entry.read);
        changed.map(|entry| &entry.key)
    }

    /// Returns the events of the changed keys: shares of quotas that were passed, and exhausted quotas.
    pub fn events(&self, policy: &Policy, now: Timestamp) -> Vec<Event> {
        if !policy.records_events {
            return Vec::new();
        }
        let changed = self.rows.values().flatten().filter(|entry| entry.key.usage != entry.read);
        changed.flat_map(|entry| quota_events(&entry.key, &entry.read, policy, now)).collect()
    }
}

/// Returns true if a verdict is about the key that was presented.
///
/// A row that was found under the wrong form is no match; the right one may follow.
fn is_of_its_key(verdict: &Verdict) -> bool {
    verdict.refused().is_none_or(|refusal| refusal.code != ErrorCode::InvalidApiKey || refusal.is_foreign)
}

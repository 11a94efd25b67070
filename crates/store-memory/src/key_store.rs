use std::cmp::Reverse;
use std::collections::HashSet;
use std::num::NonZeroU32;

use async_trait::async_trait;
use keymint_domain::event::Origin;
use keymint_domain::key::{
    Deletion, ForeignGroup, ForeignLookup, KeyCounts, KeyPatch, Revocation, Rotated, RotationChange, RotationRefused,
    StoredKey,
};
use keymint_domain::leak::{LeakChange, LeakOutcome, LeakReport, LeakedRows, Shelf};
use keymint_domain::listing::{ListQuery, Page, Room, Total};
use keymint_domain::policy::{ConfigFilter, Policy};
use keymint_domain::verify::{Attempt, DryRun, Ledger, Verdict};
use keymint_domain::{ApiKey, KeyId, OwnerId, Timestamp};
use keymint_ports::{
    BulkChange, BulkCursor, BulkPortion, CountCursor, CountedPortion, DeletedKey, DeletedQuery, ImportOutcome,
    KeyStore, KeyStub, Removed, RestoredKey, StoreError,
};

use crate::state::State;
use crate::{MemoryStore, sort};

#[async_trait]
impl KeyStore for MemoryStore {
    async fn insert(&self, key: &ApiKey, max_living: Option<NonZeroU32>, origin: &Origin) -> Result<(), StoreError> {
        let mut state = self.lock();
        let new = &key.details;
        if state.is_full(&new.owner, &new.config_id, max_living, new.created_at) {
            return Err(StoreError::OwnerFull);
        }
        if state.key(&new.id).is_some() {
            return Err(StoreError::Duplicate);
        }
        state.put(key.clone());
        state.events.add(origin.key_created(key));
        Ok(())
    }

    async fn import(&self, keys: &[ApiKey], origin: &Origin) -> Result<Vec<ImportOutcome>, StoreError> {
        let mut state = self.lock();
        let outcomes = state.preview_import(keys);
        for (key, _) in keys.iter().zip(&outcomes).filter(|(_, outcome)| **outcome == ImportOutcome::Added) {
            state.put(key.clone());
            state.events.add(origin.key_imported(key));
        }
        Ok(outcomes)
    }

    async fn preview_import(&self, keys: &[ApiKey]) -> Result<Vec<ImportOutcome>, StoreError> {
        Ok(self.lock().preview_import(keys))
    }

    async fn foreign_groups(&self) -> Result<Vec<ForeignGroup>, StoreError> {
        Ok(self.lock().foreign_groups())
    }

    async fn find_foreign(&self, lookups: &[ForeignLookup], forms: &[StoredKey]) -> Result<Vec<ApiKey>, StoreError> {
        Ok(self.lock().find_foreign(lookups, forms))
    }

    async fn rehash(&self, key: &ApiKey, stored: &StoredKey) -> Result<bool, StoreError> {
        Ok(self.lock().rehash(key, stored))
    }

    async fn find(&self, id: &KeyId) -> Result<Option<ApiKey>, StoreError> {
        Ok(self.lock().key(id).cloned())
    }

    async fn find_stub(&self, id: &KeyId) -> Result<Option<KeyStub>, StoreError> {
        Ok(self.lock().key(id).map(stub_of))
    }

    async fn list(&self, query: &ListQuery) -> Result<Page, StoreError> {
        let ListQuery { owner, configurations, filter, sort_by, direction, offset, limit, count_up_to } = query;
        let state = self.lock();
        let of_owner = |key: &&ApiKey| owner.as_ref().is_none_or(|owner| key.details.owner == *owner);
        let of_configuration = |key: &&ApiKey| configurations.includes(&key.details.config_id);
        let last_use = |key: &ApiKey| state.usage.last_use(&key.details.id).map(|last_use| last_use.at);
        let is_admitted = |key: &&ApiKey| filter.admits(key, last_use(key));
        let mut keys: Vec<_> = state.keys().filter(of_owner).filter(of_configuration).filter(is_admitted).collect();
        keys.sort_by(|a, b| sort::compare(a, b, *sort_by, *direction));
        let offset = usize::try_from(*offset).unwrap_or(usize::MAX);
        let mut room = Room::default();
        let asked = keys.iter().skip(offset).take(*limit as usize);
        let page: Vec<_> = asked.clone().take_while(|key| room.admits(key)).copied().cloned().collect();
        let is_cut = page.len() < asked.len();
        let total = Total::counted(keys.len() as u64, *count_up_to);
        Ok(Page { keys: page, unreadable: Vec::new(), is_cut, total })
    }

    async fn update(
        &self,
        id: &KeyId,
        patch: &KeyPatch,
        now: Timestamp,
        origin: &Origin,
    ) -> Result<Option<ApiKey>, StoreError> {
        Ok(self.lock().patch(id, patch, now, origin))
    }

    async fn update_many(
        &self,
        change: &BulkChange,
        from: Option<BulkCursor>,
        limit: NonZeroU32,
        origin: &Origin,
    ) -> Result<BulkPortion, StoreError> {
        let mut state = self.lock();
        let (portion, changed) = state.next_changes(change, from.as_ref(), limit);
        for id in &changed {
            state.patch(id, &change.patch, change.now, origin);
        }
        Ok(portion)
    }

    async fn preview_update_many(
        &self,
        change: &BulkChange,
        from: Option<BulkCursor>,
        limit: NonZeroU32,
    ) -> Result<BulkPortion, StoreError> {
        Ok(self.lock().next_changes(change, from.as_ref(), limit).0)
    }

    async fn rotate(
        &self,
        id: &KeyId,
        change: &RotationChange,
        now: Timestamp,
        origin: &Origin,
    ) -> Result<Option<Result<Rotated, RotationRefused>>, StoreError> {
        let mut state = self.lock();
        let Some(before) = state.key(id).cloned() else { return Ok(None) };
        let outcome = before.clone().rotated(change, now);
        if let Ok(Rotated { key, turns }) = &outcome
            && !turns.is_empty()
        {
            if key.details.foreign.is_none() {
                state.end_foreign(&before);
            }
            state.put(key.clone());
            state.events.add(origin.key_rotated(key, turns));
        }
        Ok(Some(outcome))
    }

    async fn revoke_unreadable(
        &self,
        id: &KeyId,
        revocation: &Revocation,
        origin: &Origin,
    ) -> Result<bool, StoreError> {
        // Every key can be read here.
        let mut state = self.lock();
        let Some(updated_at) = state.key(id).map(|key| key.usage.updated_at) else {
            return Ok(false);
        };
        state.patch(id, &KeyPatch::revoking(revocation.clone()), updated_at, origin);
        Ok(true)
    }

    async fn report_leaks(
        &self,
        reports: &[LeakReport],
        policy: &Policy,
        now: Timestamp,
        origin: &Origin,
    ) -> Result<Vec<Result<LeakOutcome, StoreError>>, StoreError> {
        let mut state = self.lock();
        let forms: HashSet<&StoredKey> = reports.iter().flat_map(LeakReport::stored_forms).collect();
        let found = forms
            .iter()
            .flat_map(|form| state.keys_with_secret(form).map(|key| (Shelf::Keys, (*form).clone(), Ok(key.clone()))));
        let restorable = state.deleted.values().filter(|(_, deletion)| deletion.until >= now);
        let deleted = restorable.flat_map(|(key, _)| {
            let leaked = key.details.stored_forms().filter(|stored| forms.contains(stored));
            leaked.map(|stored| (Shelf::Deleted, stored.clone(), Ok(key.clone())))
        });
        let mut rows = LeakedRows::new(found.chain(deleted));
        let outcomes = rows.apply(reports, policy, now, origin);
        for LeakChange { shelf, before: _, after } in rows.changes() {
            match shelf {
                Shelf::Keys => state.put(after.clone()),
                Shelf::Deleted => {
                    if let Some((key, _)) = state.deleted.get_mut(&after.details.id) {
                        *key = after.clone();
                    }
                }
            }
        }
        state.events.add(rows.events(origin));
        Ok(outcomes)
    }

    async fn spend(
        &self,
        attempts: &[Attempt],
        policy: &Policy,
        now: Timestamp,
    ) -> Result<Vec<Result<Verdict, StoreError>>, StoreError> {
        let mut state = self.lock();
        let mut ledger = ledger(&state, attempts);
        let verdicts = ledger.settle(attempts, policy, now);
        for ApiKey { details, usage } in ledger.changes() {
            state.put_usage(&details.id, *usage);
        }
        let turned: Vec<_> = ledger.rotations().cloned().collect();
        for key in turned {
            state.put(key);
        }
        state.events.add(ledger.events(policy, now));
        Ok(verdicts)
    }

    async fn dry_run(&self, attempt: &Attempt, policy: &Policy, now: Timestamp) -> Result<DryRun, StoreError> {
        ledger(&self.lock(), std::slice::from_ref(attempt)).dry_run(attempt, policy, now)
    }

    async fn remove(&self, id: &KeyId, origin: &Origin) -> Result<bool, StoreError> {
        Ok(self.lock().remove(id, origin).removed == 1)
    }

    async fn set_aside(&self, id: &KeyId, deletion: &Deletion, origin: &Origin) -> Result<bool, StoreError> {
        let mut state = self.lock();
        let Some((key, _)) = state.take(id, origin) else {
            return Ok(false);
        };
        state.deleted.insert(id.clone(), (key, deletion.clone()));
        Ok(true)
    }

    async fn find_deleted(&self, id: &KeyId) -> Result<Option<DeletedKey>, StoreError> {
        Ok(self.lock().deleted.get(id).map(deleted_of))
    }

    async fn list_deleted(&self, query: &DeletedQuery) -> Result<Vec<DeletedKey>, StoreError> {
        let DeletedQuery { owner, configurations, offset, limit } = query;
        let state = self.lock();
        let is_selected = |(key, _): &&(ApiKey, Deletion)| {
            owner.as_ref().is_none_or(|owner| key.details.owner == *owner)
                && configurations.includes(&key.details.config_id)
        };
        let mut deleted: Vec<_> = state.deleted.values().filter(is_selected).map(deleted_of).collect();
        // They are in the order of ids, and the sort is stable.
        deleted.sort_by_key(|key| Reverse(key.deletion.at));
        let offset = usize::try_from(*offset).unwrap_or(usize::MAX);
        Ok(deleted.into_iter().skip(offset).take(*limit as usize).collect())
    }

    async fn restore(
        &self,
        id: &KeyId,
        max_living: Option<NonZeroU32>,
        now: Timestamp,
        origin: &Origin,
    ) -> Result<Option<RestoredKey>, StoreError> {
        let mut state = self.lock();
        let Some((key, _)) = state.deleted.get(id).cloned() else {
            return Ok(None);
        };
        let details = &key.details;
        if key.is_living(now) && state.is_full(&details.owner, &details.config_id, max_living, now) {
            return Err(StoreError::OwnerFull);
        }
        if state.key(id).is_some() || details.stored_forms().any(|stored| state.is_taken(stored)) {
            return Err(StoreError::Duplicate);
        }
        state.deleted.remove(id);
        state.put(key.clone());
        state.events.add(origin.key_undeleted(&key));
        Ok(Some(RestoredKey::Key(key)))
    }

    async fn purge_deleted(&self, now: Timestamp, limit: NonZeroU32) -> Result<u32, StoreError> {
        let mut state = self.lock();
        let ended = state.deleted.iter().filter(|(_, (_, deletion))| deletion.is_final(now));
        let mut ended: Vec<_> = ended.map(|(id, (_, deletion))| (deletion.until, id.clone())).collect();
        ended.sort();
        let purged = (0..limit.get()).zip(ended).map(|(_, (_, id))| state.deleted.remove(&id)).count();
        Ok(u32::try_from(purged).unwrap_or(u32::MAX))
    }

    async fn remove_expired(
        &self,
        configurations: &ConfigFilter,
        before: Timestamp,
        skip: u32,
        limit: u32,
        origin: &Origin,
    ) -> Result<Removed, StoreError> {
        let mut state = self.lock();
        let governed = state.keys().filter(|key| configurations.includes(&key.details.config_id));
        let mut expired: Vec<_> = governed
            .filter_map(|key| Some((key.details.expires_at?, key.details.id.clone())))
            .filter(|(expires_at, _)| *expires_at < before)
            .collect();
        expired.sort();
        let portion = (0..limit).zip(expired.into_iter().skip(skip as usize));
        let mut removed = Removed::default();
        for (_, (_, id)) in portion {
            removed.add(&id, Ok(state.remove(&id, origin)))?;
        }
        Ok(removed)
    }

    async fn remove_exhausted(
        &self,
        ids: &[KeyId],
        policy: &Policy,
        now: Timestamp,
        origin: &Origin,
    ) -> Result<Removed, StoreError> {
        let mut state = self.lock();
        let mut removed = Removed::default();
        for id in ids {
            if state.key(id).is_some_and(|key| policy.may_remove_exhausted(key, now)) {
                removed.add(id, Ok(state.remove(id, origin)))?;
            }
        }
        Ok(removed)
    }

    async fn count(
        &self,
        owner: Option<OwnerId>,
        now: Timestamp,
        from: Option<CountCursor>,
        limit: NonZeroU32,
    ) -> Result<CountedPortion, StoreError> {
        let behind = from.and_then(|behind| KeyId::parse(behind.as_str()).ok());
        let (state, mut counts, mut last) = (self.lock(), KeyCounts::default(), None);
        let is_owned = |key: &&ApiKey| owner.as_ref().is_none_or(|owner| key.details.owner == *owner);
        for key in state.keys_behind(behind.as_ref()).filter(is_owned).take(limit.get() as usize) {
            counts.add(key.state(now), 1);
            last = Some(&key.details.id);
        }
        Ok(CountedPortion::new(counts, last.map(KeyId::to_string), limit))
    }

    async fn probe(&self) -> Result<(), StoreError> {
        Ok(())
    }
}

fn stub_of(key: &ApiKey) -> KeyStub {
    KeyStub {
        owner: Some(key.details.owner.clone()),
        config_id: Some(key.details.config_id.clone()),
        stored: key.details.stored_forms().cloned().collect(),
    }
}

fn deleted_of((key, deletion): &(ApiKey, Deletion)) -> DeletedKey {
    DeletedKey {
        id: key.details.id.clone(),
        stub: stub_of(key),
        name: key.details.name.clone(),
        start: key.details.start.clone(),
        deletion: deletion.clone(),
    }
}

/// Returns the ledger of the rows of these attempts.
fn ledger(state: &State, attempts: &[Attempt]) -> Ledger<StoreError> {
    let texts = attempts.iter().flat_map(Attempt::stored_forms);
    let found = |stored: &StoredKey, row| (stored.clone(), Ok(row));
    let mut ledger = Ledger::new(texts.filter_map(|stored| Some(found(stored, state.key_stored_as(stored)?))));
    let unfound: Vec<_> = ledger.unfound(attempts).flat_map(Attempt::stored_forms).collect();
    ledger.add(unfound.into_iter().filter_map(|stored| Some(found(stored, state.key_stored_second(stored)?))));
    ledger
}

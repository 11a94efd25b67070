//! The comparison with a model distinguishes a correct store from a wrong one.

use std::num::NonZeroU32;
use std::panic::{AssertUnwindSafe, catch_unwind};

use async_trait::async_trait;
use keymint_conformance::Engine;
use keymint_conformance::model::every_sequence_agrees;
use keymint_domain::event::Origin;
use keymint_domain::key::{
    Deletion, ForeignGroup, ForeignLookup, KeyPatch, Revocation, Rotated, RotationChange, RotationRefused, StoredKey,
};
use keymint_domain::leak::{LeakOutcome, LeakReport};
use keymint_domain::listing::{ListQuery, Page};
use keymint_domain::policy::{ConfigFilter, Policy};
use keymint_domain::verify::{Attempt, DryRun, Owner, Verdict};
use keymint_domain::{ApiKey, KeyId, OwnerId, Timestamp};
use keymint_ports::{
    BulkChange, BulkCursor, BulkPortion, CountCursor, CountedPortion, DeletedKey, DeletedQuery, ImportOutcome,
    KeyStore, KeyStub, Removed, RestoredKey, StoreError,
};
use keymint_store_memory::MemoryStore;

#[derive(Default)]
struct Memory(MemoryStore);

#[async_trait]
impl Engine for Memory {
    type Store = MemoryStore;

    async fn open(&self) -> MemoryStore {
        self.0.clone()
    }

    async fn put_owner(&self, id: &OwnerId, owner: Owner) {
        self.0.put_owner(id.clone(), owner);
    }
}

/// A store that settles the attempts of a batch from the last to the first, and is correct otherwise.
struct Backwards(MemoryStore);

#[async_trait]
impl KeyStore for Backwards {
    async fn insert(&self, key: &ApiKey, max_living: Option<NonZeroU32>, origin: &Origin) -> Result<(), StoreError> {
        self.0.insert(key, max_living, origin).await
    }

    async fn import(&self, keys: &[ApiKey], origin: &Origin) -> Result<Vec<ImportOutcome>, StoreError> {
        self.0.import(keys, origin).await
    }

    async fn report_leaks(
        &self,
        reports: &[LeakReport],
        policy: &Policy,
        now: Timestamp,
        origin: &Origin,
    ) -> Result<Vec<Result<LeakOutcome, StoreError>>, StoreError> {
        self.0.report_leaks(reports, policy, now, origin).await
    }

    async fn preview_import(&self, keys: &[ApiKey]) -> Result<Vec<ImportOutcome>, StoreError> {
        self.0.preview_import(keys).await
    }

    async fn foreign_groups(&self) -> Result<Vec<ForeignGroup>, StoreError> {
        self.0.foreign_groups().await
    }

    async fn find_foreign(&self, lookups: &[ForeignLookup], forms: &[StoredKey]) -> Result<Vec<ApiKey>, StoreError> {
        self.0.find_foreign(lookups, forms).await
    }

    async fn rehash(&self, key: &ApiKey, stored: &StoredKey) -> Result<bool, StoreError> {
        self.0.rehash(key, stored).await
    }

    async fn find(&self, id: &KeyId) -> Result<Option<ApiKey>, StoreError> {
        self.0.find(id).await
    }

    async fn find_stub(&self, id: &KeyId) -> Result<Option<KeyStub>, StoreError> {
        self.0.find_stub(id).await
    }

    async fn list(&self, query: &ListQuery) -> Result<Page, StoreError> {
        self.0.list(query).await
    }

    async fn update(
        &self,
        id: &KeyId,
        patch: &KeyPatch,
        now: Timestamp,
        origin: &Origin,
    ) -> Result<Option<ApiKey>, StoreError> {
        self.0.update(id, patch, now, origin).await
    }

    async fn update_many(
        &self,
        change: &BulkChange,
        from: Option<BulkCursor>,
        limit: NonZeroU32,
        origin: &Origin,
    ) -> Result<BulkPortion, StoreError> {
        self.0.update_many(change, from, limit, origin).await
    }

    async fn preview_update_many(
        &self,
        change: &BulkChange,
        from: Option<BulkCursor>,
        limit: NonZeroU32,
    ) -> Result<BulkPortion, StoreError> {
        self.0.preview_update_many(change, from, limit).await
    }

    async fn rotate(
        &self,
        id: &KeyId,
        change: &RotationChange,
        now: Timestamp,
        origin: &Origin,
    ) -> Result<Option<Result<Rotated, RotationRefused>>, StoreError> {
        self.0.rotate(id, change, now, origin).await
    }

    async fn revoke_unreadable(
        &self,
        id: &KeyId,
        revocation: &Revocation,
        origin: &Origin,
    ) -> Result<bool, StoreError> {
        self.0.revoke_unreadable(id, revocation, origin).await
    }

    async fn spend(
        &self,
        attempts: &[Attempt],
        policy: &Policy,
        now: Timestamp,
    ) -> Result<Vec<Result<Verdict, StoreError>>, StoreError> {
        let backwards: Vec<_> = attempts.iter().rev().cloned().collect();
        let answers = self.0.spend(&backwards, policy, now).await?;
        Ok(answers.into_iter().rev().collect())
    }

    async fn dry_run(&self, attempt: &Attempt, policy: &Policy, now: Timestamp) -> Result<DryRun, StoreError> {
        self.0.dry_run(attempt, policy, now).await
    }

    async fn remove(&self, id: &KeyId, origin: &Origin) -> Result<bool, StoreError> {
        self.0.remove(id, origin).await
    }

    async fn set_aside(&self, id: &KeyId, deletion: &Deletion, origin: &Origin) -> Result<bool, StoreError> {
        self.0.set_aside(id, deletion, origin).await
    }

    async fn find_deleted(&self, id: &KeyId) -> Result<Option<DeletedKey>, StoreError> {
        self.0.find_deleted(id).await
    }

    async fn list_deleted(&self, query: &DeletedQuery) -> Result<Vec<DeletedKey>, StoreError> {
        self.0.list_deleted(query).await
    }

    async fn restore(
        &self,
        id: &KeyId,
        max_living: Option<NonZeroU32>,
        now: Timestamp,
        origin: &Origin,
    ) -> Result<Option<RestoredKey>, StoreError> {
        self.0.restore(id, max_living, now, origin).await
    }

    async fn purge_deleted(&self, now: Timestamp, limit: NonZeroU32) -> Result<u32, StoreError> {
        self.0.purge_deleted(now, limit).await
    }

    async fn remove_expired(
        &self,
        configurations: &ConfigFilter,
        before: Timestamp,
        skip: u32,
        limit: u32,
        origin: &Origin,
    ) -> Result<Removed, StoreError> {
        self.0.remove_expired(configurations, before, skip, limit, origin).await
    }

    async fn remove_exhausted(
        &self,
        ids: &[KeyId],
        policy: &Policy,
        now: Timestamp,
        origin: &Origin,
    ) -> Result<Removed, StoreError> {
        self.0.remove_exhausted(ids, policy, now, origin).await
    }

    async fn count(
        &self,
        now: Timestamp,
        from: Option<CountCursor>,
        limit: NonZeroU32,
    ) -> Result<CountedPortion, StoreError> {
        self.0.count(now, from, limit).await
    }

    async fn probe(&self) -> Result<(), StoreError> {
        self.0.probe().await
    }
}

#[test]
fn a_store_agrees_with_itself() {
    every_sequence_agrees(100, async || (Memory::default(), MemoryStore::default()));
}

#[test]
fn a_store_that_answers_wrongly_is_found_out() {
    let compare = || every_sequence_agrees(200, async || (Memory::default(), Backwards(MemoryStore::default())));
    assert!(catch_unwind(AssertUnwindSafe(compare)).is_err());
}

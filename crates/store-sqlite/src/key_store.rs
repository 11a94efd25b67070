use std::num::NonZeroU32;

use async_trait::async_trait;
use keymint_domain::event::Origin;
use keymint_domain::key::{
    Deletion, ForeignGroup, ForeignLookup, KeyPatch, Revocation, Rotated, RotationChange, RotationRefused, StoredKey,
};
use keymint_domain::leak::{LeakOutcome, LeakReport};
use keymint_domain::listing::{ListQuery, Page};
use keymint_domain::policy::{ConfigFilter, Policy};
use keymint_domain::verify::{Attempt, DryRun, Verdict};
use keymint_domain::{ApiKey, KeyId, OwnerId, Timestamp};
use keymint_ports::{
    BulkChange, BulkCursor, BulkPortion, CountCursor, CountedPortion, DeletedKey, DeletedQuery, ImportOutcome,
    KeyStore, KeyStub, Removed, RestoredKey, StoreError,
};
use keymint_store_sql::keys;

use crate::reader::Reader;
use crate::{SqliteStore, spend};

#[async_trait]
impl KeyStore for SqliteStore {
    async fn insert(&self, key: &ApiKey, max_living: Option<NonZeroU32>, origin: &Origin) -> Result<(), StoreError> {
        let (key, widths, origin) = (key.clone(), self.layout.widths, origin.clone());
        self.writer.write(async move |writer| keys::insert(writer, &key, max_living, widths, &origin).await).await
    }

    async fn import(&self, keys: &[ApiKey], origin: &Origin) -> Result<Vec<ImportOutcome>, StoreError> {
        let (keys, widths, origin) = (keys.to_vec(), self.layout.widths, origin.clone());
        self.writer.write(async move |writer| keys::import(writer, &keys, widths, &origin).await).await
    }

    async fn preview_import(&self, keys: &[ApiKey]) -> Result<Vec<ImportOutcome>, StoreError> {
        read!(self, keys::preview_import, keys)
    }

    async fn foreign_groups(&self) -> Result<Vec<ForeignGroup>, StoreError> {
        read!(self, keys::foreign_groups)
    }

    async fn find_foreign(&self, lookups: &[ForeignLookup], forms: &[StoredKey]) -> Result<Vec<ApiKey>, StoreError> {
        read!(self, keys::find_foreign, lookups, forms)
    }

    async fn rehash(&self, key: &ApiKey, stored: &StoredKey) -> Result<bool, StoreError> {
        let (key, stored) = (key.clone(), stored.clone());
        self.writer.write(async move |writer| keys::rehash(writer, &key, &stored).await).await
    }

    async fn find(&self, id: &KeyId) -> Result<Option<ApiKey>, StoreError> {
        read!(self, keys::find, id)
    }

    async fn find_stub(&self, id: &KeyId) -> Result<Option<KeyStub>, StoreError> {
        read!(self, keys::find_stub, id)
    }

    async fn list(&self, query: &ListQuery) -> Result<Page, StoreError> {
        let list = async {
            // Both reads see the state of the first.
            let mut transaction = self.readers()?.begin().await.map(Reader).map_err(StoreError::unavailable)?;
            let page = keys::list(&mut transaction, query).await?;
            transaction.0.commit().await.map_err(StoreError::unavailable)?;
            Ok(page)
        };
        self.bound(list).await
    }

    async fn update(
        &self,
        id: &KeyId,
        patch: &KeyPatch,
        now: Timestamp,
        origin: &Origin,
    ) -> Result<Option<ApiKey>, StoreError> {
        let (id, patch, widths, origin) = (id.clone(), patch.clone(), self.layout.widths, origin.clone());
        self.writer.write(async move |writer| keys::update(writer, &id, &patch, now, widths, &origin).await).await
    }

    async fn update_many(
        &self,
        change: &BulkChange,
        from: Option<BulkCursor>,
        limit: NonZeroU32,
        origin: &Origin,
    ) -> Result<BulkPortion, StoreError> {
        let (change, widths, origin) = (change.clone(), self.layout.widths, origin.clone());
        self.writer
            .write(async move |writer| keys::update_many(writer, &change, from.as_ref(), limit, widths, &origin).await)
            .await
    }

    async fn preview_update_many(
        &self,
        change: &BulkChange,
        from: Option<BulkCursor>,
        limit: NonZeroU32,
    ) -> Result<BulkPortion, StoreError> {
        read!(self, keys::preview_update_many, change, from.as_ref(), limit)
    }

    async fn rotate(
        &self,
        id: &KeyId,
        change: &RotationChange,
        now: Timestamp,
        origin: &Origin,
    ) -> Result<Option<Result<Rotated, RotationRefused>>, StoreError> {
        let (id, change, origin) = (id.clone(), change.clone(), origin.clone());
        self.writer.write(async move |writer| keys::rotate(writer, &id, &change, now, &origin).await).await
    }

    async fn revoke_unreadable(
        &self,
        id: &KeyId,
        revocation: &Revocation,
        origin: &Origin,
    ) -> Result<bool, StoreError> {
        let (id, revocation, origin) = (id.clone(), revocation.clone(), origin.clone());
        self.writer.write(async move |writer| keys::revoke_unreadable(writer, &id, &revocation, &origin).await).await
    }

    async fn report_leaks(
        &self,
        reports: &[LeakReport],
        policy: &Policy,
        now: Timestamp,
        origin: &Origin,
    ) -> Result<Vec<Result<LeakOutcome, StoreError>>, StoreError> {
        let (reports, policy, widths, origin) = (reports.to_vec(), policy.clone(), self.layout.widths, origin.clone());
        self.writer
            .write(async move |writer| keys::report_leaks(writer, &reports, &policy, now, widths, &origin).await)
            .await
    }

    async fn spend(
        &self,
        attempts: &[Attempt],
        policy: &Policy,
        now: Timestamp,
    ) -> Result<Vec<Result<Verdict, StoreError>>, StoreError> {
        if attempts.is_empty() {
            return Ok(Vec::new());
        }
        let (owner_columns, attempts, policy) = (self.layout.owner_columns, attempts.to_vec(), policy.clone());
        self.writer.batch(move |writer| spend::spend(writer, owner_columns, &attempts, &policy, now)).await
    }

    async fn dry_run(&self, attempt: &Attempt, policy: &Policy, now: Timestamp) -> Result<DryRun, StoreError> {
        let (owner_columns, attempt, policy) = (self.layout.owner_columns, attempt.clone(), policy.clone());
        self.writer.batch(move |writer| spend::dry_run(writer, owner_columns, &attempt, &policy, now)).await
    }

    async fn remove(&self, id: &KeyId, origin: &Origin) -> Result<bool, StoreError> {
        let (id, origin) = (id.clone(), origin.clone());
        self.writer.write(async move |writer| keys::remove(writer, &id, &origin).await).await
    }

    async fn set_aside(&self, id: &KeyId, deletion: &Deletion, origin: &Origin) -> Result<bool, StoreError> {
        let (id, deletion, origin) = (id.clone(), deletion.clone(), origin.clone());
        self.writer.write(async move |writer| keys::set_aside(writer, &id, &deletion, &origin).await).await
    }

    async fn find_deleted(&self, id: &KeyId) -> Result<Option<DeletedKey>, StoreError> {
        read!(self, keys::find_deleted, id)
    }

    async fn list_deleted(&self, query: &DeletedQuery) -> Result<Vec<DeletedKey>, StoreError> {
        read!(self, keys::list_deleted, query)
    }

    async fn restore(
        &self,
        id: &KeyId,
        max_living: Option<NonZeroU32>,
        now: Timestamp,
        origin: &Origin,
    ) -> Result<Option<RestoredKey>, StoreError> {
        let (id, origin) = (id.clone(), origin.clone());
        self.writer.write(async move |writer| keys::restore(writer, &id, max_living, now, &origin).await).await
    }

    async fn purge_deleted(&self, now: Timestamp, limit: NonZeroU32) -> Result<u32, StoreError> {
        self.writer.write(async move |writer| keys::purge_deleted(writer, now, limit).await).await
    }

    async fn remove_expired(
        &self,
        configurations: &ConfigFilter,
        before: Timestamp,
        skip: u32,
        limit: u32,
        origin: &Origin,
    ) -> Result<Removed, StoreError> {
        let (filter, origin) = (configurations.clone(), origin.clone());
        self.writer
            .write(async move |writer| keys::remove_expired(writer, &filter, before, skip, limit, &origin).await)
            .await
    }

    async fn remove_exhausted(
        &self,
        ids: &[KeyId],
        policy: &Policy,
        now: Timestamp,
        origin: &Origin,
    ) -> Result<Removed, StoreError> {
        if ids.is_empty() {
            return Ok(Removed::default());
        }
        let (ids, policy, origin) = (ids.to_vec(), policy.clone(), origin.clone());
        self.writer.write(async move |writer| keys::remove_exhausted(writer, &ids, &policy, now, &origin).await).await
    }

    async fn count(
        &self,
        owner: Option<OwnerId>,
        now: Timestamp,
        from: Option<CountCursor>,
        limit: NonZeroU32,
    ) -> Result<CountedPortion, StoreError> {
        read!(self, keys::count, owner.as_ref(), now, from.as_ref(), limit)
    }

    async fn probe(&self) -> Result<(), StoreError> {
        let owner_columns = self.layout.owner_columns;
        self.writer.batch(move |writer| spend::probe(writer, owner_columns)).await
    }
}

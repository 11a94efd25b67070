use std::num::NonZeroU32;
use std::sync::Arc;

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
use keymint_store_sql::{end, keys};

use crate::lent::Lent;
use crate::shards::Shards;
use crate::spend::{Failed, Table};
use crate::{PgStore, spend};

#[async_trait]
impl KeyStore for PgStore {
    async fn insert(&self, key: &ApiKey, max_living: Option<NonZeroU32>, origin: &Origin) -> Result<(), StoreError> {
        call!(self.pool, keys::insert, key, max_living, self.layout.widths, origin)
    }

    async fn import(&self, keys: &[ApiKey], origin: &Origin) -> Result<Vec<ImportOutcome>, StoreError> {
        call!(self.pool, keys::import, keys, self.layout.widths, origin)
    }

    async fn preview_import(&self, keys: &[ApiKey]) -> Result<Vec<ImportOutcome>, StoreError> {
        call!(self.pool, keys::preview_import, keys)
    }

    async fn foreign_groups(&self) -> Result<Vec<ForeignGroup>, StoreError> {
        call!(self.pool, keys::foreign_groups)
    }

    async fn find_foreign(&self, lookups: &[ForeignLookup], forms: &[StoredKey]) -> Result<Vec<ApiKey>, StoreError> {
        call!(self.pool, keys::find_foreign, lookups, forms)
    }

    async fn rehash(&self, key: &ApiKey, stored: &StoredKey) -> Result<bool, StoreError> {
        call!(self.pool, keys::rehash, key, stored)
    }

    async fn find(&self, id: &KeyId) -> Result<Option<ApiKey>, StoreError> {
        call!(self.pool, keys::find, id)
    }

    async fn find_stub(&self, id: &KeyId) -> Result<Option<KeyStub>, StoreError> {
        call!(self.pool, keys::find_stub, id)
    }

    async fn list(&self, query: &ListQuery) -> Result<Page, StoreError> {
        call!(self.pool, list, query)
    }

    async fn update(
        &self,
        id: &KeyId,
        patch: &KeyPatch,
        now: Timestamp,
        origin: &Origin,
    ) -> Result<Option<ApiKey>, StoreError> {
        call!(self.pool, keys::update, id, patch, now, self.layout.widths, origin)
    }

    async fn update_many(
        &self,
        change: &BulkChange,
        from: Option<BulkCursor>,
        limit: NonZeroU32,
        origin: &Origin,
    ) -> Result<BulkPortion, StoreError> {
        call!(self.pool, keys::update_many, change, from.as_ref(), limit, self.layout.widths, origin)
    }

    async fn preview_update_many(
        &self,
        change: &BulkChange,
        from: Option<BulkCursor>,
        limit: NonZeroU32,
    ) -> Result<BulkPortion, StoreError> {
        call!(self.pool, keys::preview_update_many, change, from.as_ref(), limit)
    }

    async fn rotate(
        &self,
        id: &KeyId,
        change: &RotationChange,
        now: Timestamp,
        origin: &Origin,
    ) -> Result<Option<Result<Rotated, RotationRefused>>, StoreError> {
        call!(self.pool, keys::rotate, id, change, now, origin)
    }

    async fn revoke_unreadable(
        &self,
        id: &KeyId,
        revocation: &Revocation,
        origin: &Origin,
    ) -> Result<bool, StoreError> {
        call!(self.pool, keys::revoke_unreadable, id, revocation, origin)
    }

    async fn report_leaks(
        &self,
        reports: &[LeakReport],
        policy: &Policy,
        now: Timestamp,
        origin: &Origin,
    ) -> Result<Vec<Result<LeakOutcome, StoreError>>, StoreError> {
        call!(self.pool, keys::report_leaks, reports, policy, now, self.layout.widths, origin)
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
        match self.spend_once(attempts, policy, now).await {
            Err(Failed::Unwritten(_)) => Ok(self.spend_once(attempts, policy, now).await?),
            outcome => Ok(outcome?),
        }
    }

    async fn dry_run(&self, attempt: &Attempt, policy: &Policy, now: Timestamp) -> Result<DryRun, StoreError> {
        call!(self.pool, spend::dry_run, self.table(self.seen_shards().as_deref()), attempt, policy, now)
    }

    async fn remove(&self, id: &KeyId, origin: &Origin) -> Result<bool, StoreError> {
        call!(self.pool, keys::remove, id, origin)
    }

    async fn set_aside(&self, id: &KeyId, deletion: &Deletion, origin: &Origin) -> Result<bool, StoreError> {
        call!(self.pool, keys::set_aside, id, deletion, origin)
    }

    async fn find_deleted(&self, id: &KeyId) -> Result<Option<DeletedKey>, StoreError> {
        call!(self.pool, keys::find_deleted, id)
    }

    async fn list_deleted(&self, query: &DeletedQuery) -> Result<Vec<DeletedKey>, StoreError> {
        call!(self.pool, keys::list_deleted, query)
    }

    async fn restore(
        &self,
        id: &KeyId,
        max_living: Option<NonZeroU32>,
        now: Timestamp,
        origin: &Origin,
    ) -> Result<Option<RestoredKey>, StoreError> {
        call!(self.pool, keys::restore, id, max_living, now, origin)
    }

    async fn purge_deleted(&self, now: Timestamp, limit: NonZeroU32) -> Result<u32, StoreError> {
        call!(self.pool, keys::purge_deleted, now, limit)
    }

    async fn remove_expired(
        &self,
        configurations: &ConfigFilter,
        before: Timestamp,
        skip: u32,
        limit: u32,
        origin: &Origin,
    ) -> Result<Removed, StoreError> {
        call!(self.pool, keys::remove_expired, configurations, before, skip, limit, origin)
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
        call!(self.pool, keys::remove_exhausted, ids, policy, now, origin)
    }

    async fn count(
        &self,
        owner: Option<OwnerId>,
        now: Timestamp,
        from: Option<CountCursor>,
        limit: NonZeroU32,
    ) -> Result<CountedPortion, StoreError> {
        call!(self.pool, keys::count, owner.as_ref(), now, from.as_ref(), limit)
    }

    async fn probe(&self) -> Result<(), StoreError> {
        call!(self.lanes, spend::probe, self.table(self.seen_shards().as_deref()))
    }
}

/// Lists a page in a transaction whose reads all see the state of the first.
async fn list(connection: &mut Lent, query: &ListQuery) -> Result<Page, StoreError> {
    connection.run("begin isolation level repeatable read read only").await?;
    let outcome = keys::list(connection, query).await;
    end(connection, outcome).await
}

impl PgStore {
    fn seen_shards(&self) -> Option<Arc<Shards>> {
        self.shards.as_ref().map(|shards| shards.seen())
    }

    fn table<'s>(&self, shards: Option<&'s Shards>) -> Table<'s> {
        Table { owner_columns: self.layout.owner_columns, shards }
    }

    async fn spend_once(
        &self,
        attempts: &[Attempt],
        policy: &Policy,
        now: Timestamp,
    ) -> Result<Vec<Result<Verdict, StoreError>>, Failed> {
        let (mut connection, stay) = self.lanes.lend().await?;
        let shards = connection.shards().cloned();
        let (deadline, table) = (self.lanes.deadline, self.table(shards.as_deref()));
        let spent = spend::spend(&mut connection, deadline, table, &self.rows, attempts, policy, now);
        let outcome = stay.until_left(spent).await;
        let may_be_broken = |error: &StoreError| matches!(error, StoreError::Unavailable(_));
        let is_broken = match &outcome {
            // Some of the batch was settled before the store failed.
            Ok(answers) => answers.iter().filter_map(|answer| answer.as_ref().err()).any(may_be_broken),
            Err(Failed::Unwritten(error) | Failed::Otherwise(error)) => may_be_broken(error),
        };
        if is_broken {
            self.shards.iter().for_each(|shards| shards.doubt());
            connection.give_up();
        } else {
            connection.give_back();
        }
        outcome
    }
}

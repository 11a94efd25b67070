mod count;
mod insert;
mod list;
mod remove;
mod remove_expired;
pub(crate) mod spend;
mod update;

use std::num::NonZeroU32;

use async_trait::async_trait;
use futures_util::TryFutureExt as _;
use keymint_domain::key::{KeyPatch, Revocation, StoredKey};
use keymint_domain::listing::{ListQuery, Page};
use keymint_domain::policy::{ConfigFilter, Policy};
use keymint_domain::verify::{Attempt, DryRun, Verdict};
use keymint_domain::{ApiKey, ConfigId, KeyId, OwnerId, Timestamp};
use keymint_ports::{CountCursor, CountedPortion, KeyStore, KeyStub, Removed, StoreError};
use sqlx::query;
use sqlx::sqlite::SqliteConnection;

use crate::SqliteStore;
use crate::error::store_error;
use crate::row::{Reader, read_key};

/// Begins a transaction that holds the lock on writing from its first statement on.
pub(crate) const BEGIN: &str = "begin immediate";

#[async_trait]
impl KeyStore for SqliteStore {
    async fn insert(&self, key: &ApiKey, max_living: Option<NonZeroU32>) -> Result<(), StoreError> {
        let mut connection = self.writer.lend().await?;
        let outcome = self.bound(insert::insert(&mut connection, key, max_living)).await;
        connection.finish(outcome)
    }

    async fn find(&self, id: &KeyId) -> Result<Option<ApiKey>, StoreError> {
        let find = async {
            let mut connection = self.readers()?.acquire().await.map_err(store_error)?;
            find(&mut connection, id).await
        };
        self.bound(find).await
    }

    async fn find_stub(&self, id: &KeyId) -> Result<Option<KeyStub>, StoreError> {
        const FIND: &str = r#"select "id", "referenceId", "configId", "key" from "apikey" where "id" = ?1"#;
        let find = query(FIND).bind(id.as_str()).fetch_optional(self.readers()?).map_err(store_error);
        let row = self.bound(find).await?;
        Ok(row.map(|row| {
            let row = Reader::new(&row, "apikey", "id");
            KeyStub {
                owner: row.parsed("referenceId", OwnerId::from_stored).ok(),
                config_id: row.text("configId").ok().map(ConfigId::from_optional),
                stored: row.text("key").ok().flatten().map(StoredKey::from_stored),
            }
        }))
    }

    async fn list(&self, query: &ListQuery) -> Result<Page, StoreError> {
        self.bound(list::list(self.readers()?, query)).await
    }

    async fn update(&self, id: &KeyId, patch: &KeyPatch, now: Timestamp) -> Result<Option<ApiKey>, StoreError> {
        let mut connection = self.writer.lend().await?;
        let outcome = self.bound(update::update(&mut connection, id, patch, now)).await;
        connection.finish(outcome)
    }

    async fn revoke_unreadable(&self, id: &KeyId, revocation: &Revocation) -> Result<bool, StoreError> {
        let mut connection = self.writer.lend().await?;
        let outcome = self.bound(update::revoke_unreadable(&mut connection, id, revocation)).await;
        connection.finish(outcome)
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
        let spend = move |connection: &mut _| spend::spend(connection, owner_columns, &attempts, &policy, now);
        self.writer.batch(spend).await
    }

    async fn dry_run(&self, attempt: &Attempt, policy: &Policy, now: Timestamp) -> Result<DryRun, StoreError> {
        let (owner_columns, attempt, policy) = (self.layout.owner_columns, attempt.clone(), policy.clone());
        let dry_run = move |connection: &mut _| spend::dry_run(connection, owner_columns, &attempt, &policy, now);
        self.writer.batch(dry_run).await
    }

    async fn remove(&self, id: &KeyId) -> Result<bool, StoreError> {
        let mut connection = self.writer.lend().await?;
        let outcome = self.bound(remove::remove(&mut connection, id)).await;
        connection.finish(outcome)
    }

    async fn remove_expired(
        &self,
        configurations: &ConfigFilter,
        before: Timestamp,
        skip: u32,
        limit: u32,
    ) -> Result<Removed, StoreError> {
        let configurations = configurations.clone();
        let remove =
            move |connection: &mut _| remove_expired::remove_expired(connection, &configurations, before, skip, limit);
        self.writer.batch(remove).await
    }

    async fn remove_exhausted(&self, ids: &[KeyId], policy: &Policy, now: Timestamp) -> Result<Removed, StoreError> {
        if ids.is_empty() {
            return Ok(Removed::default());
        }
        let mut connection = self.writer.lend().await?;
        let outcome = self.bound(remove::remove_exhausted(&mut connection, ids, policy, now)).await;
        connection.finish(outcome)
    }

    async fn count(
        &self,
        now: Timestamp,
        from: Option<CountCursor>,
        limit: NonZeroU32,
    ) -> Result<CountedPortion, StoreError> {
        self.bound(count::count(self.readers()?, now, from, limit)).await
    }

    async fn probe(&self) -> Result<(), StoreError> {
        let owner_columns = self.layout.owner_columns;
        self.writer.batch(move |connection| spend::probe(connection, owner_columns)).await
    }
}

/// Reads the key of that id.
async fn find(connection: &mut SqliteConnection, id: &KeyId) -> Result<Option<ApiKey>, StoreError> {
    const FIND: &str = concat!("select ", columns!("k."), r#" from "apikey" as k where k."id" = ?1"#);
    let row = query(FIND).bind(id.as_str()).fetch_optional(connection).await.map_err(store_error)?;
    row.map(|row| read_key(&row)).transpose()
}

mod count;
mod insert;
mod list;
mod remove;
pub(crate) mod spend;
mod update;

use std::num::NonZeroU32;

use async_trait::async_trait;
use keymint_domain::key::{KeyPatch, Revocation, StoredKey};
use keymint_domain::listing::{ListQuery, Page};
use keymint_domain::policy::{ConfigFilter, Policy};
use keymint_domain::verify::{Attempt, DryRun, Verdict};
use keymint_domain::{ApiKey, ConfigId, KeyId, OwnerId, Timestamp};
use keymint_ports::{CountCursor, CountedPortion, KeyStore, KeyStub, Removed, StoreError};
use sqlx::postgres::PgConnection;
use sqlx::query;

use self::spend::Failed;
use crate::PgStore;
use crate::error::store_error;
use crate::row::{Reader, read_key};

/// Begins a transaction whose statements see what was committed before each of them, whatever the server's default is:
/// who waits for a row then reads what the one before it wrote.
///
/// Whatever ends well ends its transaction before it answers. One that is merely dropped is rolled back by a task of the
/// pool, which may come after the caller's next call.
pub(crate) const BEGIN: &str = "begin isolation level read committed";

#[async_trait]
impl KeyStore for PgStore {
    async fn insert(&self, key: &ApiKey, max_living: Option<NonZeroU32>) -> Result<(), StoreError> {
        call!(self.pool, insert::insert, key, max_living, self.layout.widths)
    }

    async fn find(&self, id: &KeyId) -> Result<Option<ApiKey>, StoreError> {
        call!(self.pool, find, id)
    }

    async fn find_stub(&self, id: &KeyId) -> Result<Option<KeyStub>, StoreError> {
        call!(self.pool, find_stub, id)
    }

    async fn list(&self, query: &ListQuery) -> Result<Page, StoreError> {
        call!(self.pool, list::list, query)
    }

    async fn update(&self, id: &KeyId, patch: &KeyPatch, now: Timestamp) -> Result<Option<ApiKey>, StoreError> {
        call!(self.pool, update::update, id, patch, now, self.layout.widths)
    }

    async fn revoke_unreadable(&self, id: &KeyId, revocation: &Revocation) -> Result<bool, StoreError> {
        call!(self.pool, update::revoke_unreadable, id, revocation)
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
        call!(self.pool, spend::dry_run, self.layout.owner_columns, attempt, policy, now)
    }

    async fn remove(&self, id: &KeyId) -> Result<bool, StoreError> {
        call!(self.pool, remove::remove, id)
    }

    async fn remove_expired(
        &self,
        configurations: &ConfigFilter,
        before: Timestamp,
        skip: u32,
        limit: u32,
    ) -> Result<Removed, StoreError> {
        call!(self.pool, remove::remove_expired, configurations, before, skip, limit)
    }

    async fn remove_exhausted(&self, ids: &[KeyId], policy: &Policy, now: Timestamp) -> Result<Removed, StoreError> {
        if ids.is_empty() {
            return Ok(Removed::default());
        }
        call!(self.pool, remove::remove_exhausted, ids, policy, now)
    }

    async fn count(
        &self,
        now: Timestamp,
        from: Option<CountCursor>,
        limit: NonZeroU32,
    ) -> Result<CountedPortion, StoreError> {
        call!(self.pool, count::count, now, from, limit)
    }

    async fn probe(&self) -> Result<(), StoreError> {
        call!(self.lanes, spend::probe, self.layout.owner_columns)
    }
}

async fn find(connection: &mut PgConnection, id: &KeyId) -> Result<Option<ApiKey>, StoreError> {
    const FIND: &str = select_key!("");
    let row = query(FIND).bind(id.as_str()).fetch_optional(connection).await.map_err(store_error)?;
    row.as_ref().map(read_key).transpose()
}

impl PgStore {
    async fn spend_once(
        &self,
        attempts: &[Attempt],
        policy: &Policy,
        now: Timestamp,
    ) -> Result<Vec<Result<Verdict, StoreError>>, Failed> {
        let mut connection = self.lanes.lend().await?;
        let (deadline, owner_columns) = (self.lanes.deadline, self.layout.owner_columns);
        let outcome = spend::spend(&mut connection, deadline, owner_columns, &self.memory, attempts, policy, now).await;
        let may_be_broken = |error: &StoreError| matches!(error, StoreError::Unavailable(_));
        let is_broken = match &outcome {
            // Some of the batch was settled before the store failed.
            Ok(answers) => answers.iter().filter_map(|answer| answer.as_ref().err()).any(may_be_broken),
            Err(Failed::Unwritten(error) | Failed::Otherwise(error)) => may_be_broken(error),
        };
        if !is_broken {
            connection.give_back();
        }
        outcome
    }
}

/// Reads as much of the key of that id as can be read.
async fn find_stub(connection: &mut PgConnection, id: &KeyId) -> Result<Option<KeyStub>, StoreError> {
    const FIND: &str = r#"select "id", "referenceId", "configId", "key" from "apikey" where "id" = $1"#;
    let row = query(FIND).bind(id.as_str()).fetch_optional(connection).await.map_err(store_error)?;
    Ok(row.map(|row| {
        let row = Reader::new(&row, "apikey", "id");
        KeyStub {
            owner: row.parsed("referenceId", OwnerId::from_stored).ok(),
            config_id: row.text("configId").ok().map(ConfigId::from_optional),
            stored: row.text("key").ok().flatten().map(StoredKey::from_stored),
        }
    }))
}

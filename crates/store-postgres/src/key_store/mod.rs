mod count;
mod insert;
mod list;
mod remove;
pub(crate) mod spend;
mod update;

use std::num::NonZeroU32;

use async_trait::async_trait;
use keymint_domain::key::KeyPatch;
use keymint_domain::listing::{ListQuery, Page};
use keymint_domain::policy::{ConfigFilter, Policy};
use keymint_domain::verify::{Attempt, DryRun, Verdict};
use keymint_domain::{ApiKey, KeyId, Timestamp};
use keymint_ports::{CountCursor, CountedPortion, KeyStore, StoreError};
use sqlx::query;

use self::spend::Failed;
use crate::PgStore;
use crate::error::store_error;
use crate::lent::Lent;
use crate::row::read_key;

/// Begins a transaction whose statements see what was committed before each of them, whatever the server's default is:
/// who waits for a row then reads what the one before it wrote.
///
/// Whatever ends well ends its transaction before it answers. One that is merely dropped is rolled back by a task of the
/// pool, which may come after the caller's next call.
pub(crate) const BEGIN: &str = "begin isolation level read committed";

#[async_trait]
impl KeyStore for PgStore {
    async fn insert(&self, key: &ApiKey, max_living: Option<NonZeroU32>) -> Result<(), StoreError> {
        let mut connection = Lent::from(&self.pool).await?;
        let outcome = insert::insert(&mut connection, key, max_living).await;
        connection.finish(outcome)
    }

    async fn find(&self, id: &KeyId) -> Result<Option<ApiKey>, StoreError> {
        const FIND: &str = select_key!("");
        let row = query(FIND).bind(id.as_str()).fetch_optional(&self.pool).await.map_err(store_error)?;
        row.as_ref().map(read_key).transpose()
    }

    async fn list(&self, query: &ListQuery) -> Result<Page, StoreError> {
        let mut connection = Lent::from(&self.pool).await?;
        let outcome = list::list(&mut connection, query).await;
        connection.finish(outcome)
    }

    async fn update(&self, id: &KeyId, patch: &KeyPatch, now: Timestamp) -> Result<Option<ApiKey>, StoreError> {
        let mut connection = Lent::from(&self.pool).await?;
        let outcome = update::update(&mut connection, id, patch, now).await;
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
        match self.spend_once(attempts, policy, now).await {
            Err(Failed::Unwritten(_)) => Ok(self.spend_once(attempts, policy, now).await?),
            outcome => Ok(outcome?),
        }
    }

    async fn dry_run(&self, attempt: &Attempt, policy: &Policy, now: Timestamp) -> Result<DryRun, StoreError> {
        let mut connection = Lent::from(&self.pool).await?;
        let outcome = spend::dry_run(&mut connection, self.layout.owner_columns, attempt, policy, now).await;
        connection.finish(outcome)
    }

    async fn remove(&self, id: &KeyId) -> Result<bool, StoreError> {
        remove::remove(&self.pool, id).await
    }

    async fn remove_expired(
        &self,
        configurations: &ConfigFilter,
        before: Timestamp,
        limit: u32,
    ) -> Result<u32, StoreError> {
        remove::remove_expired(&self.pool, configurations, before, limit).await
    }

    async fn remove_exhausted(&self, ids: &[KeyId], policy: &Policy, now: Timestamp) -> Result<u32, StoreError> {
        if ids.is_empty() {
            return Ok(0);
        }
        let mut connection = Lent::from(&self.pool).await?;
        let outcome = remove::remove_exhausted(&mut connection, ids, policy, now).await;
        connection.finish(outcome)
    }

    async fn count(
        &self,
        now: Timestamp,
        from: Option<CountCursor>,
        limit: NonZeroU32,
    ) -> Result<CountedPortion, StoreError> {
        count::count(&self.pool, now, from, limit).await
    }

    async fn probe(&self) -> Result<(), StoreError> {
        let mut connection = Lent::from(&self.pool).await?;
        let outcome = spend::probe(&mut connection, self.layout.owner_columns).await;
        connection.finish(outcome)
    }
}

impl PgStore {
    async fn spend_once(
        &self,
        attempts: &[Attempt],
        policy: &Policy,
        now: Timestamp,
    ) -> Result<Vec<Result<Verdict, StoreError>>, Failed> {
        let mut connection = Lent::from(&self.pool).await?;
        let outcome =
            spend::spend(&mut connection, self.layout.owner_columns, &self.memory, attempts, policy, now).await;
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

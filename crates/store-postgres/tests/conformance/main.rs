//! The Postgres store under the suite that every store passes.

#![expect(clippy::unwrap_used, reason = "test support")]

mod specimens;
#[path = "../support/mod.rs"]
mod support;

use async_trait::async_trait;
use keymint_conformance::{Engine, Refused, Specimens, SqlEngine};
use keymint_domain::OwnerId;
use keymint_domain::verify::Owner;
use keymint_store_memory::MemoryStore;
use keymint_store_postgres::{ConnectError, PgStore};
use sqlx::{AssertSqlSafe, query_scalar};

use crate::specimens::SPECIMENS;
use crate::support::Database;

/// A fresh database.
struct Fresh {
    database: Database,
    knows_bans: bool,
}

impl Fresh {
    async fn empty() -> Self {
        Self { database: Database::new().await, knows_bans: false }
    }

    /// With the columns that Better Auth's admin plugin adds.
    async fn with_bans() -> Self {
        let fresh = Self { knows_bans: true, ..Self::without_bans().await };
        let admin_plugin = r#"alter table "user" add column "banned" boolean, add column "banExpires" timestamptz"#;
        fresh.database.execute(admin_plugin).await;
        fresh
    }

    /// Without them the rows of keys alone decide, and the store remembers those.
    async fn without_bans() -> Self {
        let fresh = Self::empty().await;
        fresh.migrate().await;
        fresh
    }
}

#[async_trait]
impl Engine for Fresh {
    type Store = PgStore;

    async fn open(&self) -> PgStore {
        self.database.open().await
    }

    async fn put_owner(&self, id: &OwnerId, owner: Owner) {
        self.database.put_owner(id, owner, self.knows_bans).await;
    }
}

#[async_trait]
impl SqlEngine for Fresh {
    async fn another(&self) -> Self {
        Self::empty().await
    }

    async fn try_open(&self) -> Result<PgStore, Refused> {
        PgStore::connect(&self.database.options()).await.map_err(|error| {
            let text = error.to_string();
            let missing = if let ConnectError::Layout { missing } = error { missing } else { Vec::new() };
            Refused { missing, text }
        })
    }

    async fn migrate(&self) {
        PgStore::migrate(&self.database.options()).await.unwrap();
    }

    async fn migrate_to(&self, version: i64) {
        let mut migrator = sqlx::migrate!("../../migrations/postgres");
        migrator.dangerous_set_table_name("keymint_migrations");
        migrator.run_direct(Some(version), &mut self.database.stranger().await, false).await.unwrap();
    }

    async fn execute(&self, sql: &str) {
        self.database.execute(sql).await;
    }

    async fn ask(&self, sql: &str) -> Vec<String> {
        query_scalar(AssertSqlSafe(sql)).fetch_all(&mut self.database.stranger().await).await.unwrap()
    }

    fn specimens(&self) -> &'static Specimens {
        &SPECIMENS
    }
}

keymint_conformance::suite!([#[tokio::test(flavor = "multi_thread")]] [Fresh::with_bans().await]);
keymint_conformance::identity_suite!([#[tokio::test(flavor = "multi_thread")]] [Fresh::with_bans().await]);
keymint_conformance::event_suite!([#[tokio::test(flavor = "multi_thread")]] [Fresh::with_bans().await]);
keymint_conformance::usage_suite!([#[tokio::test(flavor = "multi_thread")]] [Fresh::with_bans().await]);

keymint_conformance::survey_suite!([#[tokio::test(flavor = "multi_thread")]] [Fresh::with_bans().await]);
keymint_conformance::webhook_suite!([#[tokio::test(flavor = "multi_thread")]] [Fresh::with_bans().await]);
keymint_conformance::sql_suite!([#[tokio::test(flavor = "multi_thread")]] [Fresh::empty().await]);

#[test]
fn random_operations_answer_as_in_memory() {
    keymint_conformance::model::every_sequence_agrees(24, async || (Fresh::with_bans().await, MemoryStore::default()));
}

mod without_bans {
    use super::*;

    keymint_conformance::suite_without_bans!([#[tokio::test(flavor = "multi_thread")]] [Fresh::without_bans().await]);

    #[test]
    fn random_operations_answer_as_in_memory() {
        let fresh = async || (Fresh::without_bans().await, MemoryStore::default());
        keymint_conformance::model::every_sequence_agrees(24, fresh);
    }
}

//! The SQLite store under the suite that every store passes.

#![expect(clippy::unwrap_used, reason = "test support")]

mod specimens;
#[path = "../support/mod.rs"]
mod support;

use async_trait::async_trait;
use keymint_conformance::{Engine, Refused, Specimens, SqlEngine};
use keymint_domain::OwnerId;
use keymint_domain::verify::{Ban, Owner};
use keymint_store_memory::MemoryStore;
use keymint_store_sqlite::{ConnectError, SqliteStore};
use sqlx::{AssertSqlSafe, query, query_scalar};

use crate::specimens::SPECIMENS;
use crate::support::Database;

struct Fresh(Database);

impl Fresh {
    fn empty() -> Self {
        Self(Database::new())
    }

    /// A database with the columns that Better Auth's admin plugin adds.
    async fn new() -> Self {
        let database = Database::new();
        SqliteStore::migrate(&database.options()).await.unwrap();
        let admin_plugin = r#"
            alter table "user" add column "banned" integer;
            alter table "user" add column "banExpires" date"#;
        database.execute(admin_plugin).await;
        Self(database)
    }
}

#[async_trait]
impl Engine for Fresh {
    type Store = SqliteStore;

    async fn open(&self) -> SqliteStore {
        self.0.open().await
    }

    async fn put_owner(&self, id: &OwnerId, owner: Owner) {
        const DELETE: &str = r#"delete from "user" where "id" = ?1"#;
        const UPSERT: &str = r#"insert into "user"
            ("id", "name", "email", "emailVerified", "createdAt", "updatedAt", "banned", "banExpires")
            values (?1, '', ?1, 1, '2023-11-14T22:13:20.000Z', '2023-11-14T22:13:20.000Z', ?2, ?3)
            on conflict ("id") do update set "banned" = excluded."banned", "banExpires" = excluded."banExpires""#;
        let mut stranger = self.0.stranger().await;
        let (banned, until) = match owner {
            Owner::Absent => {
                query(DELETE).bind(id.as_str()).execute(&mut stranger).await.unwrap();
                return;
            }
            Owner::Present => (false, None),
            Owner::Banned(Ban { until }) => (true, until),
        };
        let upsert = query(UPSERT).bind(id.as_str()).bind(banned).bind(until.map(|until| until.to_string()));
        upsert.execute(&mut stranger).await.unwrap();
    }
}

#[async_trait]
impl SqlEngine for Fresh {
    async fn another(&self) -> Self {
        Self::empty()
    }

    async fn try_open(&self) -> Result<SqliteStore, Refused> {
        SqliteStore::connect(&self.0.options()).await.map_err(|error| {
            let text = error.to_string();
            let missing = if let ConnectError::Layout { missing } = error { missing } else { Vec::new() };
            Refused { missing, text }
        })
    }

    async fn migrate(&self) {
        SqliteStore::migrate(&self.0.options()).await.unwrap();
    }

    async fn migrate_to(&self, version: i64) {
        let mut migrator = sqlx::migrate!("../../migrations/sqlite");
        migrator.dangerous_set_table_name("keymint_migrations");
        migrator.run_direct(Some(version), &mut self.0.stranger().await, false).await.unwrap();
    }

    async fn execute(&self, sql: &str) {
        self.0.execute(sql).await;
    }

    async fn ask(&self, sql: &str) -> Vec<String> {
        query_scalar(AssertSqlSafe(sql)).fetch_all(&mut self.0.stranger().await).await.unwrap()
    }

    fn specimens(&self) -> &'static Specimens {
        &SPECIMENS
    }
}

keymint_conformance::suite!([#[tokio::test(flavor = "multi_thread")]] [Fresh::new().await]);
keymint_conformance::identity_suite!([#[tokio::test(flavor = "multi_thread")]] [Fresh::new().await]);
keymint_conformance::event_suite!([#[tokio::test(flavor = "multi_thread")]] [Fresh::new().await]);
keymint_conformance::usage_suite!([#[tokio::test(flavor = "multi_thread")]] [Fresh::new().await]);

keymint_conformance::survey_suite!([#[tokio::test(flavor = "multi_thread")]] [Fresh::new().await]);
keymint_conformance::webhook_suite!([#[tokio::test(flavor = "multi_thread")]] [Fresh::new().await]);
keymint_conformance::sql_suite!([#[tokio::test(flavor = "multi_thread")]] [Fresh::empty()]);

#[test]
fn random_operations_answer_as_in_memory() {
    keymint_conformance::model::every_sequence_agrees(64, async || (Fresh::new().await, MemoryStore::default()));
}

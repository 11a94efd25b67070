//! The SQLite store under the suite that every store passes.

#![expect(clippy::unwrap_used, reason = "test support")]

mod support;

use async_trait::async_trait;
use keymint_conformance::Engine;
use keymint_domain::OwnerId;
use keymint_domain::verify::Owner;
use keymint_store_memory::MemoryStore;
use keymint_store_sqlite::SqliteStore;
use sqlx::query;

use crate::support::Database;

struct Fresh(Database);

impl Fresh {
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
        const INSERT: &str = r#"insert into "user"
            ("id", "name", "email", "emailVerified", "createdAt", "updatedAt", "banned", "banExpires")
            values (?1, '', ?1, 1, '2023-11-14T22:13:20.000Z', '2023-11-14T22:13:20.000Z', ?2, ?3)"#;
        let mut stranger = self.0.stranger().await;
        query(DELETE).bind(id.as_str()).execute(&mut stranger).await.unwrap();
        let (banned, until) = match owner {
            Owner::Absent => return,
            Owner::Present => (false, None),
            Owner::Banned { until } => (true, until),
        };
        let insert = query(INSERT).bind(id.as_str()).bind(banned).bind(until.map(|until| until.to_string()));
        insert.execute(&mut stranger).await.unwrap();
    }
}

keymint_conformance::suite!([#[tokio::test(flavor = "multi_thread")]] [Fresh::new().await]);

#[test]
fn random_operations_answer_as_in_memory() {
    keymint_conformance::model::every_sequence_agrees(64, async || (Fresh::new().await, MemoryStore::default()));
}

//! The Postgres store under the suite that every store passes.

#![expect(clippy::unwrap_used, reason = "test support")]

mod support;

use async_trait::async_trait;
use keymint_conformance::Engine;
use keymint_domain::OwnerId;
use keymint_domain::verify::{Ban, Owner};
use keymint_store_memory::MemoryStore;
use keymint_store_postgres::PgStore;
use sqlx::query;

use crate::support::Database;

struct Fresh(Database);

impl Fresh {
    /// A database with the columns that Better Auth's admin plugin adds.
    async fn new() -> Self {
        let database = Database::new().await;
        PgStore::migrate(&database.options()).await.unwrap();
        let admin_plugin = r#"alter table "user" add column "banned" boolean, add column "banExpires" timestamptz"#;
        database.execute(admin_plugin).await;
        Self(database)
    }
}

#[async_trait]
impl Engine for Fresh {
    type Store = PgStore;

    async fn open(&self) -> PgStore {
        self.0.open().await
    }

    async fn put_owner(&self, id: &OwnerId, owner: Owner) {
        const DELETE: &str = r#"delete from "user" where "id" = $1"#;
        const UPSERT: &str = r#"insert into "user"
            ("id", "name", "email", "emailVerified", "banned", "banExpires")
            values ($1, '', $1, true, $2, $3::text::timestamptz)
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

keymint_conformance::suite!([#[tokio::test(flavor = "multi_thread")]] [Fresh::new().await]);
keymint_conformance::identity_suite!([#[tokio::test(flavor = "multi_thread")]] [Fresh::new().await]);

#[test]
fn random_operations_answer_as_in_memory() {
    keymint_conformance::model::every_sequence_agrees(24, async || (Fresh::new().await, MemoryStore::default()));
}

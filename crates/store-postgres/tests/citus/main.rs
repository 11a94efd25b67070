//! The Postgres store on Citus, with keys in shards, under the suites that every store passes. `KEYMINT_TEST_CITUS_URL`
//! names a database on the coordinator, in which the workers were added. The feature `citus-tests` compiles these tests.

#![cfg(feature = "citus-tests")]
#![expect(clippy::unwrap_used, reason = "test support")]

mod distribution;
mod faults;
mod hot_path;
mod moving;
#[path = "../support/mod.rs"]
mod support;

use async_trait::async_trait;
use keymint_conformance::Engine;
use keymint_domain::OwnerId;
use keymint_domain::verify::Owner;
use keymint_store_memory::MemoryStore;
use keymint_store_postgres::PgStore;

use crate::support::Database;

/// A fresh database.
struct Distributed {
    database: Database,
    knows_bans: bool,
}

impl Distributed {
    async fn without_bans() -> Self {
        Self { database: Database::distributed().await, knows_bans: false }
    }

    /// With the columns that Better Auth's admin plugin adds.
    async fn with_bans() -> Self {
        let distributed = Self { knows_bans: true, ..Self::without_bans().await };
        let admin_plugin = r#"alter table "user" add column "banned" boolean, add column "banExpires" timestamptz"#;
        distributed.database.execute(admin_plugin).await;
        distributed
    }
}

#[async_trait]
impl Engine for Distributed {
    type Store = PgStore;

    async fn open(&self) -> PgStore {
        self.database.open().await
    }

    async fn put_owner(&self, id: &OwnerId, owner: Owner) {
        self.database.put_owner(id, owner, self.knows_bans).await;
    }
}

keymint_conformance::suite!(
    [#[tokio::test(flavor = "multi_thread")]] [Distributed::with_bans().await]
);
keymint_conformance::identity_suite!(
    [#[tokio::test(flavor = "multi_thread")]] [Distributed::with_bans().await]
);
keymint_conformance::event_suite!(
    [#[tokio::test(flavor = "multi_thread")]] [Distributed::with_bans().await]
);
keymint_conformance::usage_suite!(
    [#[tokio::test(flavor = "multi_thread")]] [Distributed::with_bans().await]
);
keymint_conformance::survey_suite!(
    [#[tokio::test(flavor = "multi_thread")]] [Distributed::with_bans().await]
);
keymint_conformance::webhook_suite!(
    [#[tokio::test(flavor = "multi_thread")]] [Distributed::with_bans().await]
);

#[test]
fn random_operations_answer_as_in_memory() {
    let fresh = async || (Distributed::with_bans().await, MemoryStore::default());
    keymint_conformance::model::every_sequence_agrees(4, fresh);
}

mod without_bans {
    use super::*;

    keymint_conformance::suite_without_bans!(
        [#[tokio::test(flavor = "multi_thread")]] [Distributed::without_bans().await]
    );
}

//! A database of its own for each test.

#![allow(dead_code, reason = "each test binary uses its own part")]
#![allow(clippy::allow_attributes, reason = "each test binary uses its own part")]

use std::num::NonZeroU32;

use keymint_domain::OwnerId;
use keymint_domain::verify::{Ban, Owner};
use keymint_store_postgres::{PgOptions, PgStore};
use keymint_test_postgres::{CitusTemplate, citus_database, database};
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection as _, query, query_scalar, raw_sql};
use tokio::sync::OnceCell;

/// A fresh database.
pub(crate) struct Database {
    url: String,
}

impl Database {
    pub(crate) async fn new() -> Self {
        Self { url: database().await }
    }

    /// On Citus, with keys in a few shards.
    pub(crate) async fn distributed() -> Self {
        static TEMPLATE: OnceCell<CitusTemplate> = OnceCell::const_new();
        let make = async || {
            let database = Self { url: citus_database().await };
            let shards = NonZeroU32::new(4).unwrap();
            PgStore::plan_distribution(&database.options(), shards).await.unwrap();
            PgStore::distribute(&database.options(), shards).await.unwrap();
            CitusTemplate::of(&database.url).await
        };
        Self { url: TEMPLATE.get_or_init(make).await.copy().await }
    }

    pub(crate) fn at(url: String) -> Self {
        Self { url }
    }

    pub(crate) fn url(&self) -> String {
        self.url.clone()
    }

    /// Few connections, because many databases share one server.
    pub(crate) fn options(&self) -> PgOptions {
        PgOptions { max_connections: 4, ..PgOptions::new(&self.url) }
    }

    pub(crate) async fn name(&self) -> String {
        query_scalar("select current_database()::text").fetch_one(&mut self.stranger().await).await.unwrap()
    }

    pub(crate) async fn open(&self) -> PgStore {
        PgStore::connect(&self.options()).await.unwrap()
    }

    /// A connection of somebody else's.
    pub(crate) async fn stranger(&self) -> PgConnection {
        PgConnection::connect(&self.url).await.unwrap()
    }

    pub(crate) async fn execute(&self, sql: &str) {
        raw_sql(AssertSqlSafe(sql)).execute(&mut self.stranger().await).await.unwrap();
    }

    /// Writes the row of an owner, with a ban if the table knows bans.
    pub(crate) async fn put_owner(&self, id: &OwnerId, owner: Owner, knows_bans: bool) {
        const DELETE: &str = r#"delete from "user" where "id" = $1"#;
        const INSERT: &str = r#"insert into "user" ("id", "name", "email", "emailVerified") values ($1, '', $1, true)
            on conflict ("id") do nothing"#;
        const BAN: &str = r#"update "user" set "banned" = $2, "banExpires" = $3::text::timestamptz where "id" = $1"#;
        let mut stranger = self.stranger().await;
        let (banned, until) = match owner {
            Owner::Absent => {
                query(DELETE).bind(id.as_str()).execute(&mut stranger).await.unwrap();
                return;
            }
            Owner::Present => (false, None),
            Owner::Banned(Ban { until }) => (true, until),
        };
        query(INSERT).bind(id.as_str()).execute(&mut stranger).await.unwrap();
        if knows_bans {
            let ban = query(BAN).bind(id.as_str()).bind(banned).bind(until.map(|until| until.to_string()));
            ban.execute(&mut stranger).await.unwrap();
        } else {
            assert!(!banned, "there is no column for it");
        }
    }
}

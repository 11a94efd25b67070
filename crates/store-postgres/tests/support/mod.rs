//! A database of its own for each test.

#![allow(dead_code, reason = "each test binary uses its own part")]
#![allow(clippy::allow_attributes, reason = "each test binary uses its own part")]

use std::num::NonZeroU32;

use keymint_store_postgres::{PgOptions, PgStore};
use keymint_test_postgres::{CitusTemplate, citus_database, database};
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection as _, query_scalar, raw_sql};
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
}

//! Databases that cannot be reached, and tables that suit verifications.

#![expect(clippy::unwrap_used, reason = "test support")]

mod support;

use std::time::Duration;

use keymint_store_postgres::{ConnectError, PgOptions, PgStore};
use sqlx::postgres::PgConnection;
use sqlx::{Connection as _, query, query_scalar};
use tokio::time::timeout;

use crate::support::Database;

async fn ask(database: &Database, question: &'static str) -> Vec<String> {
    query_scalar(question).fetch_all(&mut database.stranger().await).await.unwrap()
}

#[tokio::test]
async fn a_session_that_keeps_a_table_locked_stops_a_migration_and_is_named() {
    let database = Database::new().await;
    PgStore::migrate(&database.options()).await.unwrap();
    database.execute("delete from keymint_migrations where version >= 5").await;
    let url = format!("{}&application_name=report", database.url());
    let mut stranger = PgConnection::connect(&url).await.unwrap();
    let mut reads = stranger.begin().await.unwrap();
    query(r#"select 1 from "apikey""#).execute(&mut *reads).await.unwrap();

    let options = PgOptions { statement_timeout_ms: 3000, ..database.options() };
    let started = timeout(Duration::from_mins(1), PgStore::connect(&options)).await;
    let error = started.expect("the lock is not waited for without a bound").unwrap_err();
    let told = error.to_string();
    let expected = "the database cannot be migrated, since it waits too long for a lock on a table: server process ";
    assert!(matches!(error, ConnectError::MigrationWaits { .. }) && told.starts_with(expected), "{told}");
    assert!(told.contains(" by report, in a transaction for "), "{told}");
    assert_eq!(ask(&database, "select count(*)::text from keymint_migrations").await, ["4"]);

    reads.rollback().await.unwrap();
    PgStore::connect(&options).await.unwrap();
}

#[tokio::test]
async fn what_cannot_be_reached_is_an_error() {
    let nobody = PgOptions { acquire_timeout_ms: 200, ..PgOptions::new("postgres://localhost/?host=/nowhere") };
    assert!(matches!(PgStore::connect(&nobody).await, Err(ConnectError::Open(_))));
    let garbled = PgOptions::new("postgres://localhost:x/");
    assert!(matches!(PgStore::connect(&garbled).await, Err(ConnectError::Url(_))));
}

/// An update that changes nothing indexed, and finds room on its row's page, leaves all indexes alone.
#[tokio::test]
async fn a_verification_need_not_touch_an_index() {
    let database = Database::new().await;
    PgStore::migrate(&database.options()).await.unwrap();
    let room = "select array_to_string(reloptions, ' ') from pg_class where oid = 'apikey'::regclass";
    assert_eq!(ask(&database, room).await, ["fillfactor=75"]);
    let indexed = r"select a.attname::text from pg_index as i join pg_attribute as a
        on a.attrelid = i.indrelid and a.attnum = any(i.indkey) where i.indrelid = 'apikey'::regclass";
    let indexed = ask(&database, indexed).await;
    assert!(indexed.iter().any(|column| column == "key"), "{indexed:?}");
    let changed = ["remaining", "lastRefillAt", "requestCount", "lastRequest", "keymint_backlog_ns", "updatedAt"];
    assert!(!indexed.iter().any(|column| changed.contains(&&**column)), "{indexed:?}");
}

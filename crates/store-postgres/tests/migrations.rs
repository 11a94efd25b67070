//! Databases that cannot be reached, and tables that suit verifications.

#![expect(clippy::unwrap_used, reason = "test support")]

mod support;

use keymint_store_postgres::{ConnectError, PgOptions, PgStore};
use sqlx::query_scalar;

use crate::support::Database;

async fn ask(database: &Database, question: &'static str) -> Vec<String> {
    query_scalar(question).fetch_all(&mut database.stranger().await).await.unwrap()
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

//! The store says what it stands on.

#![expect(clippy::unwrap_used, reason = "test support")]

mod support;

use std::num::NonZeroU32;

use keymint_store_postgres::{DistributeError, PgOptions, PgStore};
use keymint_test_postgres::PrivateCluster;

use crate::support::Database;

#[tokio::test]
async fn a_database_that_takes_writes_needs_no_word() {
    let store = Database::new().await.open().await;
    let (engine, behind) = (store.behind().engine(), store.behind());
    assert_eq!((engine.name(), engine.role(), behind.pooler()), ("postgres", "primary", "none"));
    assert_eq!(behind.advice().next(), None);
}

#[tokio::test]
async fn a_database_without_citus_is_not_distributed() {
    let database = Database::new().await;
    let refused = PgStore::distribute(&database.options(), NonZeroU32::MIN).await.unwrap_err();
    assert!(matches!(refused, DistributeError::NotCitus), "{refused}");
}

#[tokio::test]
async fn a_read_only_database_is_told() {
    let database = Database::new().await;
    drop(database.open().await);
    let name = database.name().await;
    database.execute(&format!("alter database {name} set default_transaction_read_only = on")).await;
    let store = database.open().await;
    let (behind, warning) = (store.behind().to_string(), store.behind().advice().next().unwrap());
    assert!(behind.ends_with(", read-only"), "{behind}");
    assert!(warning.starts_with("the database is read-only"), "{warning}");
    assert_eq!(store.behind().engine().role(), "read_only");
}

#[tokio::test]
async fn a_standby_is_told() {
    let cluster = PrivateCluster::start().await;
    let database = cluster.database().await;
    PgStore::migrate(&PgOptions::new(&database)).await.unwrap();
    let standby = cluster.standby().await;
    let url = keymint_test_postgres::url_at(standby.folder(), &database);
    // The standby gets what was migrated before it was made.
    let store = PgStore::connect(&PgOptions::new(url)).await.unwrap();
    let (behind, warning) = (store.behind().to_string(), store.behind().advice().next().unwrap());
    assert!(behind.ends_with(", a standby"), "{behind}");
    assert!(warning.contains("it takes no writes") && warning.contains("target_session_attrs=primary"), "{warning}");
    assert_eq!(store.behind().engine().role(), "standby");
}

//! Files that are made, refused and waited for when a store is opened.

#![expect(clippy::unwrap_used, reason = "test support")]

mod support;

use keymint_conformance::sample;
use keymint_ports::KeyStore as _;
use keymint_store_sqlite::{ConnectError, SqliteOptions, SqliteStore};
use sqlx::{Connection as _, query_scalar};

use crate::support::Database;

async fn ask(database: &Database, question: &'static str) -> Vec<String> {
    query_scalar(question).fetch_all(&mut database.stranger().await).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_file_that_somebody_writes_to_is_waited_for() {
    let database = Database::new();
    database.execute("create table strangers (id)").await;
    let mut stranger = database.stranger().await;
    let lock = stranger.begin_with("begin immediate").await.unwrap();
    let (patient, impatient) = (database.options(), SqliteOptions { busy_timeout_ms: 200, ..database.options() });
    let waiting = tokio::spawn(async move { SqliteStore::connect(&patient).await });
    // It runs out of patience only after the other has met the lock.
    assert!(matches!(SqliteStore::connect(&impatient).await, Err(ConnectError::Open(_))));
    lock.rollback().await.unwrap();
    assert!(waiting.await.unwrap().is_ok());
}

#[tokio::test]
async fn the_file_is_its_owners_alone() {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    let database = Database::new();
    let store = database.open().await;
    store.insert(&sample::key("a"), None, &sample::UNRECORDED).await.unwrap();
    for file in fs::read_dir(database.path().parent().unwrap()).unwrap() {
        let file = file.unwrap();
        let mode = file.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{}", file.file_name().display());
    }
}

#[tokio::test]
async fn a_file_that_is_there_keeps_its_rights() {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    let database = Database::new();
    fs::write(database.path(), "").unwrap();
    fs::set_permissions(database.path(), fs::Permissions::from_mode(0o640)).unwrap();
    database.open().await;
    assert_eq!(fs::metadata(database.path()).unwrap().permissions().mode() & 0o777, 0o640);
}

#[tokio::test]
async fn what_cannot_be_a_database_is_an_error() {
    let database = Database::new();
    let nowhere = SqliteOptions::new(database.path().join("no/such/folder"));
    assert!(matches!(SqliteStore::connect(&nowhere).await, Err(ConnectError::Open(_))));
    std::fs::write(database.path(), "this is a letter, not a database".repeat(100)).unwrap();
    assert!(matches!(SqliteStore::connect(&database.options()).await, Err(ConnectError::Open(_))));
}

#[tokio::test]
async fn a_database_that_must_be_there_is_not_made() {
    let database = Database::new();
    let options = SqliteOptions { must_exist: true, ..database.options() };
    let error = SqliteStore::connect(&options).await.unwrap_err();
    assert!(matches!(&error, ConnectError::Missing { path } if *path == database.path()), "{error}");
    assert!(!database.path().exists());
    std::fs::write(database.path(), "").unwrap();
    assert!(matches!(SqliteStore::connect(&options).await, Err(ConnectError::Unused { .. })));
    SqliteStore::migrate(&database.options()).await.unwrap();
    assert!(SqliteStore::connect(&options).await.is_ok());
}

#[tokio::test]
async fn a_database_that_is_up_to_date_is_opened_while_somebody_writes() {
    let database = Database::new();
    SqliteStore::migrate(&database.options()).await.unwrap();
    let mut stranger = database.stranger().await;
    let writes = stranger.begin_with("begin immediate").await.unwrap();
    let impatient = SqliteOptions { busy_timeout_ms: 2000, ..database.options() };
    assert!(SqliteStore::connect(&impatient).await.is_ok());
    writes.rollback().await.unwrap();
}

#[tokio::test]
async fn columns_in_which_values_would_change_are_refused_before_anything_is_changed() {
    for (column, other_type, expected) in [
        ("remaining", "text", "text, and must be integer"),
        ("requestCount", "real", "real, and must be integer"),
        ("enabled", "varchar(5)", "varchar(5), and must be integer"),
        ("id", "INTEGER", "integer, and must be text"),
        ("referenceId", "numeric", "numeric, and must be text"),
    ] {
        let database = Database::new();
        let expected = format!("the database cannot be used as it is: apikey.{column} is {expected}");
        let table = with_type(column, other_type);
        database.execute(&table).await;
        assert_eq!(SqliteStore::connect(&database.options()).await.unwrap_err().to_string(), expected);
        let tables = "select name from sqlite_schema where type = 'table' order by name";
        assert_eq!(ask(&database, tables).await, ["apikey"]);
    }
}

#[tokio::test]
async fn columns_of_other_names_for_the_same_are_taken() {
    for (column, other_type) in
        [("remaining", "bigint"), ("enabled", "boolean"), ("name", "varchar(40)"), ("start", "")]
    {
        let database = Database::new();
        database.execute(&with_type(column, other_type)).await;
        let store = database.open().await;
        store.insert(&sample::key("a"), None, &sample::UNRECORDED).await.unwrap();
        assert_eq!(store.find(&sample::id("a")).await.unwrap(), Some(sample::key("a")), "{column} {other_type}");
    }
}

#[tokio::test]
async fn a_view_in_the_place_of_the_keys_is_refused() {
    let (fresh, migrated) = (Database::new(), Database::new());
    fresh.execute(&with_type("name", "text")).await;
    SqliteStore::migrate(&migrated.options()).await.unwrap();
    for database in [fresh, migrated] {
        database.execute("alter table apikey rename to keys; create view ApiKey as select * from keys").await;
        let error = SqliteStore::connect(&database.options()).await.unwrap_err();
        let expected = "the database cannot be used as it is: apikey is a view, and must be a table";
        assert_eq!(error.to_string(), expected);
    }
}

#[tokio::test]
async fn a_column_that_must_be_given_and_is_not_known_is_refused() {
    let database = Database::new();
    let table = with_type("name", "text");
    let more = r#", "tenant" text not null, "region" text not null, "nullable" text, "preset" text not null default 'x',
        "twice" integer not null generated always as (2) stored)"#;
    database.execute(&format!("{}{more}", table.strip_suffix(')').unwrap())).await;
    let told = |column: &str| {
        format!(
            "apikey.{column} is not null without a default, and must be nullable or have one: Keymint writes no such column"
        )
    };
    let expected = format!("the database cannot be used as it is: {}; {}", told("region"), told("tenant"));
    assert_eq!(SqliteStore::connect(&database.options()).await.unwrap_err().to_string(), expected);

    database.execute("alter table apikey drop region; alter table apikey drop tenant").await;
    database.open().await.insert(&sample::key("a"), None, &sample::UNRECORDED).await.unwrap();
}

/// Better Auth's table of keys, with one column of another type.
fn with_type(column: &str, other_type: &str) -> String {
    let columns = [
        ("id", "text not null primary key"),
        ("configId", "text"),
        ("name", "text"),
        ("start", "text"),
        ("referenceId", "text"),
        ("prefix", "text"),
        ("key", "text"),
        ("refillInterval", "integer"),
        ("refillAmount", "integer"),
        ("lastRefillAt", "date"),
        ("enabled", "integer"),
        ("rateLimitEnabled", "integer"),
        ("rateLimitTimeWindow", "integer"),
        ("rateLimitMax", "integer"),
        ("requestCount", "integer"),
        ("remaining", "integer"),
        ("lastRequest", "date"),
        ("expiresAt", "date"),
        ("createdAt", "date"),
        ("updatedAt", "date"),
        ("permissions", "text"),
        ("metadata", "text"),
    ];
    let columns = columns.map(|(name, kind)| format!("{name:?} {}", if name == column { other_type } else { kind }));
    format!(r#"create table "apikey" ({})"#, columns.join(", "))
}

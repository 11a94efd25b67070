//! Migrations run on whatever database they meet, once, whoever starts them.

#![expect(clippy::unwrap_used, reason = "test support")]

mod support;

use std::sync::Arc;

use keymint_conformance::sample;
use keymint_domain::policy::Policy;
use keymint_ports::{IdentityStore as _, KeyStore, ServerKeyStore as _};
use keymint_store_sqlite::{ConnectError, SqliteOptions, SqliteStore};
use sqlx::{Connection as _, query_scalar};
use tokio::sync::Barrier;

use crate::support::Database;

/// The table as the api-key plugin made it up to 1.4.
const OLD_LAYOUT: &str = r#"
    create table "apikey" ("id" text not null primary key, "name" text, "start" text, "prefix" text, "key" text not null,
        "userId" text not null, "refillInterval" integer, "refillAmount" integer, "lastRefillAt" date, "enabled" integer,
        "rateLimitEnabled" integer, "rateLimitTimeWindow" integer, "rateLimitMax" integer, "requestCount" integer,
        "remaining" integer, "lastRequest" date, "expiresAt" date, "createdAt" date not null, "updatedAt" date not null,
        "permissions" text, "metadata" text)"#;

async fn ask(database: &Database, question: &'static str) -> Vec<String> {
    query_scalar(question).fetch_all(&mut database.stranger().await).await.unwrap()
}

#[tokio::test]
async fn a_second_migration_changes_nothing() {
    const SCHEMA: &str = "select coalesce(sql, name) from sqlite_schema order by 1";
    let database = Database::new();
    SqliteStore::migrate(&database.options()).await.unwrap();
    let schema = ask(&database, SCHEMA).await;
    SqliteStore::migrate(&database.options()).await.unwrap();
    assert_eq!(ask(&database, SCHEMA).await, schema);
    let tables = "select name from sqlite_schema where type = 'table' and name not like 'sqlite_%' order by name";
    let expected = "account apikey invitation keymint_migrations keymint_secret keymint_server_key member organization \
                    session user verification";
    assert_eq!(ask(&database, tables).await.join(" "), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn handles_that_start_at_once_on_an_empty_database_all_succeed() {
    const HANDLES: usize = 12;
    for _ in 0..5 {
        let database = Arc::new(Database::new());
        let start = Arc::new(Barrier::new(HANDLES));
        let handles: Vec<_> = (0..HANDLES)
            .map(|number| {
                let (database, start) = (Arc::clone(&database), Arc::clone(&start));
                tokio::spawn(async move {
                    start.wait().await;
                    let store = database.open().await;
                    store.insert(&sample::key(&number.to_string()), None).await.unwrap();
                })
            })
            .collect();
        for handle in handles {
            handle.await.unwrap();
        }
        assert_eq!(ask(&database, r#"select count(*) || '' from "apikey""#).await, [HANDLES.to_string()]);
        assert_eq!(ask(&database, "select count(*) || '' from keymint_migrations").await, ["5"]);
    }
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
async fn the_layout_before_1_5_is_refused_with_what_it_lacks_and_left_alone() {
    let database = Database::new();
    database.execute(OLD_LAYOUT).await;
    let error = SqliteStore::connect(&database.options()).await.unwrap_err();
    assert!(matches!(&error, ConnectError::Layout { missing } if missing[..] == ["configId", "referenceId"]));
    let text = "the table apikey lacks configId, referenceId: Better Auth's own migration to the api-key plugin 1.5 or \
                later must run first";
    assert_eq!(error.to_string(), text);
    assert_eq!(ask(&database, "select name from sqlite_schema where type = 'table'").await, ["apikey"]);
}

#[tokio::test]
async fn a_database_that_a_newer_keymint_migrated_is_taken() {
    let database = Database::new();
    SqliteStore::migrate(&database.options()).await.unwrap();
    let newer = "insert into keymint_migrations (version, description, success, checksum, execution_time)
        values (9999, 'newer', true, x'00', 0)";
    database.execute(newer).await;
    assert!(SqliteStore::connect(&database.options()).await.is_ok());
}

#[tokio::test]
async fn a_database_of_an_older_keymint_keeps_its_keys() {
    let database = Database::new();
    let mut migrator = sqlx::migrate!("../../migrations/sqlite");
    migrator.dangerous_set_table_name("keymint_migrations");
    migrator.run_to(2, &mut database.stranger().await).await.unwrap();
    let older = format!(
        r#"insert into "apikey" ("id", "configId", "referenceId", "key", "enabled", "rateLimitEnabled", "requestCount",
            "remaining", "createdAt", "updatedAt", "metadata", "keymint_backlog_ns") values ('a', 'default', 'ada', '{}', 1,
            0, 0, 5, '2023-11-14T22:13:20.000Z', '2023-11-14T22:13:20.000Z', 'null', 7);
        insert into "keymint_server_key" values ('s', null, 'kms_', 'h', '2023-11-14T22:13:20.000Z', null)"#,
        sample::plain("a").hash().as_str(),
    );
    database.execute(&older).await;

    let store = database.open().await;
    let key = sample::key_with("a", |_, usage| (usage.remaining, usage.backlog_ns) = (Some(5), Some(7)));
    assert_eq!(store.find(&sample::id("a")).await.unwrap(), Some(key));
    let answers = store.spend(&[sample::attempt("a")], &Policy::default(), sample::NOW).await.unwrap();
    assert!(answers[0].as_ref().unwrap().accepted().is_some());
    assert!(!store.insert_first_server_key(&sample::server_key("first", sample::NOW)).await.unwrap());
    assert_eq!(store.keep_secret("offered").await.unwrap(), "offered");
}

#[tokio::test]
async fn what_is_added_to_better_auths_tables_is_nullable() {
    let database = Database::new();
    SqliteStore::migrate(&database.options()).await.unwrap();
    let ours = r#"select t.name || '.' || c.name || ' ' || c."notnull" from sqlite_schema t, pragma_table_info(t.name) c
        where t.type = 'table' and t.name not like 'keymint_%' and c.name like 'keymint_%'"#;
    let expected = [
        "apikey.keymint_backlog_ns 0",
        "apikey.keymint_revoked_at 0",
        "apikey.keymint_revoked_by 0",
        "apikey.keymint_addresses 0",
    ];
    assert_eq!(ask(&database, ours).await, expected);
}

#[tokio::test]
async fn the_file_is_its_owners_alone() {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    let database = Database::new();
    let store = database.open().await;
    store.insert(&sample::key("a"), None).await.unwrap();
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
        store.insert(&sample::key("a"), None).await.unwrap();
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
    database.open().await.insert(&sample::key("a"), None).await.unwrap();
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

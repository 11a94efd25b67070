//! Migrations run on whatever database they meet, once, whoever starts them.

#![expect(clippy::unwrap_used, reason = "test support")]

mod support;

use std::sync::Arc;
use std::time::Duration;

use keymint_conformance::sample;
use keymint_domain::policy::Policy;
use keymint_ports::{IdentityStore as _, KeyStore, ServerKeyStore as _};
use keymint_store_postgres::{ConnectError, PgOptions, PgStore};
use sqlx::postgres::PgConnection;
use sqlx::{Connection as _, query, query_scalar};
use tokio::sync::Barrier;
use tokio::time::timeout;

use crate::support::Database;

/// The table as the api-key plugin made it up to 1.4.
const OLD_LAYOUT: &str = r#"
    create table "apikey" ("id" text not null primary key, "name" text, "start" text, "prefix" text, "key" text not null,
        "userId" text not null, "refillInterval" integer, "refillAmount" integer, "lastRefillAt" timestamptz, "enabled" boolean,
        "rateLimitEnabled" boolean, "rateLimitTimeWindow" integer, "rateLimitMax" integer, "requestCount" integer,
        "remaining" integer, "lastRequest" timestamptz, "expiresAt" timestamptz, "createdAt" timestamptz not null, "updatedAt" timestamptz not null,
        "permissions" text, "metadata" text)"#;

async fn ask(database: &Database, question: &'static str) -> Vec<String> {
    query_scalar(question).fetch_all(&mut database.stranger().await).await.unwrap()
}

#[tokio::test]
async fn a_second_migration_changes_nothing() {
    const SCHEMA: &str = "select concat_ws(' ', table_name, column_name, data_type, is_nullable, column_default)
        from information_schema.columns where table_schema = 'public'
        union all select indexdef from pg_indexes where schemaname = 'public' order by 1";
    let database = Database::new().await;
    PgStore::migrate(&database.options()).await.unwrap();
    let schema = ask(&database, SCHEMA).await;
    PgStore::migrate(&database.options()).await.unwrap();
    assert_eq!(ask(&database, SCHEMA).await, schema);
    let tables = "select tablename::text from pg_tables where schemaname = 'public' order by 1";
    let expected = "account apikey invitation keymint_migrations keymint_secret keymint_server_key member organization \
                    session user verification";
    assert_eq!(ask(&database, tables).await.join(" "), expected);
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

#[tokio::test(flavor = "multi_thread")]
async fn handles_that_start_at_once_on_an_empty_database_all_succeed() {
    const HANDLES: usize = 12;
    for _ in 0..5 {
        let database = Arc::new(Database::new().await);
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
        assert_eq!(ask(&database, r#"select count(*)::text from "apikey""#).await, [HANDLES.to_string()]);
        assert_eq!(ask(&database, "select count(*)::text from keymint_migrations").await, ["6"]);
    }
}

#[tokio::test]
async fn the_layout_before_1_5_is_refused_with_what_it_lacks_and_left_alone() {
    let database = Database::new().await;
    database.execute(OLD_LAYOUT).await;
    let error = PgStore::connect(&database.options()).await.unwrap_err();
    assert!(matches!(&error, ConnectError::Layout { missing } if missing[..] == ["configId", "referenceId"]));
    let text = "the table apikey lacks configId, referenceId: Better Auth's own migration to the api-key plugin 1.5 or \
                later must run first";
    assert_eq!(error.to_string(), text);
    assert_eq!(ask(&database, "select tablename::text from pg_tables where schemaname = 'public'").await, ["apikey"]);
}

#[tokio::test]
async fn a_database_that_a_newer_keymint_migrated_is_taken() {
    let database = Database::new().await;
    PgStore::migrate(&database.options()).await.unwrap();
    let newer = "insert into keymint_migrations (version, description, success, checksum, execution_time)
        values (9999, 'newer', true, '\\x00', 0)";
    database.execute(newer).await;
    assert!(PgStore::connect(&database.options()).await.is_ok());
}

#[tokio::test]
async fn a_database_of_an_older_keymint_keeps_its_keys() {
    let database = Database::new().await;
    let mut migrator = sqlx::migrate!("../../migrations/postgres");
    migrator.dangerous_set_table_name("keymint_migrations");
    migrator.run_to(2, &mut database.stranger().await).await.unwrap();
    let older = format!(
        r#"insert into "apikey" ("id", "configId", "referenceId", "key", "enabled", "rateLimitEnabled", "requestCount",
            "remaining", "createdAt", "updatedAt", "metadata", "keymint_backlog_ns") values ('a', 'default', 'ada', '{}', true,
            false, 0, 5, '2023-11-14T22:13:20.000Z', '2023-11-14T22:13:20.000Z', 'null', 7);
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
    let database = Database::new().await;
    PgStore::migrate(&database.options()).await.unwrap();
    let ours = "select concat_ws(' ', table_name, column_name, is_nullable) from information_schema.columns
        where table_name not like 'keymint_%' and column_name like 'keymint_%' order by 1";
    let expected = [
        "apikey keymint_addresses YES",
        "apikey keymint_backlog_ns YES",
        "apikey keymint_revoked_at YES",
        "apikey keymint_revoked_by YES",
    ];
    assert_eq!(ask(&database, ours).await, expected);
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

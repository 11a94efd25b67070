//! Tables that are not as Better Auth's generator makes them are taken where they can hold the same, and else refused when the
//! store is opened.

#![expect(clippy::unwrap_used, reason = "test support")]

mod support;

use keymint_conformance::{better_auth_tables, sample};
use keymint_domain::policy::Policy;
use keymint_ports::{KeyStore as _, StoreError};
use keymint_store_postgres::{ConnectError, PgStore};
use sqlx::query_scalar;

use crate::support::Database;

const NUMBERS: [&str; 6] =
    ["refillInterval", "refillAmount", "rateLimitTimeWindow", "rateLimitMax", "requestCount", "remaining"];

/// Better Auth's tables, with these columns of keys of another type.
async fn with(columns: &[&str], other_type: &str) -> Database {
    let database = Database::new().await;
    database.execute(&better_auth_tables("boolean", "timestamptz")).await;
    for column in columns {
        database.execute(&format!(r#"alter table "apikey" alter "{column}" type {other_type} using null"#)).await;
    }
    database
}

async fn refusal(database: &Database) -> String {
    let error = PgStore::connect(&database.options()).await.unwrap_err();
    assert!(matches!(error, ConnectError::Unfit { .. }), "{error}");
    error.to_string()
}

#[tokio::test]
async fn wide_numbers_are_read_counted_and_written() {
    const LARGE: u64 = 5_000_000_000;
    let store = with(&NUMBERS, "bigint").await.open().await;
    let key = sample::key_with("a", |details, usage| {
        (details.refill_amount, details.refill_interval_ms) = (Some(LARGE), Some(LARGE));
        (details.rate_limit_max, details.rate_limit_window_ms) = (Some(LARGE), Some(LARGE));
        (usage.remaining, usage.request_count) = (Some(LARGE), LARGE);
    });
    store.insert(&key, None, &sample::UNRECORDED).await.unwrap();
    assert_eq!(store.find(&key.details.id).await.unwrap(), Some(key.clone()));
    store.insert(&sample::key_with_quota("b", 1), None, &sample::UNRECORDED).await.unwrap();
    let attempts = [sample::attempt("a"), sample::attempt("b")];
    let answers = store.spend(&attempts, &Policy::default(), sample::NOW).await.unwrap();
    assert!(answers.iter().all(|answer| answer.as_ref().unwrap().accepted().is_some()), "{answers:?}");
    let remaining = store.find(&key.details.id).await.unwrap().unwrap().usage.remaining;
    assert_eq!(remaining, Some(LARGE - 1));
    let too_large = sample::key_with_quota("c", 1 << 63);
    let refused = store.insert(&too_large, None, &sample::UNRECORDED).await;
    assert!(matches!(refused, Err(StoreError::OutOfRange { column: "remaining" })), "{refused:?}");
}

#[tokio::test]
async fn one_wide_column_among_others_holds_more_than_they_do() {
    let store = with(&["rateLimitTimeWindow"], "bigint").await.open().await;
    let key = |id, window| sample::key_with(id, |details, _| details.rate_limit_window_ms = Some(window));
    store.insert(&key("a", 2_592_000_000), None, &sample::UNRECORDED).await.unwrap();
    let narrow = store.insert(&sample::key_with_quota("b", 1 << 31), None, &sample::UNRECORDED).await;
    assert!(matches!(narrow, Err(StoreError::OutOfRange { column: "remaining" })), "{narrow:?}");
}

#[tokio::test]
async fn texts_of_any_length_and_domains_are_taken() {
    let database = with(&["name", "start"], "varchar(40)").await;
    database.execute("create domain moment as timestamptz").await;
    database.execute(r#"alter table "apikey" alter "expiresAt" type moment"#).await;
    let store = database.open().await;
    store.insert(&sample::key("a"), None, &sample::UNRECORDED).await.unwrap();
    assert_eq!(store.find(&sample::id("a")).await.unwrap(), Some(sample::key("a")));
}

#[tokio::test]
async fn columns_that_cannot_work_are_refused_before_anything_is_changed() {
    for (column, other_type, expected) in [
        ("expiresAt", "timestamp", "timestamp without time zone, and must be timestamp with time zone"),
        ("lastRequest", "timestamp(3)", "timestamp without time zone, and must be timestamp with time zone"),
        ("remaining", "smallint", "smallint, and must be integer"),
        ("remaining", "numeric", "numeric, and must be integer"),
        ("enabled", "integer", "integer, and must be boolean"),
        ("metadata", "jsonb", "jsonb, and must be text"),
        ("start", "uuid", "uuid, and must be text"),
        ("refillAmount", "bigint", ""),
    ] {
        let database = with(&[column], other_type).await;
        let expected = match column {
            "refillAmount" => "apikey.remaining is integer, and must be bigint, as refillAmount is".to_owned(),
            _ => format!("apikey.{column} is {expected}"),
        };
        assert_eq!(refusal(&database).await, format!("the database cannot be used as it is: {expected}"));
        let tables = query_scalar("select count(*) from pg_tables where tablename like 'keymint_%'");
        let tables: i64 = tables.fetch_one(&mut database.stranger().await).await.unwrap();
        assert_eq!(tables, 0);
    }
}

#[tokio::test]
async fn every_column_is_named_and_what_only_users_need_keeps_nobody_from_starting() {
    let database = with(&[], "").await;
    let naive = r#"alter table "session" alter "expiresAt" type timestamp; alter table "user" add "banned" integer;
        alter table "apikey" alter "createdAt" type timestamp, alter "updatedAt" type timestamp;"#;
    database.execute(naive).await;
    let refused = refusal(&database).await;
    for column in ["apikey.createdAt", "apikey.updatedAt", "user.banned"] {
        assert!(refused.contains(column), "{refused}");
    }
    assert!(!refused.contains("session"), "{refused}");

    // As `docs/better-auth.md` says.
    let mended = r#"alter table "user" drop "banned";
        alter table "apikey" alter "createdAt" type timestamptz using "createdAt" at time zone 'UTC',
            alter "updatedAt" type timestamptz using "updatedAt" at time zone 'UTC';"#;
    database.execute(mended).await;
    let store = database.open().await;
    let faults: Vec<_> = store.faults().iter().map(ToString::to_string).collect();
    let naive = "session.expiresAt is timestamp without time zone, and must be timestamp with time zone";
    assert_eq!(faults, [naive]);
}

#[tokio::test]
async fn a_view_in_the_place_of_the_keys_is_refused() {
    for (kind, found) in [("view", "a view"), ("materialized view", "a materialized view")] {
        let expected = format!("the database cannot be used as it is: apikey is {found}, and must be a table");
        let fresh = with(&[], "").await;
        let migrated = Database::new().await;
        PgStore::migrate(&migrated.options()).await.unwrap();
        for database in [fresh, migrated] {
            let replace =
                format!(r#"alter table "apikey" rename to "keys"; create {kind} "apikey" as select * from "keys""#);
            database.execute(&replace).await;
            let refused = refusal(&database).await;
            assert!(refused.starts_with(&expected), "{refused}");
        }
    }
}

#[tokio::test]
async fn a_view_of_users_is_taken() {
    let database = Database::new().await;
    PgStore::migrate(&database.options()).await.unwrap();
    database.execute(r#"alter table "user" rename to "people"; create view "user" as select * from "people""#).await;
    let store = database.open().await;
    store.insert(&sample::key("a"), None, &sample::UNRECORDED).await.unwrap();
    let answers = store.spend(&[sample::attempt("a")], &Policy::default(), sample::NOW).await.unwrap();
    assert!(answers[0].as_ref().unwrap().accepted().is_some());
}

#[tokio::test]
async fn a_column_that_must_be_given_and_is_not_known_is_refused() {
    let database = with(&[], "").await;
    let strange = r#"create domain given as text not null; create domain preset as text not null default 'x';
        alter table "apikey" add "tenant" text not null, add "region" given, add "nullable" text,
            add "preset" text not null default 'x', add "domain" preset, add "serial" serial,
            add "identity" bigint generated always as identity,
            add "twice" integer not null generated always as (2) stored;
        alter table "session" add "device" text not null; alter table "account" add "issuer" text not null;
        alter table "user" add "banned" boolean; update "user" set "banned" = false;
        alter table "user" alter "banned" set not null;"#;
    database.execute(strange).await;
    let told = |column: &str| {
        format!(
            "{column} is not null without a default, and must be nullable or have one: Keymint writes no such column"
        )
    };
    let expected =
        format!("the database cannot be used as it is: {}; {}", told("apikey.region"), told("apikey.tenant"));
    assert_eq!(refusal(&database).await, expected);

    database.execute(r#"alter table "apikey" alter "tenant" set default 'x', drop "region""#).await;
    let store = database.open().await;
    let faults: Vec<_> = store.faults().iter().map(ToString::to_string).collect();
    assert_eq!(faults, [told("user.banned"), told("session.device")]);
    store.insert(&sample::key("a"), None, &sample::UNRECORDED).await.unwrap();
    let answers = store.spend(&[sample::attempt("a")], &Policy::default(), sample::NOW).await.unwrap();
    assert!(answers[0].as_ref().unwrap().accepted().is_some());
}

//! Values that only SQLite lets into a column: it keeps any value anywhere.

#![expect(clippy::unwrap_used, reason = "test support")]

mod support;

use std::num::NonZeroU32;

use keymint_conformance::sample::{self, new_user, session, user_id};
use keymint_domain::identity::Email;
use keymint_domain::key::KeyState;
use keymint_domain::policy::{ConfigFilter, Policy};
use keymint_domain::{KeyId, Timestamp};
use keymint_ports::{IdentityStore, KeyStore, ServerKeyStore, StoreError};
use keymint_store_sqlite::SqliteStore;

use crate::support::Database;

const USERS: &[(&str, &str)] = &[
    ("name", "x'ff'"),
    ("emailVerified", "'yes'"),
    ("emailVerified", "2"),
    ("image", "x'00'"),
    ("createdAt", "'once'"),
    ("updatedAt", "''"),
    ("banned", "'perhaps'"),
    ("banExpires", "'soon'"),
];

const SESSIONS: &[(&str, &str)] = &[
    ("expiresAt", "'tomorrow'"),
    ("createdAt", "'2026-13-01T00:00:00.000Z'"),
    ("updatedAt", "x'ff'"),
    ("ipAddress", "x'ff'"),
    ("userAgent", "x'80'"),
    ("activeOrganizationId", "x'ff'"),
];

fn is_corrupt<T>(outcome: &Result<T, StoreError>, table: &str, column: &str, id: Option<&str>) -> bool {
    let Err(StoreError::Corrupt { table: t, column: c, id: i }) = outcome else {
        return false;
    };
    *t == table && *c == column && i.as_ref().map(KeyId::as_str) == id
}

/// Opens a store with the users `ada` and `eve`, each with a session and a key.
async fn with_users(database: &Database) -> SqliteStore {
    SqliteStore::migrate(&database.options()).await.unwrap();
    let bans = r#"alter table "user" add column "banned" integer; alter table "user" add column "banExpires" date"#;
    database.execute(bans).await;
    let store = database.open().await;
    for id in ["ada", "eve"] {
        store.insert_user(&new_user(id), &session(id, id), &sample::UNRECORDED).await.unwrap();
        store.insert(&sample::key(id), None, &sample::UNRECORDED).await.unwrap();
    }
    store
}

#[tokio::test]
async fn numbers_beyond_32_bits_are_read() {
    let database = Database::new();
    let store = database.open().await;
    store.insert(&sample::key("a"), None, &sample::UNRECORDED).await.unwrap();
    database.execute(r#"update "apikey" set "refillInterval" = 31536000000, "remaining" = 9007199254740991"#).await;
    let key = store.find(&sample::id("a")).await.unwrap().unwrap();
    assert_eq!(key.details.refill_interval_ms, Some(31_536_000_000));
    assert_eq!(key.usage.remaining, Some(9_007_199_254_740_991));
}

#[tokio::test]
async fn a_row_without_a_readable_key_is_corrupt() {
    let database = Database::new();
    let store = database.open().await;
    store.insert(&sample::key("b"), None, &sample::UNRECORDED).await.unwrap();
    database.execute(r#"update "apikey" set "key" = x'ff'"#).await;
    assert!(is_corrupt(&store.find(&sample::id("b")).await, "apikey", "key", Some("b")));
}

#[tokio::test]
async fn a_date_that_is_a_number_is_not_cleaned_up() {
    let database = Database::new();
    let store = database.open().await;
    store.insert(&sample::key("a"), None, &sample::UNRECORDED).await.unwrap();
    database.execute(r#"update "apikey" set "expiresAt" = 1"#).await;
    assert_eq!(
        store.remove_expired(&ConfigFilter::Any, sample::NOW, 0, 10, &sample::UNRECORDED).await.unwrap().removed,
        0
    );
}

#[tokio::test]
async fn a_corrupt_server_key_is_reported() {
    let database = Database::new();
    let store = database.open().await;
    database.execute(r#"insert into "keymint_server_key" values ('s', null, '', 'h', 'once', null, null)"#).await;
    assert!(is_corrupt(&store.list_server_keys().await, "keymint_server_key", "createdAt", Some("s")));
}

#[tokio::test]
async fn a_corrupt_ban_fails_the_keys_of_its_user() {
    let database = Database::new();
    let store = with_users(&database).await;
    for (column, value) in [("banned", "'perhaps'"), ("banExpires", "'soon'")] {
        database.execute(r#"update "user" set "banned" = 1, "banExpires" = null"#).await;
        database.execute(&format!(r#"update "user" set "{column}" = {value}"#)).await;
        let answers = store.spend(&[sample::attempt("ada")], &Policy::default(), sample::NOW).await.unwrap();
        assert!(is_corrupt(&answers[0], "user", column, Some("ada")));
    }
}

#[tokio::test]
async fn a_corrupt_user_is_reported_and_no_other_is_harmed() {
    let database = Database::new();
    let store = with_users(&database).await;
    let email = Email::parse("ada@example.org").unwrap();
    for (column, value) in USERS {
        let corrupt = format!(r#"update "user" set "{column}" = {value} where "id" = 'ada'"#);
        database.execute(&corrupt).await;
        let reported = |outcome: bool| assert!(outcome, "{column} = {value}");
        reported(is_corrupt(&store.find_user(&user_id("ada")).await, "user", column, Some("ada")));
        reported(is_corrupt(&store.find_credential(&email).await, "user", column, Some("ada")));
        reported(is_corrupt(&store.find_session(&session("ada", "ada").token).await, "user", column, Some("ada")));
        reported(store.find_session(&session("eve", "eve").token).await.unwrap().is_some());
        database.execute(r#"delete from "user" where "id" = 'ada'"#).await;
        store.insert_user(&new_user("ada"), &session("ada", "ada"), &sample::UNRECORDED).await.unwrap();
    }
}

#[tokio::test]
async fn a_corrupt_session_is_reported_and_may_be_removed() {
    let database = Database::new();
    let store = with_users(&database).await;
    let token = session("ada", "ada").token;
    for (column, value) in SESSIONS {
        let corrupt = format!(r#"update "session" set "{column}" = {value} where "id" = 'ada'"#);
        database.execute(&corrupt).await;
        let found = store.find_session(&token).await;
        assert!(is_corrupt(&found, "session", column, Some("ada")), "{column} = {value}");
        assert!(store.find_session(&session("eve", "eve").token).await.unwrap().is_some());
        assert!(store.remove_session(&token, &sample::UNRECORDED).await.unwrap());
        assert!(store.insert_session(&session("ada", "ada"), &sample::UNRECORDED).await.unwrap());
    }
}

#[tokio::test]
async fn neither_a_form_of_its_own_nor_a_year_beyond_all_makes_a_key_expire_early() {
    let database = Database::new();
    let store = database.open().await;
    let now = Timestamp::parse("2026-02-03T04:05:06.789Z").unwrap();
    for (id, value) in [
        ("space-later", "2026-02-03 23:00:00"),
        ("space-earlier", "2026-02-03 01:00:00"),
        ("zone-later", "2026-02-03 01:00:00-12:00"),
        ("beyond", "+010056-11-27T19:16:23.627Z"),
        ("usual", "2026-02-03T04:05:06.788Z"),
        ("usual-later", "2026-02-03T04:05:06.790Z"),
    ] {
        store.insert(&sample::key(id), None, &sample::UNRECORDED).await.unwrap();
        database.execute(&format!(r#"update "apikey" set "expiresAt" = '{value}' where "id" = '{id}'"#)).await;
    }
    let counts = store.count(None, now, None, NonZeroU32::new(100).unwrap()).await.unwrap().counts;
    assert_eq!((counts.of(KeyState::Expired), counts.of(KeyState::Active)), (2, 4));
    let late = sample::key_with("new", |details, _| details.created_at = now);
    assert!(store.insert(&late, NonZeroU32::new(4), &sample::UNRECORDED).await.is_err(), "four are alive");
    assert_eq!(store.remove_expired(&ConfigFilter::Any, now, 0, 10, &sample::UNRECORDED).await.unwrap().removed, 2);
    for id in ["space-earlier", "usual"] {
        assert!(store.find(&sample::id(id)).await.unwrap().is_none(), "{id}");
    }
}

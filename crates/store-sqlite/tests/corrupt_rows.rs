//! A row that no writer writes is reported where it is read, and harms no other row.

#![expect(clippy::unwrap_used, reason = "test support")]

mod support;

use keymint_conformance::sample;
use keymint_domain::key::{Actor, Revocation};
use keymint_domain::listing::{ListQuery, Unreadable};
use keymint_domain::policy::Policy;
use keymint_ports::{KeyStore, ServerKeyStore, StoreError};
use keymint_store_sqlite::SqliteStore;

use crate::support::Database;

/// Texts where numbers belong, bytes that are no text, dates and JSON that are none.
const CORRUPT: &[(&str, &str)] = &[
    ("configId", "x'ff'"),
    ("name", "x'80'"),
    ("start", "x'00'"),
    ("referenceId", "''"),
    ("referenceId", "x'ff'"),
    ("prefix", "x'ff'"),
    ("lastRefillAt", "'yesterday'"),
    ("enabled", "2"),
    ("enabled", "'yes'"),
    ("rateLimitEnabled", "-1"),
    ("rateLimitEnabled", "x'01'"),
    ("rateLimitTimeWindow", "'long'"),
    ("remaining", "'many'"),
    ("expiresAt", "'tomorrow'"),
    ("expiresAt", "'2026-13-01T00:00:00.000Z'"),
    ("refillAmount", "x'01'"),
    ("createdAt", "'2026-02-30 00:00:00'"),
    ("updatedAt", "x'ff'"),
    ("permissions", "'{'"),
    ("permissions", r#"'{"files":"read"}'"#),
    ("metadata", "'{oops'"),
    ("metadata", "x'7b7d'"),
    ("keymint_backlog_ns", "-1"),
    ("keymint_revoked_at", "'once'"),
    ("keymint_revoked_by", "x'ff'"),
    ("keymint_addresses", "'{'"),
    ("keymint_addresses", "''"),
    ("keymint_addresses", r#"'{"allowed":["10.0.0.1/8"],"denied":[]}'"#),
    ("keymint_addresses", "x'7b7d'"),
];

fn is_corrupt<T>(outcome: &Result<T, StoreError>, table: &str, column: &str, id: Option<&str>) -> bool {
    let Err(StoreError::Corrupt { table: t, column: c, id: i }) = outcome else {
        return false;
    };
    *t == table && *c == column && i.as_ref().map(keymint_domain::KeyId::as_str) == id
}

async fn with_keys(database: &Database, ids: &[&str]) -> SqliteStore {
    let store = database.open().await;
    for id in ids {
        store.insert(&sample::key(id), None).await.unwrap();
    }
    store
}

#[tokio::test]
async fn a_corrupt_row_fails_what_reads_it_and_nothing_else() {
    let database = Database::new();
    let store = with_keys(&database, &["sound"]).await;
    for (column, value) in CORRUPT {
        store.insert(&sample::key("bad"), None).await.unwrap();
        database.execute(&format!(r#"update "apikey" set "{column}" = {value} where "id" = 'bad'"#)).await;
        let reported = |outcome: bool| assert!(outcome, "{column} = {value}");

        reported(is_corrupt(&store.find(&sample::id("bad")).await, "apikey", column, Some("bad")));
        let page = store.list(&ListQuery::default()).await.unwrap();
        reported(page.unreadable == [Unreadable { id: Some(sample::id("bad")), column }]);
        reported(page.keys.len() == 1 && page.total == 2);
        reported(store.find_stub(&sample::id("bad")).await.unwrap().is_some());
        let attempts = [sample::attempt("sound"), sample::attempt("bad"), sample::attempt("sound")];
        let answers = store.spend(&attempts, &Policy::default(), sample::NOW).await.unwrap();
        reported(answers[0].as_ref().unwrap().accepted().is_some());
        reported(is_corrupt(&answers[1], "apikey", column, Some("bad")));
        reported(answers[2].as_ref().unwrap().accepted().is_some());

        let ids = [sample::id("bad")];
        assert_eq!(store.remove_exhausted(&ids, &Policy::default(), sample::NOW).await.unwrap().removed, 0);
        assert!(store.remove(&sample::id("bad")).await.unwrap());
    }
    assert!(store.find(&sample::id("sound")).await.unwrap().is_some());
}

#[tokio::test]
async fn a_row_that_cannot_be_read_is_revoked_once_and_keeps_the_rest() {
    let database = Database::new();
    let store = with_keys(&database, &["bad"]).await;
    database.execute(r#"update "apikey" set "permissions" = '{', "name" = 'kept'"#).await;
    let revocation = |at| Revocation { at, by: Actor::Server };
    let id = sample::id("bad");
    assert!(!store.revoke_unreadable(&sample::id("none"), &revocation(sample::NOW)).await.unwrap());
    for later_ms in [0, 5] {
        assert!(store.revoke_unreadable(&id, &revocation(sample::NOW.plus_millis(later_ms))).await.unwrap());
    }
    database.execute(r#"update "apikey" set "permissions" = null"#).await;
    let key = store.find(&id).await.unwrap().unwrap();
    assert_eq!(key.details.revocation, Some(revocation(sample::NOW)), "the first revocation stays");
    assert_eq!((key.details.enabled, key.details.name.as_deref()), (false, Some("kept")));
}

#[tokio::test]
async fn half_a_revocation_and_an_unknown_actor_are_corrupt() {
    const AT: &str = "'2023-11-14T22:13:20.000Z'";
    let database = Database::new();
    let store = with_keys(&database, &["bad"]).await;
    for (at, by, corrupt) in [
        (AT, "null", "keymint_revoked_by"),
        ("null", "'server'", "keymint_revoked_at"),
        (AT, "''", "keymint_revoked_by"),
        (AT, "'ada'", "keymint_revoked_by"),
        (AT, "'user:'", "keymint_revoked_by"),
    ] {
        let revoke = format!(r#"update "apikey" set "keymint_revoked_at" = {at}, "keymint_revoked_by" = {by}"#);
        database.execute(&revoke).await;
        assert!(is_corrupt(&store.find(&sample::id("bad")).await, "apikey", corrupt, Some("bad")), "{at} {by}");
        let answers = store.spend(&[sample::attempt("bad")], &Policy::default(), sample::NOW).await.unwrap();
        assert!(is_corrupt(&answers[0], "apikey", corrupt, Some("bad")), "{at} {by}");
    }
}

#[tokio::test]
async fn a_row_without_a_readable_id_or_key_is_corrupt() {
    let database = Database::new();
    let store = with_keys(&database, &["a", "b"]).await;
    database.execute(r#"update "apikey" set "id" = '' where "id" = 'a'"#).await;
    let answers = store.spend(&[sample::attempt("a")], &Policy::default(), sample::NOW).await.unwrap();
    assert!(is_corrupt(&answers[0], "apikey", "id", None));
    database.execute(r#"update "apikey" set "key" = x'ff' where "id" = 'b'"#).await;
    assert!(is_corrupt(&store.find(&sample::id("b")).await, "apikey", "key", Some("b")));
}

#[tokio::test]
async fn a_date_that_is_a_number_is_not_cleaned_up() {
    let database = Database::new();
    let store = with_keys(&database, &["a"]).await;
    database.execute(r#"update "apikey" set "expiresAt" = 1"#).await;
    let any = keymint_domain::policy::ConfigFilter::Any;
    assert_eq!(store.remove_expired(&any, sample::NOW, 0, 10).await.unwrap().removed, 0);
}

#[tokio::test]
async fn a_corrupt_ban_fails_the_keys_of_its_user() {
    let database = Database::new();
    SqliteStore::migrate(&database.options()).await.unwrap();
    let setup = r#"
        alter table "user" add column "banned" integer;
        alter table "user" add column "banExpires" date;
        insert into "user" ("id", "name", "email", "emailVerified", "createdAt", "updatedAt", "banned")
            values ('ada', '', '', 1, '', '', 'perhaps')"#;
    database.execute(setup).await;
    let store = with_keys(&database, &["a"]).await;
    let attempts = [sample::attempt("a")];
    let answers = store.spend(&attempts, &Policy::default(), sample::NOW).await.unwrap();
    assert!(is_corrupt(&answers[0], "user", "banned", Some("ada")));
    database.execute(r#"update "user" set "banned" = 1, "banExpires" = 'soon'"#).await;
    let answers = store.spend(&attempts, &Policy::default(), sample::NOW).await.unwrap();
    assert!(is_corrupt(&answers[0], "user", "banExpires", Some("ada")));
}

#[tokio::test]
async fn a_corrupt_server_key_is_reported() {
    let database = Database::new();
    let store = database.open().await;
    database.execute(r#"insert into "keymint_server_key" values ('s', null, '', 'h', 'once', null)"#).await;
    assert!(is_corrupt(&store.list_server_keys().await, "keymint_server_key", "createdAt", Some("s")));
}

//! A row of a user, of a session or of an organization that no writer writes is reported where it is read.

#![expect(clippy::unwrap_used, reason = "test support")]

mod support;

use keymint_conformance::sample::{self, new_user, organization, organization_id, session, user_id};
use keymint_domain::identity::Email;
use keymint_ports::{IdentityStore, OrganizationStore, StoreError};
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
    *t == table && *c == column && i.as_ref().map(keymint_domain::KeyId::as_str) == id
}

/// The users `ada` and `eve`, each with a session.
async fn with_users(database: &Database) -> SqliteStore {
    SqliteStore::migrate(&database.options()).await.unwrap();
    database
        .execute(r#"alter table "user" add column "banned" integer; alter table "user" add column "banExpires" date"#)
        .await;
    let store = database.open().await;
    for id in ["ada", "eve"] {
        store.insert_user(&new_user(id), &session(id, id)).await.unwrap();
    }
    store
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
        store.insert_user(&new_user("ada"), &session("ada", "ada")).await.unwrap();
    }
}

#[tokio::test]
async fn instants_of_sqlites_own_are_read() {
    let database = Database::new();
    let store = with_users(&database).await;
    for (table, column, value) in [
        ("user", "updatedAt", "current_timestamp"),
        ("user", "createdAt", "1700000000000"),
        ("session", "expiresAt", "datetime('now', '+1 day')"),
        ("session", "updatedAt", "'+010000-01-01T00:00:00.000Z'"),
    ] {
        database.execute(&format!(r#"update "{table}" set "{column}" = {value}"#)).await;
        let found = store.find_session(&session("ada", "ada").token).await.unwrap();
        assert!(found.is_some(), "{table}.{column} = {value}");
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
        assert!(store.remove_session(&token).await.unwrap());
        assert!(store.insert_session(&session("ada", "ada")).await.unwrap());
    }
}

#[tokio::test]
async fn ids_that_are_none_are_reported() {
    let database = Database::new();
    let store = with_users(&database).await;
    database.execute(r#"update "session" set "id" = '' where "id" = 'ada'"#).await;
    assert!(is_corrupt(&store.find_session(&session("ada", "ada").token).await, "session", "id", None));
    let nobody = r#"update "session" set "userId" = 'eve' where "id" = ''; update "user" set "email" = '' where "id" = 'ada';
        insert into "user" ("id", "name", "email", "emailVerified", "createdAt", "updatedAt")
            select '', "name", 'nobody@example.org', "emailVerified", "createdAt", "updatedAt" from "user" where "id" = 'ada'"#;
    database.execute(nobody).await;
    let found = store.find_credential(&Email::parse("nobody@example.org").unwrap()).await;
    assert!(is_corrupt(&found, "user", "id", None));
}

#[tokio::test]
async fn a_corrupt_organization_is_reported() {
    let database = Database::new();
    let store = with_users(&database).await;
    store.insert_organization(&organization("acme"), &sample::member("acme", "ada")).await.unwrap();
    let nameless = r#"insert into "organization" ("id", "name", "slug", "createdAt")
        values ('', '', 'nameless', '2023-11-14T22:13:20.000Z')"#;
    database.execute(nameless).await;
    assert!(is_corrupt(&store.find_organization("nameless").await, "organization", "id", None));
    assert!(store.find_organization("acme").await.unwrap().is_some());
    database.execute(r#"update "member" set "role" = x'ff'"#).await;
    let roles = store.find_roles(&organization_id("acme"), &user_id("ada")).await;
    assert!(is_corrupt(&roles, "member", "role", Some("ada in acme")));
}

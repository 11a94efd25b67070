//! A row of a user, of a session or of an organization that no writer writes is reported where it is read.

#![expect(clippy::unwrap_used, reason = "test support")]

mod support;

use keymint_conformance::sample::{self, new_user, organization, organization_id, session, user_id};
use keymint_domain::identity::Email;
use keymint_ports::{IdentityStore, OrganizationStore, StoreError};
use keymint_store_postgres::PgStore;

use crate::support::Database;

/// Instants that Postgres lets in, and that have a meaning.
const ODD: &[(&str, &str, &str)] = &[
    ("user", "createdAt", "'infinity'"),
    ("user", "updatedAt", "'10000-01-01Z'"),
    ("user", "banExpires", "'-infinity'"),
    ("session", "expiresAt", "'infinity'"),
    ("session", "createdAt", "'0044-03-15 BC'"),
    ("session", "updatedAt", "'-infinity'"),
];

fn is_corrupt<T>(outcome: &Result<T, StoreError>, table: &str, column: &str, id: Option<&str>) -> bool {
    let Err(StoreError::Corrupt { table: t, column: c, id: i }) = outcome else {
        return false;
    };
    *t == table && *c == column && i.as_ref().map(keymint_domain::KeyId::as_str) == id
}

/// The users `ada` and `eve`, each with a session.
async fn with_users(database: &Database) -> PgStore {
    PgStore::migrate(&database.options()).await.unwrap();
    database.execute(r#"alter table "user" add column "banned" boolean, add column "banExpires" timestamptz"#).await;
    let store = database.open().await;
    for id in ["ada", "eve"] {
        store.insert_user(&new_user(id), &session(id, id)).await.unwrap();
    }
    store
}

#[tokio::test]
async fn instants_beyond_all_are_read() {
    let database = Database::new().await;
    let store = with_users(&database).await;
    let email = Email::parse("ada@example.org").unwrap();
    for (table, column, value) in ODD {
        database.execute(&format!(r#"update "{table}" set "{column}" = {value} where "id" = 'ada'"#)).await;
        let read = |outcome: bool| assert!(outcome, "{table}.{column} = {value}");
        read(store.find_user(&user_id("ada")).await.unwrap().is_some());
        read(store.find_credential(&email).await.unwrap().is_some());
        read(store.find_session(&session("ada", "ada").token).await.unwrap().is_some());
    }
}

#[tokio::test]
async fn ids_that_are_none_are_reported() {
    let database = Database::new().await;
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
    let database = Database::new().await;
    let store = with_users(&database).await;
    store.insert_organization(&organization("acme"), &sample::member("acme", "ada")).await.unwrap();
    let nameless = r#"insert into "organization" ("id", "name", "slug", "createdAt")
        values ('', '', 'nameless', '2023-11-14T22:13:20.000Z')"#;
    database.execute(nameless).await;
    assert!(is_corrupt(&store.find_organization("nameless").await, "organization", "id", None));
    assert!(store.find_organization("acme").await.unwrap().is_some());
    let store = database.open().await;
    database.execute(r#"alter table "member" alter "role" drop not null; update "member" set "role" = null"#).await;
    let roles = store.find_roles(&organization_id("acme"), &user_id("ada")).await;
    assert!(is_corrupt(&roles, "member", "role", Some("ada in acme")));
}

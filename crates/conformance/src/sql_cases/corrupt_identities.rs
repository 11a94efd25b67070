//! A row of a user, of a session or of an organization that no writer writes is reported where it is read.

use keymint_domain::identity::Email;
use keymint_ports::{IdentityStore, OrganizationStore};

use super::tables::{add_bans, is_corrupt};
use crate::SqlEngine;
use crate::sample::{self, new_user, organization, organization_id, session, user_id};

/// Opens a store with the users `ada` and `eve`, each with a session.
async fn with_users<E: SqlEngine>(engine: &E) -> E::Store {
    engine.migrate().await;
    add_bans(engine).await;
    let store = engine.open().await;
    for id in ["ada", "eve"] {
        store.insert_user(&new_user(id), &session(id, id), &sample::UNRECORDED).await.unwrap();
    }
    store
}

pub async fn ids_that_are_none_are_reported<E: SqlEngine>(engine: &E) {
    let store = with_users(engine).await;
    engine.execute(r#"update "session" set "id" = '' where "id" = 'ada'"#).await;
    assert!(is_corrupt(&store.find_session(&session("ada", "ada").token).await, "session", "id", None));
    let nobody = r#"update "session" set "userId" = 'eve' where "id" = ''; update "user" set "email" = '' where "id" = 'ada';
        insert into "user" ("id", "name", "email", "emailVerified", "createdAt", "updatedAt")
            select '', "name", 'nobody@example.org', "emailVerified", "createdAt", "updatedAt" from "user" where "id" = 'ada'"#;
    engine.execute(nobody).await;
    let found = store.find_credential(&Email::parse("nobody@example.org").unwrap()).await;
    assert!(is_corrupt(&found, "user", "id", None));
}

pub async fn a_corrupt_organization_is_reported<E: SqlEngine>(engine: &E) {
    let store = with_users(engine).await;
    store
        .insert_organization(&organization("acme"), &sample::member("acme", "ada"), &sample::UNRECORDED)
        .await
        .unwrap();
    let nameless = r#"insert into "organization" ("id", "name", "slug", "createdAt")
        values ('', '', 'nameless', '2023-11-14T22:13:20.000Z')"#;
    engine.execute(nameless).await;
    assert!(is_corrupt(&store.find_organization("nameless").await, "organization", "id", None));
    assert!(store.find_organization("acme").await.unwrap().is_some());
    engine.execute(engine.specimens().corrupt_role).await;
    let roles = engine.open().await.find_roles(&organization_id("acme"), &user_id("ada")).await;
    assert!(is_corrupt(&roles, "member", "role", Some("ada in acme")));
}

pub async fn odd_instants_are_read<E: SqlEngine>(engine: &E) {
    let store = with_users(engine).await;
    let email = Email::parse("ada@example.org").unwrap();
    for (table, column, value) in engine.specimens().odd_instants {
        engine.execute(&format!(r#"update "{table}" set "{column}" = {value} where "id" = 'ada'"#)).await;
        let read = |outcome: bool| assert!(outcome, "{table}.{column} = {value}");
        read(store.find_user(&user_id("ada")).await.unwrap().is_some());
        read(store.find_credential(&email).await.unwrap().is_some());
        read(store.find_session(&session("ada", "ada").token).await.unwrap().is_some());
    }
}

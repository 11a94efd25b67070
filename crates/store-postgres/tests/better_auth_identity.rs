//! Users, sessions and organizations in a database that Better Auth made, with rows that Better Auth wrote.

#![expect(clippy::unwrap_used, reason = "test support")]

mod support;

use keymint_conformance::sample::{self, member, new_user, organization, organization_id, row_id, session, user_id};
use keymint_domain::identity::{Client, Email, PasswordHash, Session, SessionToken};
use keymint_domain::organization::{Member, RoleName};
use keymint_domain::verify::Ban;
use keymint_ports::{IdentityStore, OrganizationStore};
use sqlx::query_scalar;

use crate::support::{Database, TABLES};

async fn database_with(tables: &str) -> Database {
    let database = Database::new().await;
    database.execute(tables).await;
    database
}

async fn ask(database: &Database, question: &'static str) -> String {
    query_scalar(question).fetch_one(&mut database.stranger().await).await.unwrap()
}

async fn password(store: &impl IdentityStore) -> Option<String> {
    let found = store.find_credential(&Email::parse("ada@example.org").unwrap()).await.unwrap().unwrap();
    found.password_hash.as_ref().map(PasswordHash::as_str).map(str::to_owned)
}

/// Writes an account of the user `ada`.
async fn write_account(database: &Database, id: &str, provider: &str, account: &str, created: &str, password: &str) {
    let insert = format!(
        r#"insert into "account" ("id", "accountId", "providerId", "userId", "password", "createdAt", "updatedAt")
            values ('{id}', '{account}', '{provider}', 'ada', {password}, '{created}', '{created}')"#
    );
    database.execute(&insert).await;
}

#[tokio::test]
async fn what_is_written_has_better_auths_forms() {
    let database = database_with(TABLES).await;
    let store = database.open().await;
    let client = Client { ip_address: Some(String::new()), user_agent: None };
    let begun = Session { client, ..session("token", "eve") };
    store.insert_user(&new_user("eve"), &begun).await.unwrap();
    store.insert_organization(&organization("acme"), &member("acme", "eve")).await.unwrap();
    let user = r#"select concat_ws(' ', "email", "emailVerified", "image" is null, "createdAt" at time zone 'UTC',
        "updatedAt" at time zone 'UTC') from "user" where "id" = 'eve'"#;
    assert_eq!(ask(&database, user).await, "eve@example.org f t 2023-11-14 22:13:20 2023-11-14 22:13:20");
    let account = r#"select concat_ws(' ', "id", "accountId", "providerId", "userId", "password", "accessToken" is null,
        "createdAt" at time zone 'UTC', "updatedAt" at time zone 'UTC') from "account""#;
    let expected = "the account of eve eve credential eve the hash of eve t 2023-11-14 22:13:20 2023-11-14 22:13:20";
    assert_eq!(ask(&database, account).await, expected);
    let session = r#"select concat_ws(' ', "id", "userId", "token", "expiresAt" at time zone 'UTC', "ipAddress" is null,
        "userAgent" is null) from "session""#;
    assert_eq!(ask(&database, session).await, "token eve token 2023-11-21 22:13:20 f t");
    let organization = r#"select concat_ws(' ', "name", "slug", "createdAt" at time zone 'UTC', "logo" is null, "metadata" is null)
        from "organization""#;
    assert_eq!(ask(&database, organization).await, "the one of acme acme 2023-11-14 22:13:20 t t");
}

#[tokio::test]
async fn rows_of_better_auth_are_read() {
    let database = database_with(TABLES).await;
    let rows = r#"insert into "session" values ('s', '2024-01-01T00:00:00.000Z', 'token', '2023-12-01T00:00:00.000Z',
        '2023-12-02T00:00:00.000Z', '', null, 'ada')"#;
    database.execute(rows).await;
    write_account(&database, "a", "credential", "ada", "2023-12-01T00:00:00.000Z", "'salt:key'").await;
    let store = database.open().await;
    let (session, user) = store.find_session(&SessionToken::new("token")).await.unwrap().unwrap();
    assert_eq!((user.name.as_str(), user.email_verified, user.ban), ("Ada", true, None));
    assert_eq!(session.client, Client { ip_address: Some(String::new()), user_agent: None });
    assert_eq!(session.expires_at.to_string(), "2024-01-01T00:00:00.000Z");
    assert_eq!(session.updated_at.to_string(), "2023-12-02T00:00:00.000Z");
    assert_eq!(store.find_user(&user_id("ada")).await.unwrap(), Some(user));
    assert_eq!(password(&store).await.as_deref(), Some("salt:key"));
}

#[tokio::test]
async fn a_session_without_a_column_for_organizations_has_none() {
    let database = database_with(TABLES).await;
    let begun = Session { active_organization_id: Some("acme".to_owned()), ..session("token", "ada") };
    let found = async |begun: &Session| {
        let store = database.open().await;
        assert!(store.insert_session(begun).await.unwrap());
        store.find_session(&begun.token).await.unwrap().unwrap().0
    };
    assert_eq!(found(&begun).await, session("token", "ada"));
    database.execute(r#"alter table "session" add column "activeOrganizationId" text"#).await;
    let later = Session { id: row_id("later"), token: SessionToken::new("later"), ..begun };
    assert_eq!(found(&later).await, later);
}

#[tokio::test]
async fn accounts_name_who_issued_them_where_better_auth_requires_it() {
    let tables = TABLES.replace(r#"create table "account" ("#, r#"create table "account" ("issuer" text not null, "#);
    let index = r#"create unique index "account_issuer_accountId_uidx" on "account" ("issuer", "accountId")"#;
    let database = database_with(&format!("{tables} {index}")).await;
    let store = database.open().await;
    store.insert_user(&new_user("eve"), &session("token", "eve")).await.unwrap();
    let account = r#"select concat_ws(' ', "issuer", "providerId", "accountId") from "account""#;
    assert_eq!(ask(&database, account).await, "local:credential credential eve");
}

#[tokio::test]
async fn bans_are_known_without_columns_with_one_and_with_both() {
    let database = database_with(TABLES).await;
    let ban = async || database.open().await.find_user(&user_id("ada")).await.unwrap().unwrap().ban;
    assert_eq!(ban().await, None);
    database
        .execute(r#"alter table "user" add column "username" text; alter table "user" add column "role" text"#)
        .await;
    database.execute(r#"alter table "user" add column "banned" boolean"#).await;
    assert_eq!(ban().await, None);
    database.execute(r#"update "user" set "banned" = true"#).await;
    assert_eq!(ban().await, Some(Ban { until: None }));
    let until = r#"alter table "user" add column "banExpires" timestamptz;
        update "user" set "banExpires" = '2023-11-14T22:13:20.000Z'"#;
    database.execute(until).await;
    assert_eq!(ban().await, Some(Ban { until: Some(sample::NOW) }));
    database.execute(r#"update "user" set "banned" = false"#).await;
    assert_eq!(ban().await, None, "an end without a ban ends nothing");
}

#[tokio::test]
async fn a_password_is_that_of_the_users_oldest_credential_account() {
    let database = database_with(TABLES).await;
    let store = database.open().await;
    let (early, late) = ("2023-12-01T00:00:00.000Z", "2023-12-02T00:00:00.000Z");
    for (id, provider, account, created, value, expected) in [
        ("z0", "github", "ada", early, "'of another provider'", None),
        ("z1", "credential", "eve", early, "'of another account id'", None),
        ("z2", "credential", "ada", late, "'late'", Some("late")),
        ("z3", "credential", "ada", early, "'early'", Some("early")),
        ("B", "credential", "ada", early, "'of a smaller id'", Some("of a smaller id")),
        ("a", "credential", "ada", early, "'of an id that some languages sort first'", Some("of a smaller id")),
        ("A", "credential", "ada", early, "null", None),
    ] {
        write_account(&database, id, provider, account, created, value).await;
        assert_eq!(password(&store).await.as_deref(), expected, "after {id}");
    }
}

#[tokio::test]
async fn of_several_memberships_the_oldest_counts_and_then_the_smallest_id() {
    let database = database_with(TABLES).await;
    let store = database.open().await;
    let founder = Member { role: RoleName::parse("late").unwrap(), ..member("acme", "ada") };
    store.insert_organization(&organization("acme"), &founder).await.unwrap();
    for (id, created, expected) in [
        ("z", "2023-11-14T22:13:19.000Z", "member,z"),
        ("B", "2023-11-14T22:13:19.000Z", "member,B"),
        ("a", "2023-11-14T22:13:19.000Z", "member,B"),
    ] {
        let insert = format!(
            r#"insert into "member" ("id", "organizationId", "userId", "role", "createdAt")
                values ('{id}', 'acme', 'ada', 'member,{id}', '{created}')"#
        );
        database.execute(&insert).await;
        let roles = store.find_roles(&organization_id("acme"), &user_id("ada")).await.unwrap();
        assert_eq!(roles.as_deref(), Some(expected), "after {id}");
    }
}

#[tokio::test]
async fn columns_that_a_plugin_adds_disturb_no_open_store() {
    let database = database_with(TABLES).await;
    let store = database.open().await;
    let token = SessionToken::new("token");
    assert!(store.insert_session(&session("token", "ada")).await.unwrap());
    for table in ["user", "session", "account"] {
        let found = store.find_session(&token).await.unwrap();
        assert!(found.is_some() && password(&store).await.is_none());
        database.execute(&format!(r#"alter table "{table}" add column "pluginColumn" text"#)).await;
        assert_eq!(store.find_session(&token).await.unwrap(), found);
        assert!(store.find_user(&user_id("ada")).await.unwrap().is_some() && password(&store).await.is_none());
    }
}

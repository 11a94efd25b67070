//! Users, sessions and organizations in a database that Better Auth made, with rows that Better Auth wrote.

use keymint_domain::identity::{Client, Email, PasswordHash, Session, SessionToken};
use keymint_domain::organization::{Member, RoleName};
use keymint_domain::verify::Ban;
use keymint_ports::{IdentityStore, OrganizationStore};

use super::tables::{in_words_of, make_tables, make_tables_with_issuers};
use crate::SqlEngine;
use crate::sample::{self, member, new_user, organization, organization_id, row_id, session, user_id};

async fn password(store: &impl IdentityStore) -> Option<String> {
    let found = store.find_credential(&Email::parse("ada@example.org").unwrap()).await.unwrap().unwrap();
    found.password_hash.as_ref().map(PasswordHash::as_str).map(str::to_owned)
}

/// An account of the user `ada`: id, provider, account id, creation and password.
type Account<'a> = [&'a str; 5];

async fn write_account<E: SqlEngine>(engine: &E, [id, provider, account, created, password]: Account<'_>) {
    let insert = format!(
        r#"insert into "account" ("id", "accountId", "providerId", "userId", "password", "createdAt", "updatedAt")
            values ('{id}', '{account}', '{provider}', 'ada', {password}, '{created}', '{created}')"#
    );
    engine.execute(&insert).await;
}

pub async fn users_and_organizations_are_written_in_better_auths_forms<E: SqlEngine>(engine: &E) {
    make_tables(engine).await;
    let store = engine.open().await;
    let client = Client { ip_address: Some(String::new()), user_agent: None };
    let begun = Session { client, ..session("token", "eve") };
    store.insert_user(&new_user("eve"), &begun, &sample::UNRECORDED).await.unwrap();
    store.insert_organization(&organization("acme"), &member("acme", "eve"), &sample::UNRECORDED).await.unwrap();
    assert_eq!(engine.specimens().identity_forms.len(), 4);
    for (question, expected) in engine.specimens().identity_forms {
        assert_eq!(engine.ask(question).await, [*expected]);
    }
}

pub async fn rows_of_better_auth_are_read<E: SqlEngine>(engine: &E) {
    make_tables(engine).await;
    let rows = r#"insert into "session" values ('s', '2024-01-01T00:00:00.000Z', 'token', '2023-12-01T00:00:00.000Z',
        '2023-12-02T00:00:00.000Z', '', null, 'ada')"#;
    engine.execute(rows).await;
    write_account(engine, ["a", "credential", "ada", "2023-12-01T00:00:00.000Z", "'salt:key'"]).await;
    let store = engine.open().await;
    let (session, user) = store.find_session(&SessionToken::new("token")).await.unwrap().unwrap();
    assert_eq!((user.name.as_str(), user.email_verified, user.ban), ("Ada", true, None));
    assert_eq!(session.client, Client { ip_address: Some(String::new()), user_agent: None });
    assert_eq!(session.expires_at.to_string(), "2024-01-01T00:00:00.000Z");
    assert_eq!(session.updated_at.to_string(), "2023-12-02T00:00:00.000Z");
    assert_eq!(store.find_user(&user_id("ada")).await.unwrap(), Some(user));
    assert_eq!(password(&store).await.as_deref(), Some("salt:key"));
}

pub async fn a_session_without_a_column_for_organizations_has_none<E: SqlEngine>(engine: &E) {
    make_tables(engine).await;
    let begun = Session { active_organization_id: Some("acme".to_owned()), ..session("token", "ada") };
    let found = async |begun: &Session| {
        let store = engine.open().await;
        assert!(store.insert_session(begun, &sample::UNRECORDED).await.unwrap());
        store.find_session(&begun.token).await.unwrap().unwrap().0
    };
    assert_eq!(found(&begun).await, session("token", "ada"));
    engine.execute(r#"alter table "session" add column "activeOrganizationId" text"#).await;
    let later = Session { id: row_id("later"), token: SessionToken::new("later"), ..begun };
    assert_eq!(found(&later).await, later);
}

pub async fn accounts_name_who_issued_them_where_better_auth_requires_it<E: SqlEngine>(engine: &E) {
    make_tables_with_issuers(engine).await;
    let store = engine.open().await;
    store.insert_user(&new_user("eve"), &session("token", "eve"), &sample::UNRECORDED).await.unwrap();
    let account = r#"select concat_ws(' ', "issuer", "providerId", "accountId") from "account""#;
    assert_eq!(engine.ask(account).await, ["local:credential credential eve"]);
}

pub async fn bans_are_known_without_columns_with_one_and_with_both<E: SqlEngine>(engine: &E) {
    make_tables(engine).await;
    let ban = async || engine.open().await.find_user(&user_id("ada")).await.unwrap().unwrap().ban;
    assert_eq!(ban().await, None);
    let others = r#"alter table "user" add column "username" text; alter table "user" add column "role" text"#;
    engine.execute(others).await;
    engine.execute(&in_words_of(engine, r#"alter table "user" add column "banned" FLAG"#)).await;
    assert_eq!(ban().await, None);
    engine.execute(r#"update "user" set "banned" = true"#).await;
    assert_eq!(ban().await, Some(Ban { until: None }));
    let until = r#"alter table "user" add column "banExpires" INSTANT;
        update "user" set "banExpires" = '2023-11-14T22:13:20.000Z'"#;
    engine.execute(&in_words_of(engine, until)).await;
    assert_eq!(ban().await, Some(Ban { until: Some(sample::NOW) }));
    engine.execute(r#"update "user" set "banned" = false"#).await;
    assert_eq!(ban().await, None, "an end without a ban ends nothing");
}

pub async fn roles_are_known_without_their_column_and_with_it<E: SqlEngine>(engine: &E) {
    make_tables(engine).await;
    let role = async || engine.open().await.find_user(&user_id("ada")).await.unwrap().unwrap().role;
    assert_eq!(role().await, None);
    engine.execute(r#"alter table "user" add column "role" text"#).await;
    assert_eq!(role().await, None);
    for text in ["admin", "user,admin", ""] {
        engine.execute(&format!(r#"update "user" set "role" = '{text}'"#)).await;
        assert_eq!(role().await.as_deref(), Some(text));
    }
}

pub async fn a_password_is_that_of_the_users_oldest_credential_account<E: SqlEngine>(engine: &E) {
    make_tables(engine).await;
    let store = engine.open().await;
    let (early, late) = ("2023-12-01T00:00:00.000Z", "2023-12-02T00:00:00.000Z");
    for (account, expected) in [
        (["z0", "github", "ada", early, "'of another provider'"], None),
        (["z1", "credential", "eve", early, "'of another account id'"], None),
        (["z2", "credential", "ada", late, "'late'"], Some("late")),
        (["z3", "credential", "ada", early, "'early'"], Some("early")),
        (["B", "credential", "ada", early, "'of a smaller id'"], Some("of a smaller id")),
        (["a", "credential", "ada", early, "'of an id that some languages sort first'"], Some("of a smaller id")),
        (["A", "credential", "ada", early, "null"], None),
    ] {
        write_account(engine, account).await;
        assert_eq!(password(&store).await.as_deref(), expected, "after {}", account[0]);
    }
}

pub async fn of_several_memberships_the_oldest_counts_and_then_the_smallest_id<E: SqlEngine>(engine: &E) {
    make_tables(engine).await;
    let store = engine.open().await;
    let founder = Member { role: RoleName::parse("late").unwrap(), ..member("acme", "ada") };
    store.insert_organization(&organization("acme"), &founder, &sample::UNRECORDED).await.unwrap();
    for (id, expected) in [("z", "member,z"), ("B", "member,B"), ("a", "member,B")] {
        let insert = format!(
            r#"insert into "member" ("id", "organizationId", "userId", "role", "createdAt")
                values ('{id}', 'acme', 'ada', 'member,{id}', '2023-11-14T22:13:19.000Z')"#
        );
        engine.execute(&insert).await;
        let roles = store.find_roles(&organization_id("acme"), &user_id("ada")).await.unwrap();
        assert_eq!(roles.as_deref(), Some(expected), "after {id}");
    }
}

pub async fn columns_that_a_plugin_adds_disturb_no_open_store<E: SqlEngine>(engine: &E) {
    make_tables(engine).await;
    let store = engine.open().await;
    let token = SessionToken::new("token");
    assert!(store.insert_session(&session("token", "ada"), &sample::UNRECORDED).await.unwrap());
    for table in ["user", "session", "account"] {
        let found = store.find_session(&token).await.unwrap();
        assert!(found.is_some() && password(&store).await.is_none());
        engine.execute(&format!(r#"alter table "{table}" add column "pluginColumn" text"#)).await;
        assert_eq!(store.find_session(&token).await.unwrap(), found);
        assert!(store.find_user(&user_id("ada")).await.unwrap().is_some() && password(&store).await.is_none());
    }
}

//! A database that Better Auth made, with rows that Better Auth wrote.

#![expect(clippy::unwrap_used, reason = "test support")]

mod support;

use keymint_conformance::sample;
use keymint_domain::key::EditKey;
use keymint_domain::listing::ListQuery;
use keymint_domain::policy::Policy;
use keymint_domain::{ApiKey, ConfigId, ErrorCode, Metadata, Timestamp};
use keymint_ports::{KeyStore, StoreError};
use sqlx::{Row as _, query};

use crate::support::{Database, TABLES};

/// Writes the row of the sample key `id` as Better Auth does, with `values` in the place of some of its values.
async fn write_row(database: &Database, id: &str, values: &[(&str, &str)]) {
    let at = "'2023-11-14T22:13:20.000Z'";
    let insert = format!(
        r#"insert into "apikey" ("id", "configId", "referenceId", "key", "enabled", "rateLimitEnabled", "requestCount",
            "createdAt", "updatedAt", "metadata") values ('{id}', 'default', 'ada', '{}', true, false, 0, {at}, {at}, 'null')"#,
        sample::plain(id).hash().as_str(),
    );
    database.execute(&insert).await;
    for (column, value) in values {
        database.execute(&format!(r#"update "apikey" set "{column}" = {value} where "id" = '{id}'"#)).await;
    }
}

async fn database_with(id: &str, values: &[(&str, &str)]) -> Database {
    let database = Database::new().await;
    database.execute(TABLES).await;
    write_row(&database, id, values).await;
    database
}

async fn read(id: &str, values: &[(&str, &str)]) -> ApiKey {
    let database = database_with(id, values).await;
    let store = database.open().await;
    let found = store.find(&sample::id(id)).await.unwrap().unwrap();
    let listed = store.list(&ListQuery::default()).await.unwrap().keys;
    assert_eq!(listed, std::slice::from_ref(&found), "a list reads a row as a look-up does");
    found
}

#[tokio::test]
async fn a_plain_row_is_read_as_better_auth_reads_it() {
    assert_eq!(read("a", &[]).await, sample::key("a"));
}

#[tokio::test]
async fn nulls_mean_what_they_mean_to_better_auth() {
    let nulls = ["configId", "enabled", "rateLimitEnabled", "requestCount", "metadata"].map(|column| (column, "null"));
    let key = read("a", &nulls).await;
    assert_eq!(key.details.config_id, ConfigId::default_id());
    assert!(key.details.enabled && key.details.rate_limit_enabled);
    assert_eq!((key.usage.request_count, &key.details.metadata), (0, &None));
    assert_eq!(read("a", &[("configId", "''")]).await.details.config_id, ConfigId::default_id());
}

#[tokio::test]
async fn json_is_read_in_every_form_that_better_auth_ever_wrote() {
    let metadata = async |text: &str| {
        let key = read("a", &[("metadata", text)]).await;
        key.details.metadata.as_ref().map(Metadata::as_json).map(str::to_owned)
    };
    assert_eq!(metadata("'null'").await, None);
    assert_eq!(metadata(r#"'{"plan":"pro"}'"#).await.as_deref(), Some(r#"{"plan":"pro"}"#));
    assert_eq!(metadata(r#"'"{\"plan\":\"pro\"}"'"#).await.as_deref(), Some(r#"{"plan":"pro"}"#));
    assert_eq!(read("a", &[("permissions", "'null'")]).await.details.permissions, None);
    let granted = read("a", &[("permissions", r#"'{"files":["read"]}'"#)]).await.details.permissions.clone();
    assert_eq!(granted.unwrap().as_json(), r#"{"files":["read"]}"#);
}

#[tokio::test]
async fn what_lies_below_the_millisecond_is_cut_off() {
    let key =
        read("a", &[("createdAt", "'2023-11-14T22:13:20.123999Z'"), ("lastRequest", "'1969-12-31T23:59:59.9999Z'")]);
    let key = key.await;
    assert_eq!(key.details.created_at, sample::NOW.plus_millis(123));
    assert_eq!(key.usage.last_request, Some(Timestamp::from_millis(-1)));
}

#[tokio::test]
async fn numbers_beyond_32_bits_are_refused() {
    let store = database_with("a", &[("remaining", "3")]).await.open().await;
    let large = sample::key_with_limit("large", 2_147_483_648, 1);
    let refused = store.insert(&large, None).await;
    assert!(matches!(refused, Err(StoreError::OutOfRange { column: "rateLimitTimeWindow" })));
    let patch = sample::patch(EditKey { remaining: Some(1 << 31), ..EditKey::default() });
    let refused = store.update(&sample::id("a"), &patch, sample::NOW).await;
    assert!(matches!(refused, Err(StoreError::OutOfRange { column: "remaining" })));
    assert_eq!(store.find(&sample::id("a")).await.unwrap().unwrap().usage.remaining, Some(3));
    assert_eq!(store.find(&sample::id("large")).await.unwrap(), None);
}

#[tokio::test]
async fn rows_without_a_configuration_are_found_listed_counted_and_cleaned_as_default() {
    use std::num::NonZeroU32;

    use keymint_domain::policy::ConfigFilter;

    let database = database_with("null", &[("configId", "null"), ("expiresAt", "'2023-11-14T22:13:21.000Z'")]).await;
    write_row(&database, "empty", &[("configId", "''"), ("expiresAt", "'2023-11-14T22:13:21.000Z'")]).await;
    let store = database.open().await;
    let only = ConfigFilter::AnyOf(vec![ConfigId::default_id()]);
    let none_of = ConfigFilter::NoneOf(vec![ConfigId::default_id()]);
    for (configurations, total) in [(only.clone(), 2), (none_of.clone(), 0)] {
        assert_eq!(store.list(&ListQuery { configurations, ..ListQuery::default() }).await.unwrap().total, total);
    }
    let full = store.insert(&sample::key("new"), NonZeroU32::new(2)).await;
    assert!(matches!(full, Err(StoreError::OwnerFull)));
    let later = sample::NOW.plus_millis(5000);
    assert_eq!(store.remove_expired(&none_of, later, 0, 10).await.unwrap().removed, 0);
    assert_eq!(store.remove_expired(&only, later, 0, 10).await.unwrap().removed, 2);
}

#[tokio::test]
async fn what_is_written_has_better_auths_forms() {
    let database = database_with("a", &[("remaining", "3")]).await;
    let store = database.open().await;
    let now = Timestamp::parse("2026-01-02T03:04:05.6Z").unwrap();
    let answers = store.spend(&[sample::attempt("a")], &Policy::default(), now).await.unwrap();
    assert!(answers[0].as_ref().unwrap().accepted().is_some());
    store.insert(&sample::key("b"), None).await.unwrap();

    let forms = |id| {
        query(
            r#"select concat_ws(' ', "remaining", "lastRequest" at time zone 'UTC', "enabled",
                "createdAt" at time zone 'UTC', "metadata", "permissions" is null, "configId") as forms
            from "apikey" where "id" = $1"#,
        )
        .bind(id)
    };
    let mut stranger = database.stranger().await;
    let charged: String = forms("a").fetch_one(&mut stranger).await.unwrap().get("forms");
    assert_eq!(charged, "2 2026-01-02 03:04:05.6 t 2023-11-14 22:13:20 null t default");
    let new: String = forms("b").fetch_one(&mut stranger).await.unwrap().get("forms");
    assert_eq!(new, "t 2023-11-14 22:13:20 null t default");
}

#[tokio::test]
async fn owners_are_known_without_bans_with_them_and_with_their_ends() {
    let database = database_with("a", &[]).await;
    write_row(&database, "stray", &[("referenceId", "'nobody'")]).await;
    let mut policy = Policy::default();
    policy.require_owner = true;
    let codes = async || {
        let store = database.open().await;
        let attempts = [sample::attempt("a"), sample::attempt("stray")];
        let answers = store.spend(&attempts, &policy, sample::NOW).await.unwrap();
        answers.into_iter().map(|answer| answer.unwrap().refused().map(|refusal| refusal.code)).collect::<Vec<_>>()
    };
    let stray = Some(ErrorCode::InvalidReferenceIdFromApiKey);
    assert_eq!(codes().await, [None, stray]);
    database.execute(r#"alter table "user" add column "banned" boolean; update "user" set "banned" = true"#).await;
    assert_eq!(codes().await, [Some(ErrorCode::UserBanned), stray]);
    let ended = r#"alter table "user" add column "banExpires" timestamptz;
        update "user" set "banExpires" = '2023-11-14T22:13:20.000Z'"#;
    database.execute(ended).await;
    assert_eq!(codes().await, [None, stray]);
}

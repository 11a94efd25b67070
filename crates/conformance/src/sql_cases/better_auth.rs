//! A database that Better Auth made, with rows that Better Auth wrote.

use std::num::NonZeroU32;

use keymint_domain::listing::ListQuery;
use keymint_domain::policy::{ConfigFilter, Policy};
use keymint_domain::{ApiKey, ConfigId, ErrorCode, Metadata, Timestamp};
use keymint_ports::{KeyStore, StoreError};

use super::tables::{in_words_of, make_tables, write_key};
use crate::{SqlEngine, sample};

/// Reads the sample key `a`, whose row has these values, and no other row.
async fn read<E: SqlEngine>(engine: &E, values: &[(&str, &str)]) -> ApiKey {
    engine.execute(r#"delete from "apikey""#).await;
    write_key(engine, "a", values).await;
    let store = engine.open().await;
    let found = store.find(&sample::id("a")).await.unwrap().unwrap();
    let listed = store.list(&ListQuery::default()).await.unwrap().keys;
    assert_eq!(listed, std::slice::from_ref(&found), "a list reads a row as a look-up does");
    found
}

pub async fn a_plain_row_is_read_as_better_auth_reads_it<E: SqlEngine>(engine: &E) {
    make_tables(engine).await;
    assert_eq!(read(engine, &[]).await, sample::key("a"));
}

pub async fn nulls_mean_what_they_mean_to_better_auth<E: SqlEngine>(engine: &E) {
    make_tables(engine).await;
    let nulls = ["configId", "enabled", "rateLimitEnabled", "requestCount", "metadata"].map(|column| (column, "null"));
    let key = read(engine, &nulls).await;
    assert_eq!(key.details.config_id, ConfigId::default_id());
    assert!(key.details.enabled && key.details.rate_limit_enabled);
    assert_eq!((key.usage.request_count, &key.details.metadata), (0, &None));
    assert_eq!(read(engine, &[("configId", "''")]).await.details.config_id, ConfigId::default_id());
}

pub async fn json_is_read_in_every_form_that_better_auth_ever_wrote<E: SqlEngine>(engine: &E) {
    make_tables(engine).await;
    let metadata = async |text: &str| {
        let key = read(engine, &[("metadata", text)]).await;
        key.details.metadata.as_ref().map(Metadata::as_json).map(str::to_owned)
    };
    assert_eq!(metadata("'null'").await, None);
    assert_eq!(metadata(r#"'{"plan":"pro"}'"#).await.as_deref(), Some(r#"{"plan":"pro"}"#));
    assert_eq!(metadata(r#"'"{\"plan\":\"pro\"}"'"#).await.as_deref(), Some(r#"{"plan":"pro"}"#));
    assert_eq!(read(engine, &[("permissions", "'null'")]).await.details.permissions, None);
    let granted = read(engine, &[("permissions", r#"'{"files":["read"]}'"#)]).await.details.permissions.clone();
    assert_eq!(granted.unwrap().as_json(), r#"{"files":["read"]}"#);
}

pub async fn rows_without_a_configuration_are_found_listed_counted_and_cleaned_as_default<E: SqlEngine>(engine: &E) {
    make_tables(engine).await;
    for (id, config_id) in [("null", "null"), ("empty", "''")] {
        write_key(engine, id, &[("configId", config_id), ("expiresAt", "'2023-11-14T22:13:21.000Z'")]).await;
    }
    let store = engine.open().await;
    let only = ConfigFilter::AnyOf(vec![ConfigId::default_id()]);
    let none_of = ConfigFilter::NoneOf(vec![ConfigId::default_id()]);
    for (configurations, total) in [(only.clone(), 2), (none_of.clone(), 0)] {
        assert_eq!(
            store.list(&ListQuery { configurations, ..ListQuery::default() }).await.unwrap().total.at_least(),
            total
        );
    }
    let full = store.insert(&sample::key("new"), NonZeroU32::new(2), &sample::UNRECORDED).await;
    assert!(matches!(full, Err(StoreError::OwnerFull)));
    let later = sample::NOW.plus_millis(5000);
    assert_eq!(store.remove_expired(&none_of, later, 0, 10, &sample::UNRECORDED).await.unwrap().removed, 0);
    assert_eq!(store.remove_expired(&only, later, 0, 10, &sample::UNRECORDED).await.unwrap().removed, 2);
}

pub async fn a_key_is_written_in_better_auths_forms<E: SqlEngine>(engine: &E) {
    make_tables(engine).await;
    write_key(engine, "a", &[("remaining", "3")]).await;
    let store = engine.open().await;
    let now = Timestamp::parse("2026-01-02T03:04:05.6Z").unwrap();
    let answers = store.spend(&[sample::attempt("a")], &Policy::default(), now).await.unwrap();
    assert!(answers[0].as_ref().unwrap().accepted().is_some());
    store.insert(&sample::key("b"), None, &sample::UNRECORDED).await.unwrap();

    let specimens = engine.specimens();
    for (id, expected) in [("a", specimens.spent_key), ("b", specimens.new_key)] {
        let form = format!(r#"select {} from "apikey" where "id" = '{id}'"#, specimens.key_form);
        assert_eq!(engine.ask(&form).await, [expected]);
    }
}

pub async fn owners_are_known_without_bans_with_them_and_with_their_ends<E: SqlEngine>(engine: &E) {
    make_tables(engine).await;
    write_key(engine, "a", &[]).await;
    write_key(engine, "stray", &[("referenceId", "'nobody'")]).await;
    let mut policy = Policy::default();
    policy.require_owner = true;
    let codes = async || {
        let store = engine.open().await;
        let attempts = [sample::attempt("a"), sample::attempt("stray")];
        let answers = store.spend(&attempts, &policy, sample::NOW).await.unwrap();
        answers.into_iter().map(|answer| answer.unwrap().refused().map(|refusal| refusal.code)).collect::<Vec<_>>()
    };
    let stray = Some(ErrorCode::InvalidReferenceIdFromApiKey);
    assert_eq!(codes().await, [None, stray]);
    let banned = r#"alter table "user" add column "banned" FLAG; update "user" set "banned" = true"#;
    engine.execute(&in_words_of(engine, banned)).await;
    assert_eq!(codes().await, [Some(ErrorCode::UserBanned), stray]);
    let ended = r#"alter table "user" add column "banExpires" INSTANT;
        update "user" set "banExpires" = '2023-11-14T22:13:20.000Z'"#;
    engine.execute(&in_words_of(engine, ended)).await;
    assert_eq!(codes().await, [None, stray]);
}

//! What Better Auth's own interface, its drivers and SQLite's functions leave in a row has a meaning, and stays in the row
//! as it is written there.

#![expect(clippy::unwrap_used, reason = "test support")]

mod support;

use std::num::NonZeroU32;

use keymint_conformance::sample;
use keymint_domain::key::{EditKey, KeyState};
use keymint_domain::policy::{ConfigFilter, Policy};
use keymint_domain::value::KeyName;
use keymint_domain::verify::Cost;
use keymint_domain::{ApiKey, Configuration, Timestamp};
use keymint_ports::KeyStore as _;
use sqlx::{AssertSqlSafe, query_scalar};

use crate::support::Database;

const EXACT: u64 = 9_007_199_254_740_991;

/// A column, what is stored there, and what it means.
type Odd = (&'static str, &'static str, fn(&ApiKey) -> bool);

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

const ODD: &[Odd] = &[
    ("rateLimitMax", "-1", |key| key.details.rate_limit_max == Some(0)),
    ("rateLimitMax", "1.5", |key| key.details.rate_limit_max == Some(2)),
    ("rateLimitMax", "1e30", |key| key.details.rate_limit_max == Some(EXACT)),
    ("rateLimitMax", "9007199254740993", |key| key.details.rate_limit_max == Some(EXACT + 2)),
    ("rateLimitTimeWindow", "-0.5", |key| key.details.rate_limit_window_ms == Some(0)),
    ("rateLimitTimeWindow", "0.5", |key| key.details.rate_limit_window_ms == Some(1)),
    ("refillInterval", "-1", |key| key.details.refill_interval_ms == Some(0)),
    ("refillAmount", "0.5", |key| key.details.refill_amount == Some(1)),
    ("remaining", "-0.5", |key| key.usage.remaining == Some(0)),
    ("remaining", "1.5", |key| key.usage.remaining == Some(2)),
    ("requestCount", "-3", |key| key.usage.request_count == 0),
    ("referenceId", "'LONG'", |key| key.details.owner.as_str().len() == 5000),
    ("expiresAt", "'+010056-11-27T19:16:23.627Z'", |key| key.details.expires_at == Some(Timestamp::MAX)),
    ("expiresAt", "'2033-05-18 03:33:20'", |key| key.details.expires_at == Some(at("2033-05-18T03:33:20.000Z"))),
    ("expiresAt", "2000000000000", |key| key.details.expires_at == Some(at("2033-05-18T03:33:20.000Z"))),
    ("expiresAt", "2000000000000.5", |key| key.details.expires_at == Some(at("2033-05-18T03:33:20.000Z"))),
    ("lastRequest", "'2023-11-14'", |key| key.usage.last_request == Some(at("2023-11-14T00:00:00.000Z"))),
    ("lastRefillAt", "strftime('%Y-%m-%d %H:%M:%f', '2023-11-14')", |key| {
        key.usage.last_refill_at == Some(at("2023-11-14T00:00:00.000Z"))
    }),
    ("createdAt", "'2023-11-14 22:13'", |key| key.details.created_at == at("2023-11-14T22:13:00.000Z")),
    ("updatedAt", "current_timestamp", |key| key.usage.updated_at > sample::NOW),
    ("metadata", r#"'{"half":"\ud800"}'"#, |key| key.details.metadata.is_some()),
    ("permissions", r#"'{"files":["\ud800"]}'"#, |key| key.details.permissions.is_some()),
    ("permissions", "''", |key| key.details.permissions.is_none()),
];

#[tokio::test]
async fn odd_values_are_read_as_what_they_mean_and_no_edit_rewrites_them() {
    let database = Database::new();
    let store = database.open().await;
    let name = EditKey { name: KeyName::parse("new").ok(), ..EditKey::default() };
    let rename = name.check(&Configuration::default(), sample::NOW).unwrap();
    for (column, value, means) in ODD {
        let value = value.replace("LONG", &"x".repeat(5000));
        store.insert(&sample::key("odd"), None).await.unwrap();
        database.execute(&format!(r#"update "apikey" set "{column}" = {value}"#)).await;
        let ask = format!(r#"select typeof("{column}") || quote("{column}") from "apikey""#);
        let mut stranger = database.stranger().await;
        let before: String = query_scalar(AssertSqlSafe(&*ask)).fetch_one(&mut stranger).await.unwrap();
        let key = store.find(&sample::id("odd")).await.unwrap().unwrap();
        assert!(means(&key), "{column} = {value}: {key:?}");
        store.update(&sample::id("odd"), &rename, sample::NOW).await.unwrap().unwrap();
        let after: String = query_scalar(AssertSqlSafe(&*ask)).fetch_one(&mut stranger).await.unwrap();
        assert!(before == after || *column == "updatedAt", "{column}: {before} became {after}");
        let attempt = sample::attempt("odd").at_cost(Cost(0));
        let answers = store.spend(&[attempt], &Policy::default(), sample::NOW).await.unwrap();
        assert!(answers[0].is_ok(), "{column} = {value}");
        assert!(store.remove(&sample::id("odd")).await.unwrap());
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
        store.insert(&sample::key(id), None).await.unwrap();
        database.execute(&format!(r#"update "apikey" set "expiresAt" = '{value}' where "id" = '{id}'"#)).await;
    }
    let counts = store.count(now, None, NonZeroU32::new(100).unwrap()).await.unwrap().counts;
    assert_eq!((counts.of(KeyState::Expired), counts.of(KeyState::Active)), (2, 4));
    let late = sample::key_with("new", |details, _| details.created_at = now);
    assert!(store.insert(&late, NonZeroU32::new(4)).await.is_err(), "four are alive");
    assert_eq!(store.remove_expired(&ConfigFilter::Any, now, 0, 10).await.unwrap().removed, 2);
    for id in ["space-earlier", "usual"] {
        assert!(store.find(&sample::id(id)).await.unwrap().is_none(), "{id}");
    }
}

//! What Better Auth's own interface and Postgres' instants leave in a row has a meaning, and stays in the row as it is
//! written there.

#![expect(clippy::unwrap_used, reason = "test support")]

mod support;

use keymint_conformance::sample;
use keymint_domain::key::EditKey;
use keymint_domain::policy::Policy;
use keymint_domain::value::KeyName;
use keymint_domain::verify::Cost;
use keymint_domain::{ApiKey, Configuration, Timestamp};
use keymint_ports::KeyStore as _;
use sqlx::{AssertSqlSafe, query_scalar};

use crate::support::Database;

/// A column, what is stored there, and what it means.
type Odd = (&'static str, &'static str, fn(&ApiKey) -> bool);

const ODD: &[Odd] = &[
    ("rateLimitMax", "-2147483648", |key| key.details.rate_limit_max == Some(0)),
    ("rateLimitTimeWindow", "-1", |key| key.details.rate_limit_window_ms == Some(0)),
    ("refillInterval", "-1", |key| key.details.refill_interval_ms == Some(0)),
    ("refillAmount", "-5", |key| key.details.refill_amount == Some(0)),
    ("remaining", "-1", |key| key.usage.remaining == Some(0)),
    ("requestCount", "-1", |key| key.usage.request_count == 0),
    ("referenceId", "repeat('x', 5000)", |key| key.details.owner.as_str().len() == 5000),
    ("expiresAt", "'infinity'", |key| key.details.expires_at.is_none()),
    ("expiresAt", "'-infinity'", |key| key.details.expires_at == Some(Timestamp::MIN)),
    ("expiresAt", "'294276-12-31'", |key| key.details.expires_at == Some(Timestamp::MAX)),
    ("lastRefillAt", "'infinity'", |key| key.usage.last_refill_at == Some(Timestamp::MAX)),
    ("lastRequest", "'0044-03-15 BC'", |key| key.usage.last_request == Some(Timestamp::MIN)),
    ("createdAt", "'-infinity'", |key| key.details.created_at == Timestamp::MIN),
    ("updatedAt", "'10000-01-01Z'", |key| key.usage.updated_at == Timestamp::MAX),
    ("metadata", r#"'{"half":"\ud800"}'"#, |key| key.details.metadata.is_some()),
    ("permissions", r#"'{"files":["\ud800"]}'"#, |key| key.details.permissions.is_some()),
    ("permissions", "''", |key| key.details.permissions.is_none()),
];

#[tokio::test]
async fn odd_values_are_read_as_what_they_mean_and_no_edit_rewrites_them() {
    let database = Database::new().await;
    let store = database.open().await;
    let name = EditKey { name: KeyName::parse("new").ok(), ..EditKey::default() };
    let rename = name.check(&Configuration::default(), sample::NOW).unwrap();
    let mut stranger = database.stranger().await;
    for (column, value, means) in ODD {
        store.insert(&sample::key("odd"), None).await.unwrap();
        database.execute(&format!(r#"update "apikey" set "{column}" = {value}"#)).await;
        let ask = format!(r#"select coalesce("{column}"::text, 'null') from "apikey""#);
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

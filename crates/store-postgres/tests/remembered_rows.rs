//! A row that this process wrote last is not read again before the next write. What others do to it counts all the same.

#![expect(clippy::unwrap_used, reason = "test support")]

mod support;

use keymint_conformance::sample;
use keymint_domain::ErrorCode;
use keymint_domain::policy::Policy;
use keymint_domain::verify::Verdict;
use keymint_ports::KeyStore;
use keymint_store_postgres::PgStore;
use sqlx::{AssertSqlSafe, raw_sql};

use crate::support::Database;

/// One use of the key `a`: what is left of its quota then, or why it was refused.
async fn spend(store: &PgStore, policy: &Policy) -> Result<Option<u64>, ErrorCode> {
    let answers = store.spend(&[sample::attempt("a")], policy, sample::NOW).await.unwrap();
    match answers.into_iter().next().unwrap().unwrap() {
        Verdict::Accepted(key) => Ok(key.usage.remaining),
        Verdict::Refused(refusal) => Err(refusal.code),
    }
}

#[tokio::test]
async fn what_somebody_else_writes_counts_at_once() {
    const RESTORE: &str = r#"update "apikey" set "enabled" = true, "remaining" = 5"#;
    let database = Database::new().await;
    let store = database.open().await;
    store.insert(&sample::key_with_quota("a", 3), None).await.unwrap();
    let policy = Policy::default();
    let mut stranger = database.stranger().await;
    for (write, answer) in [
        (r#"update "apikey" set "enabled" = false"#, Err(ErrorCode::KeyDisabled)),
        (r#"update "apikey" set "enabled" = true, "remaining" = 9"#, Ok(Some(8))),
        (r#"update "apikey" set "remaining" = 0"#, Err(ErrorCode::UsageExceeded)),
        (r#"update "apikey" set "remaining" = 2"#, Ok(Some(1))),
        (r#"delete from "apikey""#, Err(ErrorCode::InvalidApiKey)),
    ] {
        raw_sql(RESTORE).execute(&mut stranger).await.unwrap();
        assert_eq!(spend(&store, &policy).await, Ok(Some(4)));
        assert_eq!(spend(&store, &policy).await, Ok(Some(3)), "nobody came between");
        raw_sql(AssertSqlSafe(write)).execute(&mut stranger).await.unwrap();
        assert_eq!(spend(&store, &policy).await, answer, "{write}");
    }
}

#[tokio::test]
async fn what_others_do_to_the_owner_counts_where_owners_count() {
    let database = Database::new().await;
    let store = database.open().await;
    let mut stranger = database.stranger().await;
    raw_sql(
        support::TABLES.split_once("insert into").map(|(_, user)| AssertSqlSafe(format!("insert into{user}"))).unwrap(),
    )
    .execute(&mut stranger)
    .await
    .unwrap();
    let key = sample::key_with("a", |details, usage| {
        details.owner = sample::owner("ada");
        usage.remaining = Some(5);
    });
    store.insert(&key, None).await.unwrap();
    let mut policy = Policy::default();
    policy.require_owner = true;
    assert_eq!(spend(&store, &policy).await, Ok(Some(4)));
    assert_eq!(spend(&store, &policy).await, Ok(Some(3)));
    raw_sql(r#"delete from "user""#).execute(&mut stranger).await.unwrap();
    assert_eq!(spend(&store, &policy).await, Err(ErrorCode::InvalidReferenceIdFromApiKey));
}

//! A store that cannot do its work now says so, and works again once it can.

#![expect(clippy::unwrap_used, reason = "test support")]

mod support;

use futures_util::FutureExt as _;
use keymint_conformance::sample;
use keymint_domain::listing::ListQuery;
use keymint_domain::policy::Policy;
use keymint_ports::{KeyStore, ServerKeyStore, StoreError};
use keymint_store_postgres::{PgOptions, PgStore};
use keymint_test_postgres::PrivateCluster;
use sqlx::{AssertSqlSafe, Connection as _, query, query_scalar, raw_sql};

use tokio::task::yield_now;

use crate::support::Database;

fn is_unavailable<T>(outcome: &Result<T, StoreError>) -> bool {
    matches!(outcome, Err(StoreError::Unavailable(_)))
}

#[tokio::test]
async fn a_server_that_stops_is_unavailable_until_it_starts_again() {
    let cluster = PrivateCluster::start().await;
    let url = cluster.database().await;
    let options = PgOptions { acquire_timeout_ms: 500, ..PgOptions::new(url) };
    let store = PgStore::connect(&options).await.unwrap();
    store.insert(&sample::key_with_quota("a", 2), None, &sample::UNRECORDED).await.unwrap();
    let (attempts, policy) = ([sample::attempt("a")], Policy::default());
    for _ in 0..2 {
        cluster.stop().await;
        assert!(is_unavailable(&store.spend(&attempts, &policy, sample::NOW).await));
        assert!(is_unavailable(&store.find(&sample::id("a")).await));
        assert!(is_unavailable(&store.list(&ListQuery::default()).await));
        assert!(is_unavailable(&store.insert(&sample::key("b"), None, &sample::UNRECORDED).await));
        assert!(is_unavailable(&store.list_server_keys().await));
        assert!(is_unavailable(&store.probe().await));
        cluster.start_again().await;
        store.probe().await.unwrap();
        let answers = store.spend(&attempts, &policy, sample::NOW).await.unwrap();
        assert!(answers[0].as_ref().unwrap().accepted().is_some());
    }
    assert_eq!(store.find(&sample::id("a")).await.unwrap().unwrap().usage.remaining, Some(0));
}

#[tokio::test]
async fn a_row_that_somebody_keeps_locked_is_unavailable_until_it_is_unlocked() {
    let database = Database::new().await;
    let impatient = PgOptions { statement_timeout_ms: 100, ..database.options() };
    let store = PgStore::connect(&impatient).await.unwrap();
    store.insert(&sample::key_with_quota("a", 1), None, &sample::UNRECORDED).await.unwrap();

    let mut stranger = database.stranger().await;
    let mut lock = stranger.begin().await.unwrap();
    query(r#"select 1 from "apikey" for update"#).execute(&mut *lock).await.unwrap();
    let attempts = [sample::attempt("a")];
    let answers = store.spend(&attempts, &Policy::default(), sample::NOW).await.unwrap();
    assert!(matches!(answers[0], Err(StoreError::Locked)), "{answers:?}");
    assert!(is_unavailable(&store.remove(&sample::id("a"), &sample::UNRECORDED).await));
    assert!(store.find(&sample::id("a")).await.unwrap().is_some(), "readers wait for no writer");
    lock.rollback().await.unwrap();

    let answers = store.spend(&attempts, &Policy::default(), sample::NOW).await.unwrap();
    assert!(answers[0].as_ref().unwrap().accepted().is_some(), "what was refused before took nothing");
}

#[tokio::test]
async fn a_locked_row_fails_its_own_attempts_and_keeps_nobody_else_waiting() {
    let database = Database::new().await;
    let store = database.open().await;
    for id in ["a", "b", "c"] {
        store.insert(&sample::key_with_quota(id, 9), None, &sample::UNRECORDED).await.unwrap();
    }
    let attempts = ["a", "b", "unknown", "c", "b"].map(sample::attempt);
    let mut stranger = database.stranger().await;
    // Thrice, of which the last batches know their rows already.
    for used in 1..=3 {
        let mut lock = stranger.begin().await.unwrap();
        query(r#"select 1 from "apikey" where "id" = 'b' for update"#).execute(&mut *lock).await.unwrap();
        let answers = store.spend(&attempts, &Policy::default(), sample::NOW).await.unwrap();
        assert!(answers[0].as_ref().unwrap().accepted().is_some());
        assert!(
            matches!((&answers[1], &answers[4]), (Err(StoreError::Locked), Err(StoreError::Locked))),
            "{answers:?}"
        );
        assert!(answers[2].as_ref().unwrap().accepted().is_none(), "there is no such key");
        assert!(answers[3].as_ref().unwrap().accepted().is_some());
        lock.rollback().await.unwrap();
        let again = store.spend(&[sample::attempt("b")], &Policy::default(), sample::NOW).await.unwrap();
        assert!(again[0].as_ref().unwrap().accepted().is_some(), "its row is free again");
        for id in ["a", "b", "c"] {
            let left = store.find(&sample::id(id)).await.unwrap().unwrap().usage.remaining;
            assert_eq!(left, Some(9 - used), "{id}: what is locked takes nothing");
        }
    }
}

#[tokio::test]
async fn a_locked_table_is_locked_and_not_empty() {
    let database = Database::new().await;
    let store = database.open().await;
    store.insert(&sample::key_with_quota("a", 1), None, &sample::UNRECORDED).await.unwrap();
    let mut stranger = database.stranger().await;
    let mut lock = stranger.begin().await.unwrap();
    query(r#"lock table "apikey" in access exclusive mode"#).execute(&mut *lock).await.unwrap();
    let attempts = [sample::attempt("a")];
    let outcome = store.spend(&attempts, &Policy::default(), sample::NOW).await;
    assert!(outcome.iter().flatten().all(|answer| matches!(answer, Err(StoreError::Locked))), "{outcome:?}");
    lock.rollback().await.unwrap();
    let answers = store.spend(&attempts, &Policy::default(), sample::NOW).await.unwrap();
    assert!(answers[0].as_ref().unwrap().accepted().is_some());
}

#[tokio::test]
async fn a_call_that_is_dropped_while_it_begins_leaves_no_transaction_open() {
    let database = Database::new().await;
    let store = PgStore::connect(&PgOptions { max_connections: 1, ..database.options() }).await.unwrap();
    let (attempts, policy) = ([sample::attempt("a")], Policy::default());
    for polls in 0..40 {
        store.insert(&sample::key("a"), None, &sample::UNRECORDED).await.unwrap();
        {
            // One of these numbers of polls sends `begin` and does not hear the answer.
            let mut spend = store.spend(&attempts, &policy, sample::NOW);
            for _ in 0..polls {
                if spend.as_mut().now_or_never().is_some() {
                    break;
                }
                yield_now().await;
            }
        }
        assert!(store.remove(&sample::id("a"), &sample::UNRECORDED).await.unwrap());
        let mut stranger = database.stranger().await;
        let left = query_scalar(r#"select count(*) from "apikey""#).fetch_one(&mut stranger);
        let left: i64 = left.await.unwrap();
        assert_eq!(left, 0, "what was removed is gone for others too");
    }
}

#[tokio::test]
async fn a_batch_that_has_written_nothing_goes_on_where_its_connection_breaks() {
    let database = Database::new().await;
    let store = PgStore::connect(&PgOptions { max_connections: 1, ..database.options() }).await.unwrap();
    store.insert(&sample::key_with_quota("a", 2), None, &sample::UNRECORDED).await.unwrap();
    let (attempts, policy) = ([sample::attempt("a")], Policy::default());
    let mut stranger = database.stranger().await;
    let mut break_connections = async || {
        const BREAK: &str = "select pg_terminate_backend(pid, 1000) from pg_stat_activity
            where application_name = 'keymint' and datname = current_database()";
        query(BREAK).execute(&mut stranger).await.unwrap();
    };

    break_connections().await;
    let answers = store.spend(&attempts, &policy, sample::NOW).await.unwrap();
    assert!(answers[0].as_ref().unwrap().accepted().is_some(), "its first statement reads the row");

    break_connections().await;
    let outcome = store.spend(&attempts, &policy, sample::NOW).await;
    // Its first statement writes the row, and may have been heard. On a slow machine the pool may notice before.
    assert!(outcome.is_ok() || is_unavailable(&outcome));
    let remaining = store.find(&sample::id("a")).await.unwrap().unwrap().usage.remaining;
    assert_eq!(remaining, Some(u64::from(outcome.is_err())), "what fails takes nothing");
}

#[tokio::test]
async fn a_probe_fails_on_a_database_that_takes_no_writes() {
    const ALTER: &str = "do $$ begin execute format('alter database %I set default_transaction_read_only = VALUE',
        current_database()); end $$";
    const END_SESSIONS: &str = "select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid()";
    let database = Database::new().await;
    let store = database.open().await;
    store.probe().await.unwrap();
    let mut stranger = database.stranger().await;
    for value in ["on", "off"] {
        raw_sql("set default_transaction_read_only = off").execute(&mut stranger).await.unwrap();
        raw_sql(AssertSqlSafe(ALTER.replace("VALUE", value))).execute(&mut stranger).await.unwrap();
        raw_sql(END_SESSIONS).execute(&mut stranger).await.unwrap();
        // The first to use a session that was ended hears of its end.
        drop(store.probe().await);
        assert_eq!(store.probe().await.is_ok(), value == "off", "{value}");
    }
}

#[tokio::test]
async fn a_probe_fails_where_no_key_can_be_verified() {
    let database = Database::new().await;
    let store = database.open().await;
    store.insert(&sample::key("a"), None, &sample::UNRECORDED).await.unwrap();
    store.probe().await.unwrap();
    database.execute(r#"alter table "apikey" alter column "createdAt" type text"#).await;
    // Prepared statements end first; then the column cannot be read.
    for _ in 0..2 {
        assert!(store.probe().await.is_err());
    }
    database.execute(r#"alter table "apikey" drop column "requestCount""#).await;
    assert!(is_unavailable(&store.probe().await));
}

//! A server that says nothing more on the connections that are open, while new ones work: a balancer that has switched over, a
//! translation of addresses that was forgotten, a stopped process.

#![expect(clippy::unwrap_used, reason = "test support")]

mod support;

use std::fmt::Debug;
use std::time::Duration;

use futures_util::future::join_all;
use keymint_conformance::sample;
use keymint_domain::listing::ListQuery;
use keymint_domain::policy::{ConfigFilter, Policy};
use keymint_domain::verify::Verdict;
use keymint_ports::{KeyStore, StoreError};
use keymint_store_postgres::{PgOptions, PgStore};
use keymint_test_postgres::Proxy;
use tokio::time::timeout;

use crate::support::Database;

/// More than any call may take here, and less than for ever.
const PATIENCE: Duration = Duration::from_secs(40);

async fn through(proxy: &Proxy) -> PgStore {
    let options = PgOptions { statement_timeout_ms: 2000, acquire_timeout_ms: 10_000, ..PgOptions::new(proxy.url()) };
    PgStore::connect(&options).await.unwrap()
}

async fn ends<T>(call: impl Future<Output = T>) -> T {
    timeout(PATIENCE, call).await.unwrap_or_else(|_| panic!("a call waits for ever"))
}

fn is_unavailable<T: Debug>(outcome: &Result<T, StoreError>) -> bool {
    matches!(outcome, Err(StoreError::Unavailable(_)))
}

async fn spend(store: &PgStore, key: &str) -> Result<Verdict, StoreError> {
    store.spend(&[sample::attempt(key)], &Policy::default(), sample::NOW).await?.remove(0)
}

#[tokio::test]
async fn batches_on_connections_that_fall_silent_end_and_new_connections_work() {
    let proxy = Proxy::to(&Database::new().await.url()).await;
    let store = through(&proxy).await;
    let names = ["a", "b", "c", "d", "e", "f"];
    for name in names {
        store.insert(&sample::key_with_quota(name, 100), None, &sample::UNRECORDED).await.unwrap();
    }
    for fall_silent in [Proxy::silence, Proxy::lose_answers, Proxy::silence] {
        // Twice, since the second batch writes what the first one remembers.
        for _ in 0..2 {
            let used = ends(join_all(names.map(|name| spend(&store, name)))).await;
            assert!(used.iter().all(Result::is_ok), "{used:?}");
        }
        let before = remaining(&store, names).await;
        fall_silent(&proxy);
        let (mut accepted, mut unknown) = ([0; 6], [0; 6]);
        for _ in 0..3 {
            let outcomes = ends(join_all(names.map(|name| spend(&store, name)))).await;
            for (index, outcome) in outcomes.iter().enumerate() {
                match outcome {
                    Ok(verdict) => accepted[index] += u64::from(verdict.accepted().is_some()),
                    Err(_) => unknown[index] += 1,
                }
            }
        }
        assert_eq!(accepted.iter().zip(unknown).map(|(a, b)| a + b).sum::<u64>(), 18, "nothing is refused");
        let used = ends(join_all(names.map(|name| spend(&store, name)))).await;
        assert!(used.iter().all(Result::is_ok), "{used:?}");
        let after = remaining(&store, names).await;
        for index in 0..names.len() {
            let charged = before[index] - after[index] - 1;
            let may_be = accepted[index]..=accepted[index] + unknown[index];
            assert!(may_be.contains(&charged), "{charged} are not in {may_be:?}");
        }
    }
}

async fn remaining<const N: usize>(store: &PgStore, names: [&str; N]) -> [u64; N] {
    let found = join_all(names.map(async |name| store.find(&sample::id(name)).await.unwrap().unwrap())).await;
    let remaining: Vec<_> = found.iter().map(|key| key.usage.remaining.unwrap()).collect();
    remaining.try_into().unwrap()
}

#[tokio::test]
async fn whatever_is_asked_of_a_silent_connection_ends_and_is_answered_by_the_next() {
    let proxy = Proxy::to(&Database::new().await.url()).await;
    let store = through(&proxy).await;
    store.insert(&sample::key("a"), None, &sample::UNRECORDED).await.unwrap();
    let id = sample::id("a");
    // A connection that was used so lately is not asked whether it is alive.
    macro_rules! survives {
        ($($call:expr;)*) => { $(
            store.probe().await.unwrap();
            proxy.silence();
            let outcome = ends($call).await;
            assert!(outcome.is_ok() || is_unavailable(&outcome), "{outcome:?}");
            ends(async { while is_unavailable(&$call.await) {} }).await;
        )* };
    }
    survives! {
        store.probe();
        store.find(&id);
        store.list(&ListQuery::default());
        store.count(None, sample::NOW, None, std::num::NonZeroU32::MIN);
        store.dry_run(&sample::attempt("a"), &Policy::default(), sample::NOW);
        store.remove_expired(&ConfigFilter::Any, sample::NOW, 0, 9, &sample::UNRECORDED);
        store.remove_exhausted(std::slice::from_ref(&id), &Policy::default(), sample::NOW, &sample::UNRECORDED);
        store.remove(&id, &sample::UNRECORDED);
    }
}

#[tokio::test]
async fn a_silent_peer_leaves_no_connection_lost_to_the_pool() {
    let proxy = Proxy::to(&Database::new().await.url()).await;
    proxy.delay(Duration::from_millis(2));
    let options = PgOptions {
        max_connections: 2,
        statement_timeout_ms: 100,
        acquire_timeout_ms: 10_000,
        ..PgOptions::new(proxy.url())
    };
    let store = PgStore::connect(&options).await.unwrap();
    store.insert(&sample::key("a"), None, &sample::UNRECORDED).await.unwrap();
    for _ in 0..6 {
        // Also where it falls silent while a connection is on its way back into the pool.
        store.probe().await.unwrap();
        proxy.silence();
        let _ = ends(store.probe()).await;
        let _ = ends(spend(&store, "a")).await;
        let probes = ends(join_all([store.probe(), store.probe()])).await;
        assert!(probes.iter().all(Result::is_ok), "{probes:?}");
    }
}

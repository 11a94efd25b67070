use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::join_all;
use keymint_domain::listing::{ListQuery, Page, Total};
use keymint_domain::verify::{Attempt, Verdict};
use keymint_domain::{ApiKey, ErrorCode, KeyId, Policy, Timestamp};
use keymint_ports::{KeyStore, StoreError};
use tokio::sync::Barrier;

use crate::{Engine, sample};

/// Opens two handles on the same data.
pub(crate) async fn open_two<E: Engine>(engine: &E) -> [Arc<E::Store>; 2] {
    [Arc::new(engine.open().await), Arc::new(engine.open().await)]
}

/// Starts these at the same time, each in a task of its own, and returns their answers in order.
pub(crate) async fn at_once<F>(futures: impl IntoIterator<Item = F>) -> Vec<F::Output>
where
    F: Future<Output: Send + 'static> + Send + 'static,
{
    let futures: Vec<_> = futures.into_iter().collect();
    let start = Arc::new(Barrier::new(futures.len()));
    let tasks: Vec<_> = futures
        .into_iter()
        .map(|future| {
            let start = Arc::clone(&start);
            tokio::spawn(async move {
                start.wait().await;
                future.await
            })
        })
        .collect();
    join_all(tasks).await.into_iter().map(Result::unwrap).collect()
}

/// A timeout far beyond any store's needs. It turns a lock that was left behind into a failure instead of a test that
/// hangs.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// Polls a future `polls` times, lets others run in between, and drops it in its state at that time. Returns its output
/// if it completed.
pub(crate) async fn abandon<F: Future>(future: F, polls: usize) -> Option<F::Output> {
    let mut future = pin!(future);
    for _ in 0..polls {
        if let Some(output) = future.as_mut().now_or_never() {
            return Some(output);
        }
        tokio::task::yield_now().await;
    }
    None
}

/// Settles a batch of which no attempt may fail.
pub(crate) async fn settle(
    store: &impl KeyStore,
    attempts: &[Attempt],
    policy: &Policy,
    now: Timestamp,
) -> Vec<Verdict> {
    let mut answers = store.spend(attempts, policy, now).await.unwrap();
    // A locked attempt was not counted, and is retried, as the service does.
    loop {
        let locked = answers.iter().enumerate().filter(|(_, answer)| matches!(answer, Err(StoreError::Locked)));
        let locked: Vec<_> = locked.map(|(place, _)| place).collect();
        if locked.is_empty() {
            break;
        }
        let asked: Vec<_> = locked.iter().map(|place| attempts[*place].clone()).collect();
        let again = store.spend(&asked, policy, now).await.unwrap();
        locked.into_iter().zip(again).for_each(|(place, answer)| answers[place] = answer);
    }
    assert_eq!(answers.len(), attempts.len(), "one answer for each attempt");
    answers.into_iter().map(Result::unwrap).collect()
}

/// Settles one attempt.
pub(crate) async fn settle_one(store: &impl KeyStore, attempt: &Attempt, policy: &Policy, now: Timestamp) -> Verdict {
    settle(store, std::slice::from_ref(attempt), policy, now).await.remove(0)
}

/// Settles an attempt at cost 1 with a sample key, under the default policy.
pub(crate) async fn spend(store: &impl KeyStore, id: &str, now: Timestamp) -> Verdict {
    settle_one(store, &sample::attempt(id), &Policy::default(), now).await
}

/// Settles the same attempt `times` times at the same time, on all handles in turn.
pub(crate) async fn settle_at_once<S: KeyStore>(
    stores: &[Arc<S>],
    times: usize,
    attempt: &Attempt,
    policy: &Policy,
    now: Timestamp,
) -> Vec<Verdict> {
    let spends = (0..times).map(|turn| {
        let store = Arc::clone(&stores[turn % stores.len()]);
        let (attempt, policy) = (attempt.clone(), policy.clone());
        async move { settle_one(&*store, &attempt, &policy, now).await }
    });
    at_once(spends).await
}

/// Returns the reason of a refusal.
pub(crate) fn code(verdict: &Verdict) -> Option<ErrorCode> {
    verdict.refused().map(|refusal| refusal.code)
}

/// Returns the number of accepted verdicts.
pub(crate) fn accepted(verdicts: &[Verdict]) -> u64 {
    verdicts.iter().filter(|verdict| verdict.accepted().is_some()).count() as u64
}

/// Adds keys without a limit on their number.
pub(crate) async fn insert_all(store: &impl KeyStore, keys: &[ApiKey]) {
    for key in keys {
        store.insert(key, None, &sample::UNRECORDED).await.unwrap();
    }
}

/// Finds a key that must exist.
pub(crate) async fn found(store: &impl KeyStore, id: &KeyId) -> ApiKey {
    store.find(id).await.unwrap().unwrap()
}

/// Returns the rest of the quota of a sample key that must exist.
pub(crate) async fn remaining(store: &impl KeyStore, id: &str) -> Option<u64> {
    found(store, &sample::id(id)).await.usage.remaining
}

/// Lists every key in order of creation.
pub(crate) async fn everything(store: &impl KeyStore) -> Vec<ApiKey> {
    let Page { keys, unreadable: _, is_cut: _, total } =
        store.list(&ListQuery { limit: u32::MAX, ..ListQuery::default() }).await.unwrap();
    assert_eq!(total, Total::Exactly(keys.len() as u64));
    keys
}

/// Returns the ids of keys, in their order.
pub(crate) fn ids(keys: &[ApiKey]) -> Vec<&str> {
    keys.iter().map(|key| key.details.id.as_str()).collect()
}

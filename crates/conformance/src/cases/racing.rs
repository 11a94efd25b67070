use std::sync::Arc;

use futures_util::future::join;
use keymint_domain::policy::ConfigFilter;
use keymint_domain::verify::{Attempt, Verdict};
use keymint_domain::{ErrorCode, Policy};
use keymint_ports::KeyStore;

use crate::Engine;
use crate::sample::{self, NOW, id};
use crate::support::{accepted, at_once, code, everything, insert_all, open_two, remaining, settle, settle_at_once};

/// Checks that 40 parallel spends of a key with 15 calls left admit 15, each at a count of its own.
async fn exactly_fifteen_of_forty<S: KeyStore>(stores: &[Arc<S>]) {
    stores[0].insert(&sample::key_with_quota("key", 15), None, &sample::UNRECORDED).await.unwrap();
    let verdicts = settle_at_once(stores, 40, &sample::attempt("key"), &Policy::default(), NOW).await;
    let mut left: Vec<_> = verdicts.iter().filter_map(Verdict::accepted).map(|key| key.usage.remaining).collect();
    left.sort_unstable();
    assert_eq!(left, (0..15).map(Some).collect::<Vec<_>>());
    assert!(verdicts.iter().filter_map(code).all(|code| code == ErrorCode::UsageExceeded));
    assert_eq!(remaining(&*stores[0], "key").await, Some(0));
}

/// Spends batches in parallel, on both handles in turn.
async fn settle_batches<S: KeyStore>(stores: &[Arc<S>; 2], batches: Vec<Vec<Attempt>>) -> Vec<Vec<Verdict>> {
    let spends = batches.into_iter().enumerate().map(|(turn, batch)| {
        let store = Arc::clone(&stores[turn % 2]);
        async move { settle(&*store, &batch, &Policy::default(), NOW).await }
    });
    at_once(spends).await
}

pub async fn parallel_spends_on_one_handle_admit_what_is_left<E: Engine>(engine: &E) {
    exactly_fifteen_of_forty(&[Arc::new(engine.open().await)]).await;
}

pub async fn parallel_spends_on_two_handles_admit_what_is_left<E: Engine>(engine: &E) {
    exactly_fifteen_of_forty(&open_two(engine).await).await;
}

pub async fn parallel_batches_admit_what_is_left<E: Engine>(engine: &E) {
    let stores = open_two(engine).await;
    insert_all(&*stores[0], &[sample::key_with_quota("key", 50), sample::key_with_quota("other", 1000)]).await;
    let batch: Vec<_> = ["key", "other", "key", "unknown", "key", "other"].map(sample::attempt).into();
    let answers = settle_batches(&stores, vec![batch; 24]).await;
    let of_key = answers.iter().flat_map(|verdicts| [0, 2, 4].map(|place| verdicts[place].clone()));
    assert_eq!(accepted(&of_key.collect::<Vec<_>>()), 50);
    let of_other = answers.iter().flat_map(|verdicts| [1, 5].map(|place| verdicts[place].clone()));
    assert_eq!(accepted(&of_other.collect::<Vec<_>>()), 48);
    assert_eq!((remaining(&*stores[1], "key").await, remaining(&*stores[1], "other").await), (Some(0), Some(952)));
}

pub async fn batches_in_opposite_orders_do_not_block_each_other<E: Engine>(engine: &E) {
    let stores = open_two(engine).await;
    let names: Vec<_> = (0..8).map(|index| format!("key {index}")).collect();
    insert_all(&*stores[0], &names.iter().map(|id| sample::key_with_quota(id, 1000)).collect::<Vec<_>>()).await;
    let batches = (0..30).map(|turn: usize| {
        let mut batch: Vec<_> = names.iter().map(|id| sample::attempt(id)).collect();
        batch.rotate_left(turn % 8);
        if turn.is_multiple_of(2) {
            batch.reverse();
        }
        batch
    });
    let answers = settle_batches(&stores, batches.collect()).await;
    assert!(answers.iter().all(|verdicts| accepted(verdicts) == 8));
    for name in &names {
        assert_eq!(remaining(&*stores[1], name).await, Some(970), "{name}");
    }
}

pub async fn a_removed_key_is_not_brought_back_by_a_spend<E: Engine>(engine: &E) {
    let stores = open_two(engine).await;
    for turn in 0..5 {
        let name = format!("key {turn}");
        stores[0].insert(&sample::key_with_quota(&name, 1000), None, &sample::UNRECORDED).await.unwrap();
        let (attempt, policy) = (sample::attempt(&name), Policy::default());
        let spends = settle_at_once(&stores, 12, &attempt, &policy, NOW);
        let key = id(&name);
        let (verdicts, removed) = join(spends, stores[1].remove(&key, &sample::UNRECORDED)).await;
        assert!(removed.unwrap());
        assert!(verdicts.iter().filter_map(code).all(|code| code == ErrorCode::InvalidApiKey));
    }
    assert_eq!(everything(&*stores[0]).await, []);
}

pub async fn clean_up_and_spends_do_not_block_each_other<E: Engine>(engine: &E) {
    let stores = open_two(engine).await;
    let names: Vec<_> = (0..10).map(|index| format!("key {index}")).collect();
    let keys = names.iter().map(|id| {
        sample::key_with(id, |details, usage| {
            details.expires_at = Some(NOW.plus_millis(1));
            usage.remaining = Some(3);
        })
    });
    insert_all(&*stores[0], &keys.collect::<Vec<_>>()).await;
    let attempts: Vec<_> = names.iter().map(|id| sample::attempt(id)).collect();
    let backwards: Vec<_> = names.iter().rev().map(|name| id(name)).collect();
    let clean_up = (0..12).map(|turn| {
        let store = Arc::clone(&stores[turn % 2]);
        let ids = backwards.clone();
        async move {
            if turn % 3 == 0 {
                store
                    .remove_expired(&ConfigFilter::Any, NOW.plus_millis(2), 0, 1, &sample::UNRECORDED)
                    .await
                    .unwrap()
                    .removed
            } else {
                store.remove_exhausted(&ids, &Policy::default(), NOW, &sample::UNRECORDED).await.unwrap().removed
            }
        }
    });
    let (answers, removed) = join(settle_batches(&stores, vec![attempts; 12]), at_once(clean_up)).await;
    for place in 0..names.len() {
        let of_one: Vec<_> = answers.iter().map(|verdicts| verdicts[place].clone()).collect();
        assert!(accepted(&of_one) <= 3, "{}", names[place]);
    }
    assert_eq!(removed.iter().sum::<u32>() as usize + everything(&*stores[0]).await.len(), names.len());
}

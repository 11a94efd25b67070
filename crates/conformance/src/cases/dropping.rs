use std::num::NonZeroU32;
use std::sync::Arc;

use keymint_domain::Policy;
use keymint_domain::key::EditKey;
use keymint_ports::KeyStore;
use tokio::task::JoinSet;

use crate::Engine;
use crate::sample::{self, NOW, id};
use crate::support::{PATIENCE, abandon, everything, found, open_two, settle, spend};

/// Checks that a key of 1000 calls can still be spent, and that at least `finished` of `started` calls were counted.
async fn is_consistent(store: &impl KeyStore, finished: u64, started: u64) {
    let verdict = tokio::time::timeout(PATIENCE, spend(store, "key", NOW)).await.unwrap();
    let left = verdict.accepted().unwrap().usage.remaining.unwrap();
    let counted = 1000 - left;
    assert!((finished + 1..=started + 1).contains(&counted), "{counted} counted of {finished} to {started}");
}

pub async fn spends_that_are_dropped_at_any_point_leave_no_lock_and_no_half<E: Engine>(engine: &E) {
    let [store, other] = open_two(engine).await;
    store.insert(&sample::key_with_quota("key", 1000), None, &sample::UNRECORDED).await.unwrap();
    let (mut finished, mut started) = (0, 0);
    for polls in 0..60 {
        let (attempts, policy) = ([sample::attempt("key"), sample::attempt("key")], Policy::default());
        let ended = abandon(store.spend(&attempts, &policy, NOW), polls).await;
        started += 2;
        finished += ended.map_or(0, |answers| answers.unwrap().len() as u64);
    }
    is_consistent(&*other, finished, started).await;
}

pub async fn spends_that_are_aborted_among_others_leave_no_lock_and_no_half<E: Engine>(engine: &E) {
    let stores = open_two(engine).await;
    stores[0].insert(&sample::key_with_quota("key", 1000), None, &sample::UNRECORDED).await.unwrap();
    let (mut finished, mut started) = (0, 0);
    for round in 0..6 {
        let mut spends = JoinSet::new();
        for turn in 0..20 {
            let store = Arc::clone(&stores[turn % 2]);
            spends.spawn(async move { settle(&*store, &[sample::attempt("key")], &Policy::default(), NOW).await });
            started += 1;
        }
        for _ in 0..round {
            spends.join_next().await.unwrap().unwrap();
            finished += 1;
        }
        spends.abort_all();
        while let Some(ended) = spends.join_next().await {
            finished += u64::from(ended.is_ok());
        }
    }
    for store in &stores {
        let before = 1000 - found(&**store, &id("key")).await.usage.remaining.unwrap();
        assert!((finished..=started).contains(&before));
        is_consistent(&**store, finished, started).await;
        (finished, started) = (finished + 1, started + 1);
    }
}

pub async fn changes_that_are_dropped_at_any_point_leave_no_lock_and_no_half<E: Engine>(engine: &E) {
    let [store, other] = open_two(engine).await;
    store.insert(&sample::key_with_quota("key", 1000), None, &sample::UNRECORDED).await.unwrap();
    let patch = sample::patch(EditKey { rate_limit_max: Some(7), rate_limit_window_ms: Some(8), ..EditKey::default() });
    for polls in 0..40 {
        let new = sample::key(&format!("key {polls}"));
        let (_, policy) =
            (abandon(store.insert(&new, NonZeroU32::new(100), &sample::UNRECORDED), polls).await, Policy::default());
        abandon(store.update(&id("key"), &patch, NOW, &sample::UNRECORDED), polls).await;
        abandon(store.remove(&new.details.id, &sample::UNRECORDED), polls).await;
        abandon(store.remove_exhausted(&[id("key"), new.details.id.clone()], &policy, NOW, &sample::UNRECORDED), polls)
            .await;
    }
    // A dropped call may still be running: the next write by the same handle waits for its end.
    store.probe().await.unwrap();
    is_consistent(&*other, 0, 0).await;
    let key = found(&*other, &id("key")).await.details;
    let limit = (key.rate_limit_max, key.rate_limit_window_ms);
    assert!(matches!(limit, (None, None) | (Some(7), Some(8))), "{limit:?}");
    let change = async {
        other.insert(&sample::key("after"), NonZeroU32::new(100), &sample::UNRECORDED).await.unwrap();
        other.update(&id("key"), &patch, NOW, &sample::UNRECORDED).await.unwrap().unwrap();
        for left in everything(&*other).await {
            assert!(other.remove(&left.details.id, &sample::UNRECORDED).await.unwrap());
        }
    };
    tokio::time::timeout(PATIENCE, change).await.unwrap();
    assert_eq!(everything(&*store).await, []);
}

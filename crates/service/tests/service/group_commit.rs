//! Group commit: one transaction for all who wait, and no attempt suffers from another's failure.
//!
//! All tests but one run on one thread, so that all attempts are queued before the lane runs.

use std::num::NonZeroUsize;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, mpsc};

use futures_util::FutureExt as _;
use futures_util::future::{join_all, pending};
use futures_util::poll;
use keymint_domain::ErrorCode;
use keymint_domain::key::{Field, NewKey, PlainKey, StoredKey};
use keymint_domain::verify::{Attempt, Refusal, Verdict};
use keymint_ports::{MockKeyStore, Placement, Shard, StoreError};
use keymint_service::{Caller, GroupCommitOptions, Keys, ServiceError, VerifyKey};

use crate::odd_store::OddStore;
use crate::support::Fixture;

fn refused() -> Verdict {
    Verdict::Refused(Refusal::of_unknown(ErrorCode::KeyDisabled))
}

fn refuse_all(attempts: &[Attempt]) -> Vec<Result<Verdict, StoreError>> {
    attempts.iter().map(|_| Ok(refused())).collect()
}

fn keys(store: MockKeyStore, options: GroupCommitOptions) -> Keys {
    Keys::builder(Arc::new(store)).group_commit(options).build()
}

fn request() -> VerifyKey {
    VerifyKey::of(PlainKey::new("k"))
}

fn size(value: usize) -> NonZeroUsize {
    NonZeroUsize::new(value).unwrap()
}

#[tokio::test]
async fn all_who_wait_share_one_transaction() {
    let mut store = MockKeyStore::new();
    store
        .expect_spend()
        .withf(|attempts, _, _| attempts.len() == 20)
        .once()
        .returning(|attempts, _, _| Ok(refuse_all(attempts)));
    let keys = keys(store, GroupCommitOptions::default());
    let verdicts = join_all((0..20).map(|_| keys.verify(&Caller::Server, request()))).await;
    assert!(verdicts.iter().all(Result::is_ok));
}

/// Returns a placement of texts by their last bit: two nodes, with a shard each.
fn halves() -> Placement {
    Placement::new(size(2), size(2), |stored| {
        let number = usize::from(half_of(stored));
        Shard { number, node: number }
    })
}

fn half_of(stored: &StoredKey) -> bool {
    stored.as_str().bytes().next_back().is_some_and(|byte| byte & 1 == 1)
}

/// Settles forty attempts, and expects two batches with the texts of one half each.
async fn settle_in_two_batches(placement: Placement) {
    let mut store = MockKeyStore::new();
    store
        .expect_spend()
        .withf(|attempts, _, _| attempts.iter().all(|attempt| half_of(attempt.hash()) == half_of(attempts[0].hash())))
        .times(2)
        .returning(|attempts, _, _| Ok(refuse_all(attempts)));
    let keys = Keys::builder(Arc::new(store)).placement(placement).build();
    let verify = |number: u32| keys.verify(&Caller::Server, VerifyKey::of(PlainKey::new(number.to_string())));
    assert!(join_all((0..40).map(verify)).await.iter().all(Result::is_ok));
}

#[tokio::test]
async fn a_batch_has_keys_of_one_shard() {
    settle_in_two_batches(halves()).await;
}

#[tokio::test]
async fn shards_of_one_node_have_batches_of_their_own() {
    let one_node =
        Placement::new(NonZeroUsize::MIN, size(2), |stored| Shard { number: usize::from(half_of(stored)), node: 0 });
    settle_in_two_batches(one_node).await;
}

#[tokio::test]
async fn a_store_may_have_more_shards_than_it_began_with() {
    let number_of = |stored: &StoredKey| stored.as_str().bytes().next_back().map_or(0, |byte| usize::from(byte) % 5);
    let placement = Placement::new(size(2), size(2), move |stored| {
        let number = number_of(stored);
        Shard { number, node: number }
    });
    let mut store = MockKeyStore::new();
    let is_of_one =
        move |attempts: &[Attempt]| attempts.iter().all(|one| number_of(one.hash()) == number_of(attempts[0].hash()));
    store
        .expect_spend()
        .withf(move |attempts, _, _| is_of_one(attempts))
        .times(5)
        .returning(|attempts, _, _| Ok(refuse_all(attempts)));
    let keys = Keys::builder(Arc::new(store)).placement(placement).build();
    let verify = |number: u32| keys.verify(&Caller::Server, VerifyKey::of(PlainKey::new(number.to_string())));
    assert!(join_all((0..60).map(verify)).await.iter().all(Result::is_ok));
}

#[tokio::test]
async fn attempts_are_settled_while_shards_are_divided_anew() {
    let looks = AtomicUsize::new(0);
    let placement = Placement::new(size(2), size(2), move |_| {
        let number = looks.fetch_add(1, Relaxed) % 7;
        Shard { number, node: number }
    });
    let mut store = MockKeyStore::new();
    store.expect_spend().returning(|attempts, _, _| Ok(refuse_all(attempts)));
    let keys = Keys::builder(Arc::new(store)).placement(placement).build();
    let verify = |number: u32| keys.verify(&Caller::Server, VerifyKey::of(PlainKey::new(number.to_string())));
    for _ in 0..20 {
        assert!(join_all((0..40).map(verify)).await.iter().all(Result::is_ok));
    }
}

#[tokio::test]
async fn a_node_that_hangs_keeps_nobody_of_another_node_waiting() {
    let store = OddStore(|attempts: Vec<Attempt>| {
        if half_of(attempts[0].hash()) { pending().boxed() } else { async move { Ok(refuse_all(&attempts)) }.boxed() }
    });
    let keys = Keys::builder(Arc::new(store)).placement(halves()).build();
    let is_late = |number: &u32| half_of(&PlainKey::new(number.to_string()).hash());
    let (late, early): (Vec<u32>, Vec<u32>) = (0..40).partition(is_late);
    let verify = |number: u32| keys.verify(&Caller::Server, VerifyKey::of(PlainKey::new(number.to_string())));
    let mut hanging = pin!(join_all(late.into_iter().map(verify)));
    assert!(poll!(&mut hanging).is_pending());
    assert!(join_all(early.into_iter().map(verify)).await.iter().all(Result::is_ok));
    assert!(poll!(&mut hanging).is_pending());
}

#[tokio::test]
async fn a_batch_is_never_larger_than_configured() {
    let mut store = MockKeyStore::new();
    store
        .expect_spend()
        .withf(|attempts, _, _| attempts.len() <= 8)
        .times(3)
        .returning(|attempts, _, _| Ok(refuse_all(attempts)));
    let keys = keys(store, GroupCommitOptions { max_batch: size(8), ..GroupCommitOptions::default() });
    assert_eq!(join_all((0..20).map(|_| keys.verify(&Caller::Server, request()))).await.len(), 20);
}

#[tokio::test]
async fn a_full_queue_turns_callers_away_and_recovers() {
    let mut store = MockKeyStore::new();
    store.expect_spend().returning(|attempts, _, _| Ok(refuse_all(attempts)));
    let keys = keys(store, GroupCommitOptions { queue: size(2), ..GroupCommitOptions::default() });
    let answers = join_all((0..3).map(|_| keys.verify(&Caller::Server, request()))).await;
    let turned_away = answers.iter().filter(|answer| matches!(answer, Err(ServiceError::Overloaded))).count();
    assert_eq!(turned_away, 1);
    assert!(keys.verify(&Caller::Server, request()).await.is_ok());
}

#[tokio::test]
async fn a_caller_who_gives_up_before_the_batch_begins_pays_nothing() {
    let fixture = Fixture::new(keymint_domain::Policy::default());
    let minted = fixture.create(NewKey { remaining: Field::Given(5), ..NewKey::default() }).await;
    {
        let mut abandoned = pin!(fixture.verify(&minted));
        assert!(poll!(&mut abandoned).is_pending());
    }
    let verdict = fixture.verify(&minted).await;
    assert_eq!(verdict.accepted().unwrap().usage.remaining, Some(4));
}

#[tokio::test]
async fn a_failed_batch_fails_its_own_attempts_only() {
    let mut store = MockKeyStore::new();
    store.expect_spend().once().returning(|_, _, _| Err(StoreError::unavailable("down")));
    store.expect_spend().returning(|attempts, _, _| Ok(refuse_all(attempts)));
    let keys = keys(store, GroupCommitOptions::default());
    let down = join_all((0..3).map(|_| keys.verify(&Caller::Server, request()))).await;
    assert!(down.iter().all(|answer| matches!(answer, Err(ServiceError::Store(StoreError::Unavailable(_))))));
    assert!(keys.verify(&Caller::Server, request()).await.is_ok());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_batch_that_hangs_holds_up_nobody_but_its_own_attempts() {
    let (inside, arrival) = mpsc::channel();
    let (release, gate) = mpsc::channel();
    let mut store = MockKeyStore::new();
    store.expect_spend().once().returning(move |attempts, _, _| {
        inside.send(()).unwrap();
        tokio::task::block_in_place(|| gate.recv().unwrap());
        Ok(refuse_all(attempts))
    });
    store.expect_spend().once().returning(|attempts, _, _| Ok(refuse_all(attempts)));
    let keys = Arc::new(keys(store, GroupCommitOptions { lanes: size(2), ..GroupCommitOptions::default() }));
    let hangs = tokio::spawn({
        let keys = Arc::clone(&keys);
        async move { keys.verify(&Caller::Server, request()).await }
    });
    arrival.recv().unwrap();
    assert!(keys.verify(&Caller::Server, request()).await.is_ok());
    assert!(!hangs.is_finished());
    release.send(()).unwrap();
    assert!(hangs.await.unwrap().is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_store_that_never_ends_fails_its_batches_in_time_and_not_the_service() {
    let batches = AtomicUsize::new(0);
    let store = OddStore(move |attempts: Vec<Attempt>| {
        let hangs = batches.fetch_add(1, Relaxed) < 2;
        async move { if hangs { pending().await } else { Ok(refuse_all(&attempts)) } }.boxed()
    });
    let keys = Keys::builder(Arc::new(store)).build();
    for _ in 0..2 {
        let answers = join_all((0..3).map(|_| keys.verify(&Caller::Server, request()))).await;
        assert!(answers.iter().all(|answer| matches!(answer, Err(ServiceError::Store(StoreError::Unavailable(_))))));
    }
    assert!(keys.verify(&Caller::Server, request()).await.is_ok());
}

#[tokio::test]
async fn attempts_on_a_locked_row_wait_beside_the_lanes_until_it_is_free() {
    let locked = Arc::new(AtomicUsize::new(3));
    let others = Arc::new(AtomicUsize::new(0));
    let (hash, left, alone) = (PlainKey::new("locked").hash(), Arc::clone(&locked), Arc::clone(&others));
    let store = OddStore(move |attempts: Vec<Attempt>| {
        let is_locked = |attempt: &Attempt| *attempt.hash() == hash;
        let has_locked = attempts.iter().any(is_locked);
        let is_free = has_locked && left.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1)).is_err();
        alone.fetch_add(usize::from(!has_locked), Relaxed);
        let answer = |attempt| if is_locked(attempt) && !is_free { Err(StoreError::Locked) } else { Ok(refused()) };
        let answers = attempts.iter().map(answer).collect();
        async move { Ok(answers) }.boxed()
    });
    let keys = Keys::builder(Arc::new(store)).build();
    let mut waits = pin!(keys.verify(&Caller::Server, VerifyKey::of(PlainKey::new("locked"))));
    assert!(poll!(&mut waits).is_pending());
    assert!(keys.verify(&Caller::Server, request()).await.is_ok());
    assert!(waits.await.is_ok());
    assert_eq!(locked.load(Relaxed), 0, "it was tried until it was free");
}

#[tokio::test]
async fn an_attempt_on_a_row_that_stays_locked_fails_after_a_while() {
    let store = OddStore(|attempts: Vec<Attempt>| {
        async move { Ok(attempts.iter().map(|_| Err(StoreError::Locked)).collect()) }.boxed()
    });
    let keys = Keys::builder(Arc::new(store)).build();
    let answer = keys.verify(&Caller::Server, request()).await;
    assert!(matches!(answer, Err(ServiceError::Store(StoreError::Locked))), "{answer:?}");
}

#[tokio::test]
async fn a_corrupt_row_fails_its_own_attempt_only() {
    let mut store = MockKeyStore::new();
    store.expect_spend().once().returning(|_, _, _| {
        Ok(vec![Err(StoreError::Corrupt { table: "apikey", column: "createdAt", id: None }), Ok(refused())])
    });
    let keys = keys(store, GroupCommitOptions::default());
    let answers = join_all((0..2).map(|_| keys.verify(&Caller::Server, request()))).await;
    assert!(matches!(answers[0], Err(ServiceError::Store(StoreError::Corrupt { .. }))));
    assert!(answers[1].is_ok());
}

#[tokio::test]
async fn a_store_that_panics_fails_its_batch_and_not_the_service() {
    let mut store = MockKeyStore::new();
    store.expect_spend().once().returning(|_, _, _| panic!("a bug in somebody's store"));
    store.expect_spend().returning(|attempts, _, _| Ok(refuse_all(attempts)));
    let keys = keys(store, GroupCommitOptions::default());
    assert!(matches!(keys.verify(&Caller::Server, request()).await, Err(ServiceError::Store(_))));
    assert!(keys.verify(&Caller::Server, request()).await.is_ok());
}

#[tokio::test]
async fn parallel_uses_of_one_key_never_exceed_its_quota() {
    let fixture = Fixture::new(keymint_domain::Policy::default());
    let new = NewKey { remaining: Field::Given(7), rate_limit_enabled: Some(false), ..NewKey::default() };
    let minted = fixture.create(new).await;
    let verdicts = join_all((0..50).map(|_| fixture.verify(&minted))).await;
    assert_eq!(verdicts.iter().filter(|verdict| verdict.accepted().is_some()).count(), 7);
}

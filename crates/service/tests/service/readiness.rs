//! Readiness: known from verifications that succeed, or else from one probe a second, however many requests there are.

use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::join_all;
use keymint_domain::key::NewKey;
use keymint_domain::verify::{Refusal, Verdict};
use keymint_domain::{ErrorCode, Policy};
use keymint_ports::{Clock, FakeClock, KeyStore as _, MockKeyStore, StoreError};
use keymint_service::{Caller, Keys, ServiceError, VerifyKey};

use crate::support::{Fixture, NOW};

fn over(store: MockKeyStore) -> (Keys, Arc<FakeClock>) {
    let clock = Arc::new(FakeClock::at(NOW));
    (Keys::builder(Arc::new(store)).clock(Arc::clone(&clock) as Arc<dyn Clock>).build(), clock)
}

/// Returns a store without keys.
fn without_keys() -> MockKeyStore {
    let mut store = MockKeyStore::new();
    store
        .expect_spend()
        .returning(|_, _, _| Ok(vec![Ok(Verdict::Refused(Refusal::of_unknown(ErrorCode::InvalidApiKey)))]));
    store
}

#[tokio::test]
async fn the_answer_to_a_probe_counts_for_a_second_whatever_it_was() {
    let mut store = without_keys();
    store.expect_probe().once().returning(|| Err(StoreError::unavailable("down")));
    store.expect_probe().once().returning(|| Ok(()));
    store.expect_probe().once().returning(|| Err(StoreError::unavailable("down again")));
    let (keys, clock) = over(store);
    for is_ready in [false, true, false] {
        let answers = join_all((0..20).map(|_| keys.ready())).await;
        assert!(answers.iter().all(|answer| answer.is_ok() == is_ready));
        clock.advance(999);
        assert_eq!(keys.ready().await.is_ok(), is_ready);
        clock.advance(1);
    }
}

#[tokio::test]
async fn a_clock_that_is_set_back_keeps_no_answer_alive() {
    let mut store = without_keys();
    store.expect_probe().times(2).returning(|| Ok(()));
    let (keys, clock) = over(store);
    assert!(keys.ready().await.is_ok());
    clock.set(NOW.minus_millis(1));
    assert!(keys.ready().await.is_ok());
}

#[tokio::test]
async fn after_a_verification_that_was_written_nobody_probes_for_two_seconds() {
    let fixture = Fixture::new(Policy::default());
    let minted = fixture.create(NewKey::default()).await;
    let (memory, mut store) = (fixture.store.clone(), MockKeyStore::new());
    let spend = move |attempts: &[_], policy: &_, now| memory.spend(attempts, policy, now).now_or_never().unwrap();
    store.expect_spend().returning(spend);
    store.expect_probe().once().returning(|| Err(StoreError::unavailable("read-only")));
    let (keys, clock) = over(store);
    clock.advance(1);
    keys.verify(&Caller::Server, VerifyKey::of(minted.plain.clone())).await.unwrap();
    keys.ready().await.unwrap();
    clock.advance(1999);
    keys.ready().await.unwrap();
    clock.advance(1);
    assert!(keys.ready().await.is_err());
}

#[tokio::test]
async fn a_store_that_settles_no_batch_is_not_ready_whatever_else_it_does() {
    let mut store = MockKeyStore::new();
    store.expect_spend().once().returning(|_, _, _| Err(StoreError::unavailable("down")));
    store.expect_probe().never();
    assert!(over(store).0.ready().await.is_err());
}

#[tokio::test]
async fn rows_that_cannot_be_read_are_no_fault_of_the_request() {
    let mut store = without_keys();
    store.expect_probe().returning(|| Err(StoreError::Corrupt { table: "apikey", column: "createdAt", id: None }));
    let refused = over(store).0.ready().await;
    assert!(matches!(refused, Err(ServiceError::Store(StoreError::Unavailable(_)))), "{refused:?}");
}

//! Whether the store answers: asked once a second, and for a second, however many want to know.

use std::sync::Arc;

use futures_util::future::join_all;
use keymint_ports::{Clock, FakeClock, MockKeyStore, StoreError};
use keymint_service::Keys;

use crate::support::NOW;

fn over(store: MockKeyStore) -> (Keys, Arc<FakeClock>) {
    let clock = Arc::new(FakeClock::at(NOW));
    (Keys::builder(Arc::new(store)).clock(Arc::clone(&clock) as Arc<dyn Clock>).build(), clock)
}

#[tokio::test]
async fn an_answer_counts_for_a_second_whatever_it_was() {
    let mut store = MockKeyStore::new();
    store.expect_ping().once().returning(|| Err(StoreError::unavailable("down")));
    store.expect_ping().once().returning(|| Ok(()));
    store.expect_ping().once().returning(|| Err(StoreError::unavailable("down again")));
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
    let mut store = MockKeyStore::new();
    store.expect_ping().times(2).returning(|| Ok(()));
    let (keys, clock) = over(store);
    assert!(keys.ready().await.is_ok());
    clock.set(NOW.minus_millis(1));
    assert!(keys.ready().await.is_ok());
}

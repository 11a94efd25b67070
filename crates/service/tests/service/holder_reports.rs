//! Reports of holders, who are told nothing.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use keymint_domain::key::{NewKey, PlainKey};
use keymint_domain::leak::LeakOutcome;
use keymint_domain::verify::{Attempt, Refusal, Verdict};
use keymint_domain::{ErrorCode, Policy};
use keymint_ports::{MockKeyStore, StoreError};
use keymint_service::{
    FoundText, HolderReports, HolderReportsOptions, Keys, ReportRefused, ServiceError, Source, Throttle,
    ThrottleOptions,
};
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::support::{Fixture, code_of};

const AFTER: Duration = Duration::from_millis(500);

fn found(text: &str) -> Vec<FoundText> {
    vec![FoundText::nowhere(PlainKey::new(text))]
}

/// Checks that the answer came when it was due, to the timer's millisecond.
#[track_caller]
fn assert_on_time(asked: Instant) {
    let took = asked.elapsed();
    assert!((AFTER..=AFTER + Duration::from_millis(1)).contains(&took), "{took:?}");
}

fn refuse_all(attempts: &[Attempt]) -> Vec<Result<Verdict, StoreError>> {
    let refused = || Ok(Verdict::Refused(Refusal::of_unknown(ErrorCode::InvalidApiKey)));
    attempts.iter().map(|_| refused()).collect()
}

fn desk() -> HolderReports {
    HolderReports::new(None, HolderReportsOptions::default())
}

#[expect(clippy::disallowed_methods, reason = "the time of Tokio's paused clock")]
fn paused_now() -> Instant {
    Instant::now()
}

#[tokio::test(start_paused = true)]
async fn the_answer_comes_at_the_same_time_whatever_was_found() {
    let fixture = Fixture::new(Policy::default());
    let minted = fixture.create(NewKey::default()).await;
    let all: Vec<_> = (0..1000).map(|number| FoundText::nowhere(PlainKey::new(number.to_string()))).collect();
    for texts in [found(minted.plain.expose()), found("unknown"), Vec::new(), all, found(minted.plain.expose())] {
        let asked = paused_now();
        desk().take(&fixture.keys, None, texts, Source::default()).await.unwrap();
        assert_on_time(asked);
    }
    assert_eq!(code_of(&fixture.verify(&minted).await), Some(ErrorCode::KeyDisabled));
}

#[tokio::test(start_paused = true)]
async fn a_slow_or_failing_store_changes_neither_the_answer_nor_its_time_and_the_report_is_applied_later() {
    let applied = Arc::new(Notify::new());
    let mut store = MockKeyStore::new();
    store.expect_spend().returning(|attempts, _, _| Ok(refuse_all(attempts)));
    store.expect_probe().returning(|| Ok(()));
    store.expect_foreign_groups().returning(|| Ok(Vec::new()));
    let mut calls = 0;
    let told = Arc::clone(&applied);
    store.expect_report_leaks().times(4).returning(move |_, _, _, _| {
        calls += 1;
        match calls {
            1 | 3 => Err(StoreError::unavailable("down")),
            2 => Err(StoreError::Locked),
            _ => {
                told.notify_one();
                Ok(vec![Ok(LeakOutcome::Unknown)])
            }
        }
    });
    let keys = Arc::new(Keys::builder(Arc::new(store)).build());
    let asked = paused_now();
    desk().take(&keys, None, found("text"), Source::default()).await.unwrap();
    assert_on_time(asked);
    applied.notified().await;
}

#[tokio::test(start_paused = true)]
async fn a_store_that_takes_no_writes_refuses_every_report_before_anything_is_looked_up() {
    let mut store = MockKeyStore::new();
    store.expect_spend().returning(|attempts, _, _| Ok(refuse_all(attempts)));
    store.expect_probe().returning(|| Err(StoreError::unavailable("down")));
    let keys = Arc::new(Keys::builder(Arc::new(store)).build());
    let refused = desk().take(&keys, None, found("text"), Source::default()).await;
    assert!(matches!(refused, Err(ReportRefused::Service(ServiceError::Store(_)))), "{refused:?}");
}

#[tokio::test(start_paused = true)]
async fn an_address_that_reports_too_often_waits() {
    let fixture = Fixture::new(Policy::default());
    let options = ThrottleOptions { max_requests: NonZeroU32::MIN, window: Duration::from_mins(1) };
    let desk = HolderReports::new(Some(Arc::new(Throttle::new(options))), HolderReportsOptions::default());
    let [one, other] = ["192.0.2.1", "192.0.2.2"].map(|address| address.parse().ok());
    desk.take(&fixture.keys, one, found("a"), Source::default()).await.unwrap();
    let refused = desk.take(&fixture.keys, one, found("a"), Source::default()).await;
    assert!(matches!(refused, Err(ReportRefused::Throttled(_))), "{refused:?}");
    desk.take(&fixture.keys, other, found("a"), Source::default()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn only_so_many_reports_are_applied_at_once() {
    let fixture = Fixture::new(Policy::default());
    let none = HolderReportsOptions { at_once: 0, ..HolderReportsOptions::default() };
    let refused = HolderReports::new(None, none).take(&fixture.keys, None, found("a"), Source::default()).await;
    assert!(matches!(refused, Err(ReportRefused::Service(ServiceError::Overloaded))), "{refused:?}");
}

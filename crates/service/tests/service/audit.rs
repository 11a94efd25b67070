//! The log of events is sealed, checked, and shortened.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use keymint_domain::event::seal::SealKey;
use keymint_domain::event::{Broken, EventQuery};
use keymint_domain::key::NewKey;
use keymint_domain::{OwnerId, Policy};
use keymint_ports::{Clock, EventStore as _, MockEventStore, MockWebhookStore};
use keymint_service::{Audit, Caller, CreateKey, Recorder, Sealer};

use crate::support::Fixture;

/// A service that records, with `count` keys.
async fn recorded(count: usize) -> Fixture {
    let fixture = Fixture::with(Policy::default(), |builder| builder.recorder(Recorder::on()));
    for _ in 0..count {
        let new = CreateKey::of(OwnerId::parse("ada").unwrap(), NewKey::default());
        fixture.keys.create(&Caller::Server, new).await.unwrap();
    }
    fixture
}

fn audit(fixture: &Fixture, key: u8) -> Audit {
    let store = Arc::new(fixture.store.clone());
    Audit::new(store, SealKey::new([key; 32])).with_clock(Arc::clone(&fixture.clock) as Arc<dyn Clock>)
}

#[tokio::test]
async fn a_log_that_spans_portions_is_whole_and_another_keys_seals_are_breaks() {
    const EVENTS: u64 = 1203;
    let fixture = recorded(usize::try_from(EVENTS).unwrap()).await;
    let ours = audit(&fixture, 1);
    assert_eq!(ours.seal().await.unwrap(), EVENTS);
    assert_eq!(ours.seal().await.unwrap(), 0);
    let check = ours.check(None).await.unwrap();
    assert_eq!((check.events, check.breaks, check.head.position), (EVENTS, Vec::new(), EVENTS));
    let theirs = audit(&fixture, 2).check(None).await.unwrap();
    assert!(matches!(theirs.breaks[0], Broken::Altered { position: 1, .. }), "{:?}", theirs.breaks[0]);
    assert_eq!(theirs.breaks.len(), keymint_service::MAX_BREAKS);
}

#[tokio::test]
async fn events_are_removed_after_their_retention_and_the_rest_stays_whole() {
    let fixture = recorded(3).await;
    let (ours, day) = (audit(&fixture, 1), Duration::from_hours(24));
    ours.seal().await.unwrap();
    assert_eq!(ours.remove_old(day, u64::MAX).await.unwrap(), 0);
    fixture.clock.advance(86_400_001);
    assert_eq!(ours.remove_old(day, 2).await.unwrap(), 2, "the third is not delivered");
    let check = ours.check(None).await.unwrap();
    assert_eq!((check.events, check.breaks), (1, Vec::new()));
}

#[tokio::test]
async fn nothing_is_recorded_unless_it_is_asked_for() {
    let fixture = Fixture::new(Policy::default());
    let new = CreateKey::of(OwnerId::parse("ada").unwrap(), NewKey::default());
    fixture.keys.create(&Caller::Server, new).await.unwrap();
    assert_eq!(audit(&fixture, 1).seal().await.unwrap(), 0);
    assert_eq!(fixture.store.list_events(&EventQuery::latest(1)).await.unwrap(), []);
}

#[tokio::test(start_paused = true)]
async fn events_are_sealed_while_a_long_removal_goes_on() {
    let (seals, seen) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
    let mut store = MockEventStore::new();
    let counter = Arc::clone(&seals);
    store.expect_seal().returning(move |_, _| {
        counter.fetch_add(1, Ordering::Relaxed);
        Ok(0)
    });
    // There is always more to remove.
    let counter = Arc::clone(&seen);
    store.expect_remove_events().returning(move |_, _, _, limit| {
        counter.fetch_add(1, Ordering::Relaxed);
        Ok(limit)
    });
    let mut webhooks = MockWebhookStore::new();
    webhooks.expect_delivered_position().returning(|_| Ok(None));
    let audit = Audit::new(Arc::new(store), SealKey::new([1; 32]));
    let day = Duration::from_hours(24);
    let _sealer = Sealer::start(Arc::new(audit), Some(day), Arc::new(webhooks), Recorder::on());
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert!(seals.load(Ordering::Relaxed) >= 9, "twice a second");
    assert!(seen.load(Ordering::Relaxed) > 100, "the removal went on");
}

//! The log of events is sealed, checked, and shortened.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use keymint_domain::event::seal::SealKey;
use keymint_domain::event::{Broken, Event, EventQuery, SealedEvent};
use keymint_domain::key::NewKey;
use keymint_domain::{OwnerId, Policy, Timestamp};
use keymint_ports::{Chain, Clock, EventStore, MockEventStore, MockWebhookStore, StoreError};
use keymint_service::{Audit, Caller, CreateKey, Recorder, Sealer};
use keymint_store_memory::MemoryStore;

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

/// Removes a portion of the log whenever it is about to be read, as another process does, until it has removed enough.
struct Shrinking {
    store: MemoryStore,
    portion: u32,
    left: AtomicU32,
}

#[async_trait]
impl EventStore for Shrinking {
    async fn record(&self, event: &Event) -> Result<bool, StoreError> {
        self.store.record(event).await
    }

    async fn seal(&self, key: &SealKey, limit: u32) -> Result<u32, StoreError> {
        self.store.seal(key, limit).await
    }

    async fn list_events(&self, query: &EventQuery) -> Result<Vec<SealedEvent>, StoreError> {
        let before = self.store.list_events(query).await;
        let left = self.left.load(Ordering::SeqCst);
        if left == 0 {
            return before;
        }
        self.left.store(left - 1, Ordering::SeqCst);
        let key = SealKey::new([1; 32]);
        self.store.remove_events(&key, Timestamp::MAX, u64::MAX, self.portion).await?;
        // Before the read, and behind it in turns.
        if left.is_multiple_of(2) { before } else { self.store.list_events(query).await }
    }

    async fn chain(&self) -> Result<Chain, StoreError> {
        self.store.chain().await
    }

    async fn remove_events(&self, key: &SealKey, before: Timestamp, up_to: u64, limit: u32) -> Result<u32, StoreError> {
        self.store.remove_events(key, before, up_to, limit).await
    }
}

#[tokio::test]
async fn an_export_during_a_removal_names_every_event_that_it_misses_and_has_all_others() {
    const EVENTS: u64 = 2503;
    for (portion, removals) in [(100, 1), (100, 7), (700, 3), (1000, 2), (2503, 1)] {
        let fixture = recorded(usize::try_from(EVENTS).unwrap()).await;
        audit(&fixture, 1).seal().await.unwrap();
        let store = Shrinking { store: fixture.store.clone(), portion, left: AtomicU32::new(0) };
        let store = Arc::new(store);
        let audit = Audit::new(Arc::clone(&store) as _, SealKey::new([1; 32]));
        let mut export = audit.export(EventQuery::latest(1), 0);
        let (mut read, mut missing, mut turn) = (Vec::new(), Vec::new(), 0);
        while let Some(next) = export.next().await.unwrap() {
            read.extend(next.events.iter().map(|event| event.position));
            missing.extend(next.missing.into_iter().flatten());
            // The log shrinks from the second portion on.
            turn += 1;
            store.left.store(if turn == 1 { removals } else { 0 }, Ordering::SeqCst);
        }
        assert!(read.is_sorted(), "{portion} {removals}");
        let mut all = [read.as_slice(), &missing].concat();
        all.sort_unstable();
        assert_eq!(all, (1..=EVENTS).collect::<Vec<_>>(), "{portion} {removals}: each once");
        let removed = fixture.store.chain().await.unwrap().start.position;
        assert!(missing.iter().all(|position| *position <= removed), "nothing is missing that is there");
        assert_eq!(missing.is_empty(), removed <= 500, "{portion} {removals}: {removed}");
    }
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

/// A store where a portion of seals takes ten milliseconds, and more are always left.
#[derive(Default)]
struct Endless(AtomicU32);

#[async_trait]
impl EventStore for Endless {
    async fn record(&self, _: &Event) -> Result<bool, StoreError> {
        unreachable!("nothing is recorded")
    }

    async fn seal(&self, _: &SealKey, limit: u32) -> Result<u32, StoreError> {
        tokio::time::sleep(Duration::from_millis(10)).await;
        self.0.fetch_add(1, Ordering::Relaxed);
        Ok(limit)
    }

    async fn list_events(&self, _: &EventQuery) -> Result<Vec<SealedEvent>, StoreError> {
        unreachable!("nothing is read")
    }

    async fn chain(&self) -> Result<Chain, StoreError> {
        unreachable!("nothing is read")
    }

    async fn remove_events(&self, _: &SealKey, _: Timestamp, _: u64, _: u32) -> Result<u32, StoreError> {
        unreachable!("nothing is removed")
    }
}

#[tokio::test(start_paused = true)]
async fn seals_give_way_to_other_work_at_first_and_less_when_they_are_late() {
    let store = Arc::new(Endless::default());
    let audit = Audit::new(Arc::clone(&store) as Arc<dyn EventStore>, SealKey::new([1; 32]));
    let _sealer = Sealer::start(Arc::new(audit), None, Arc::new(MockWebhookStore::new()), Recorder::on());
    let in_ten_seconds = async || {
        tokio::time::sleep(Duration::from_secs(10)).await;
        store.0.swap(0, Ordering::Relaxed)
    };
    let (early, late) = (in_ten_seconds().await, in_ten_seconds().await);
    assert!((40..=55).contains(&early), "{early} of 10 ms each, where a twentieth of the time has 50");
    assert!((200..=255).contains(&late), "{late} of 10 ms each, where a quarter of the time has 250");
}

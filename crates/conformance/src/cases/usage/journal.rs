//! A journal has each of its parts once, and whoever adds it adds all of them.

use std::num::NonZeroU32;
use std::sync::Arc;

use keymint_domain::Timestamp;
use keymint_domain::metering::{JournalPart, UsageSelection, UsePage, process_of_journal};
use keymint_ports::{StoreError, UsageStore};
use tokio::task::yield_now;
use tokio::time::timeout;

use super::{accepted, calls_of, details, flush};
use crate::UsageEngine;
use crate::support::{PATIENCE, abandon, at_once, open_two};

const ONE: NonZeroU32 = NonZeroU32::MIN;

/// The instant at which all parts are written.
const WRITTEN: Timestamp = Timestamp::from_millis(1_700_000_000_000);

fn after(ms: u64) -> Timestamp {
    WRITTEN.plus_millis(ms)
}

fn part(journal: &str, number: u64) -> JournalPart {
    let page = UsePage::of(&[accepted(&details("a"), 0, number), accepted(&details("b"), 1, 1)]);
    JournalPart { journal: journal.into(), number, at: WRITTEN, page }
}

async fn parts_of(store: &impl UsageStore, journal: &str) -> Result<Vec<JournalPart>, StoreError> {
    let (mut parts, mut last) = (Vec::new(), 0);
    while let Some(part) = store.read_usage_journal(journal, last).await? {
        last = part.number;
        parts.push(part);
    }
    Ok(parts)
}

pub async fn parts_of_a_journal_are_kept_once_and_read_in_their_order<E: UsageEngine>(engine: &E) {
    let stores = open_two(engine).await;
    assert_eq!(parts_of(&*stores[0], "j").await.unwrap(), []);
    for number in [1, 2, 2, 1, 5, 11, 5] {
        assert!(stores[0].write_usage_journal(&part("j", number)).await.unwrap(), "{number}");
    }
    assert!(stores[1].write_usage_journal(&part("other", 1)).await.unwrap());
    assert_eq!(parts_of(&*stores[1], "j").await.unwrap(), [1, 2, 5, 11].map(|number| part("j", number)));
    assert_eq!(calls_of(&*stores[1], &UsageSelection::ALL).await, 0);
    for removed in [3, 1, 0] {
        let limit = NonZeroU32::new(3).unwrap();
        assert_eq!(stores[1].remove_usage_journal("j", limit).await.unwrap(), removed);
    }
    // A part whose answer was lost may come back when all were added.
    assert!(stores[0].write_usage_journal(&part("j", 11)).await.unwrap());
    assert_eq!(parts_of(&*stores[0], "j").await.unwrap(), []);
    assert_eq!(parts_of(&*stores[0], "other").await.unwrap(), [part("other", 1)]);
}

pub async fn a_journal_that_is_added_or_taken_over_takes_no_other_part<E: UsageEngine>(engine: &E) {
    let [store, other] = open_two(engine).await;
    for journal in ["added", "taken", "open"] {
        assert!(store.write_usage_journal(&part(journal, 3)).await.unwrap());
    }
    let portion = flush(&process_of_journal("added"), 1, vec![accepted(&details("a"), 0, 1)]);
    assert!(other.add_usage(&portion).await.unwrap());
    while let Some(taken) = other.take_over_usage_journal(after(1), after(9)).await.unwrap() {
        if taken == "taken" {
            break;
        }
    }
    for journal in ["added", "taken"] {
        assert!(!store.write_usage_journal(&part(journal, 4)).await.unwrap(), "{journal}");
        assert!(store.write_usage_journal(&part(journal, 3)).await.unwrap(), "it was kept before");
        assert_eq!(parts_of(&*other, journal).await.unwrap(), [part(journal, 3)]);
    }
}

pub async fn a_journal_is_taken_over_once_nobody_touches_it<E: UsageEngine>(engine: &E) {
    let [store, other] = open_two(engine).await;
    let take = async |since, now| store.take_over_usage_journal(after(since), after(now)).await.unwrap();
    assert_eq!(take(9, 9).await, None);
    // A process that flushes has no journal.
    other.add_usage(&flush("j", 1, Vec::new())).await.unwrap();
    assert_eq!(take(9, 9).await, None);
    assert!(other.write_usage_journal(&part("j", 2)).await.unwrap());
    assert_eq!(take(0, 9).await, None);
    assert_eq!(take(1, 10).await.as_deref(), Some("j"));
    // Who has taken it over has time to add it.
    assert_eq!(take(10, 20).await, None);
    assert_eq!(take(11, 20).await.as_deref(), Some("j"));
    let portion = flush(&process_of_journal("j"), 1, vec![accepted(&details("a"), 0, 1)]);
    let portion = keymint_domain::metering::UsageFlush { at: after(30), ..portion };
    assert!(other.add_usage(&portion).await.unwrap());
    assert_eq!(take(30, 40).await, None);
    assert_eq!(take(31, 40).await.as_deref(), Some("j"));
    // The portions that were added stay known.
    assert!(!other.add_usage(&portion).await.unwrap());
    assert_eq!(store.remove_usage_journal("j", ONE).await.unwrap(), 1);
    assert_eq!(take(99, 99).await, None);
}

pub async fn whoever_takes_over_a_journal_has_all_that_was_kept<E: UsageEngine>(engine: &E) {
    for round in 0..8 {
        let stores = open_two(engine).await;
        let journal = format!("j{round}");
        let write = |number: u64| {
            let (store, part) = (Arc::clone(&stores[0]), part(&journal, number));
            async move { store.write_usage_journal(&part).await.unwrap() }
        };
        assert!(write(1).await);
        let writer = async {
            let mut last = 1;
            while write(last + 1).await {
                last += 1;
                yield_now().await;
            }
            last
        };
        let taker = async {
            while stores[1].take_over_usage_journal(after(1), after(9)).await.unwrap().is_none() {
                yield_now().await;
            }
            parts_of(&*stores[1], &journal).await.unwrap().len()
        };
        let (kept, found) = timeout(PATIENCE, async { tokio::join!(writer, taker) }).await.unwrap();
        assert_eq!(u64::try_from(found).unwrap(), kept);
    }
}

pub async fn a_part_that_is_dropped_at_any_point_is_kept_once_by_its_repeat<E: UsageEngine>(engine: &E) {
    const PARTS: u64 = 40;
    let [store, other] = open_two(engine).await;
    for number in 1..=PARTS {
        let part = part("j", number);
        abandon(store.write_usage_journal(&part), usize::try_from(number).unwrap()).await;
        assert!(timeout(PATIENCE, other.write_usage_journal(&part)).await.unwrap().unwrap());
    }
    let repeats = (0..4_usize).map(|turn| {
        let store = if turn % 2 == 0 { Arc::clone(&store) } else { Arc::clone(&other) };
        async move { store.write_usage_journal(&part("j", PARTS + 1)).await.unwrap() }
    });
    assert_eq!(at_once(repeats).await, [true; 4]);
    let parts = parts_of(&*other, "j").await.unwrap();
    assert_eq!(parts, (1..=PARTS + 1).map(|number| part("j", number)).collect::<Vec<_>>());
}

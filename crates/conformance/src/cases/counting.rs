use std::num::NonZeroU32;

use keymint_domain::ApiKey;
use keymint_domain::key::{Actor, KeyCounts, KeyState, Revocation};
use keymint_domain::usage::Usage;
use keymint_domain::{KeyDetails, OwnerId, Timestamp};
use keymint_ports::{CountCursor, CountedPortion, KeyStore};

use crate::Engine;
use crate::sample::{self, NOW};
use crate::support::{everything, insert_all, open_two};

/// Gives a sample key one of the facts that decide its state.
type Edit = dyn Fn(&mut KeyDetails, &mut Usage);

/// Returns the sum of all portions of at most `limit` keys.
async fn count_by(store: &impl KeyStore, now: Timestamp, limit: u32) -> KeyCounts {
    let (mut counts, mut from) = (KeyCounts::default(), None);
    loop {
        let found = portion(store, now, from.take(), limit).await;
        counts += found.counts;
        from = found.next;
        if from.is_none() {
            return counts;
        }
    }
}

async fn portion(store: &impl KeyStore, now: Timestamp, from: Option<CountCursor>, limit: u32) -> CountedPortion {
    let found = store.count(None, now, from, NonZeroU32::new(limit).unwrap()).await.unwrap();
    assert!(found.counts.total() <= u64::from(limit), "{found:?}");
    found
}

pub async fn an_empty_store_counts_nothing<E: Engine>(engine: &E) {
    let found = engine.open().await.count(None, NOW, None, NonZeroU32::MIN).await.unwrap();
    assert_eq!(found, CountedPortion { counts: KeyCounts::default(), next: None });
}

pub async fn keys_are_counted_by_their_state<E: Engine>(engine: &E) {
    let [store, other] = open_two(engine).await;
    let revoked = |details: &mut KeyDetails, _: &mut Usage| {
        details.revocation = Some(Revocation { at: NOW, by: Actor::Server });
    };
    let disabled = |details: &mut KeyDetails, _: &mut Usage| details.enabled = false;
    let expiring = |details: &mut KeyDetails, _: &mut Usage| details.expires_at = Some(NOW.plus_millis(5));
    let used_up = |_: &mut KeyDetails, usage: &mut Usage| usage.remaining = Some(0);
    let refilled = |details: &mut KeyDetails, _: &mut Usage| {
        (details.refill_amount, details.refill_interval_ms) = (Some(1), Some(1));
    };
    // Each key has, or lacks, each of the five facts: 32 keys, no two alike.
    let edits: [&Edit; 5] = [&revoked, &disabled, &expiring, &used_up, &refilled];
    let keys: Vec<ApiKey> = (0..32_u32)
        .map(|number| {
            sample::key_with(&format!("key {number}"), |details, usage| {
                let chosen = (0..).zip(&edits).filter(|(bit, _)| number >> bit & 1 == 1);
                chosen.for_each(|(_, edit)| edit(details, usage));
            })
        })
        .collect();
    insert_all(&*store, &keys).await;
    let expected = |now: Timestamp| {
        let mut counts = KeyCounts::default();
        for key in &keys {
            counts.add(key.state(now), 1);
        }
        counts
    };
    // A key is still valid at its last instant.
    for (ms, expired) in [(0, 0), (5, 0), (6, 4)] {
        let now = NOW.plus_millis(ms);
        // Portions of one key each; with one more or one less in the last; of exactly all keys; and larger than all.
        for limit in [1, 2, 5, 31, 32, 33, u32::MAX] {
            let counts = count_by(&*other, now, limit).await;
            assert_eq!(counts, expected(now), "after {ms} ms, by {limit}");
            assert_eq!(counts.of(KeyState::Expired), expired, "after {ms} ms, by {limit}");
        }
    }
    assert_eq!(everything(&*other).await.len(), 32, "counting changes nothing");
}

pub async fn an_owners_keys_are_counted_without_others<E: Engine>(engine: &E) {
    let [store, other] = open_two(engine).await;
    let key_of = |owner: &str, number: u32| {
        sample::key_with(&format!("{owner} {number}"), |details, _| {
            details.owner = OwnerId::parse(owner).unwrap();
            details.enabled = number.is_multiple_of(2);
        })
    };
    let keys = |owner: &'static str, number: u32| (0..number).map(move |number| key_of(owner, number));
    insert_all(&*store, &keys("ada", 5).chain(keys("Ada", 3)).chain(keys("bob", 4)).collect::<Vec<_>>()).await;
    for (owner, enabled, disabled) in [("ada", 3, 2), ("Ada", 2, 1), ("bob", 2, 2), ("nobody", 0, 0)] {
        for limit in [1, 2, 3, 4, 5, 100] {
            let (mut counts, mut from) = (KeyCounts::default(), None);
            loop {
                let owner = OwnerId::parse(owner).unwrap();
                let found = other.count(Some(owner), NOW, from, NonZeroU32::new(limit).unwrap()).await.unwrap();
                assert!(found.counts.total() <= u64::from(limit), "{found:?}");
                counts += found.counts;
                from = found.next;
                if from.is_none() {
                    break;
                }
            }
            let found = (counts.of(KeyState::Active), counts.of(KeyState::Disabled), counts.total());
            assert_eq!(found, (enabled, disabled, enabled + disabled), "{owner} by {limit}");
        }
    }
}

pub async fn a_key_that_stays_is_counted_once_whatever_comes_and_goes_between_portions<E: Engine>(engine: &E) {
    // The ids sort differently by bytes and by most languages' rules.
    const STAY: [&str; 9] = ["B", "a", "C", "b-1", "b1", "_", "Z", "z", "0"];
    for limit in 1..=4 {
        let [store, other] = open_two(engine).await;
        let staying = |id: &str| sample::key_with(&format!("{id} stays {limit}"), |details, _| details.enabled = false);
        let passing = |turn: usize, id: &str| sample::key(&format!("{id} {turn} passes {limit}"));
        insert_all(&*store, &STAY.map(staying)).await;
        let (mut counts, mut from, mut there) = (KeyCounts::default(), None, Vec::<ApiKey>::new());
        // A few keys come with every portion, so that the number of portions is not known in advance.
        for turn in 0..1000 {
            let found = portion(&*store, NOW, from.take(), limit).await;
            counts += found.counts;
            from = found.next;
            if from.is_none() {
                break;
            }
            for key in there.drain(..) {
                assert!(other.remove(&key.details.id, &sample::UNRECORDED).await.unwrap());
            }
            for id in STAY.iter().filter(|_| turn < 5) {
                let key = passing(turn, id);
                other.insert(&key, None, &sample::UNRECORDED).await.unwrap();
                there.push(key);
            }
        }
        assert_eq!(from, None, "by {limit}");
        assert_eq!(counts.of(KeyState::Disabled), STAY.len() as u64, "by {limit}");
        assert!(counts.of(KeyState::Active) <= 5 * STAY.len() as u64, "by {limit}");
        for left in there.into_iter().chain(STAY.map(staying)) {
            assert!(store.remove(&left.details.id, &sample::UNRECORDED).await.unwrap());
        }
    }
}

//! Statistics are added once, by whoever counted them, and none overwrites another.

use std::sync::Arc;

use keymint_domain::address::Network;
use keymint_domain::metering::{Activity, KeyHour, LastUse, Step, UsageFlush, UsageSelection};
use keymint_domain::{ErrorCode, Timestamp};
use keymint_ports::{KeyStore as _, UsageStore as _};
use tokio::time::timeout;

use super::{accepted, calls_of, details, flush, hours_of, owned_by, sum, unknown, window};
use crate::UsageEngine;
use crate::sample::{self, config, id, owner};
use crate::support::{PATIENCE, abandon, at_once, open_two};

pub async fn writers_add_and_none_overwrites<E: UsageEngine>(engine: &E) {
    const NUMBERS: u64 = 8;
    let stores = open_two(engine).await;
    let keys: Vec<_> = ["a", "b", "c", "d"].map(details).into();
    let writers = (0..6_usize).map(|writer| {
        let (store, keys) = (Arc::clone(&stores[writer % 2]), keys.clone());
        async move {
            for number in 1..=NUMBERS {
                let entries = keys
                    .iter()
                    .map(|key| KeyHour { refused: vec![(ErrorCode::RateLimited, 2)], ..accepted(key, 0, 1) });
                let entries = UsageFlush {
                    unknown: vec![unknown(0, "", 1)],
                    ..flush(&format!("p{writer}"), number, entries.collect())
                };
                assert!(store.add_usage(&entries).await.unwrap());
            }
        }
    });
    at_once(writers).await;
    for key in ["a", "b", "c", "d"] {
        let found = hours_of(&*stores[0], &UsageSelection::of_key(id(key))).await;
        assert_eq!(found, [sum(0, "", 48, 144), sum(0, "RATE_LIMITED", 96, 0)], "{key}");
    }
    assert_eq!(
        hours_of(&*stores[1], &UsageSelection::ALL).await,
        [sum(0, "", 192, 576), sum(0, "RATE_LIMITED", 384, 0)]
    );
    let attempts = stores[1].sum_unknown_usage(&window(0, 1, Step::Hour)).await.unwrap();
    assert_eq!(attempts, [unknown(0, "", 48)]);
}

pub async fn a_flush_that_is_repeated_adds_nothing<E: UsageEngine>(engine: &E) {
    let stores = open_two(engine).await;
    let seven = UsageFlush { unknown: vec![unknown(0, "", 1)], ..flush("p", 7, vec![accepted(&details("a"), 0, 5)]) };
    let repeats = (0..8_usize).map(|turn| {
        let (store, seven) = (Arc::clone(&stores[turn % 2]), seven.clone());
        async move { store.add_usage(&seven).await.unwrap() }
    });
    let added = at_once(repeats).await;
    assert_eq!(added.iter().filter(|added| **added).count(), 1);
    for number in [7, 6, 1] {
        assert!(!stores[1].add_usage(&UsageFlush { number, ..seven.clone() }).await.unwrap(), "{number}");
    }
    assert_eq!(calls_of(&*stores[0], &UsageSelection::ALL).await, 5);
    for (process, number) in [("P", 7), ("q", 1), ("p", 8)] {
        let next = UsageFlush { process: process.into(), number, ..seven.clone() };
        assert!(stores[0].add_usage(&next).await.unwrap(), "{process} {number}");
    }
    assert_eq!(calls_of(&*stores[1], &UsageSelection::ALL).await, 20);
    assert_eq!(stores[1].sum_unknown_usage(&window(0, 1, Step::Hour)).await.unwrap(), [unknown(0, "", 4)]);
}

pub async fn usage_outlives_its_key<E: UsageEngine>(engine: &E) {
    let store = engine.open().await;
    let key = sample::key("a");
    store.insert(&key, None, &sample::UNRECORDED).await.unwrap();
    store.add_usage(&flush("p", 1, vec![accepted(&key.details, 0, 1)])).await.unwrap();
    assert!(store.remove(&id("a"), &sample::UNRECORDED).await.unwrap());
    assert_eq!(calls_of(&store, &UsageSelection::of_owner(owner("ada"))).await, 1);
    assert_eq!(store.find_activities(&[id("a")]).await.unwrap().len(), 1);
}

pub async fn activity_keeps_the_later_use<E: UsageEngine>(engine: &E) {
    let stores = open_two(engine).await;
    let key = owned_by("a", "ada", "eu");
    let network = |text: &str| Network::parse(text).ok();
    let used = |number, at: Option<(i64, Option<Network>)>| {
        let last_use = at.map(|(ms, network)| LastUse { at: Timestamp::from_millis(ms), network });
        flush("p", number, vec![KeyHour { last_use, ..accepted(&key, 0, 1) }])
    };
    let expected = |last_use: Option<(i64, Option<Network>)>| {
        let last_use = last_use.map(|(ms, network)| LastUse { at: Timestamp::from_millis(ms), network });
        [Activity { key: id("a"), owner: owner("ada"), config_id: config("eu"), last_use }]
    };
    let (v4, v6) = (network("192.0.2.0/24"), network("2001:db8::/48"));
    let now = 1_700_000_000_000;
    let steps = [
        (None, None),
        (Some((now, v4)), Some((now, v4))),
        (None, Some((now, v4))),
        (Some((now - 1, v6)), Some((now, v4))),
        (Some((now + 1, v6)), Some((now + 1, v6))),
        (Some((now + 2, None)), Some((now + 2, None))),
    ];
    for (number, (use_, kept)) in (1..).zip(steps) {
        stores[0].add_usage(&used(number, use_)).await.unwrap();
        assert_eq!(stores[1].find_activities(&[id("a"), id("b")]).await.unwrap(), expected(kept), "step {number}");
    }
    stores[1].add_usage(&UsageFlush { process: "q".into(), ..used(1, Some((now + 1, v4))) }).await.unwrap();
    assert_eq!(stores[0].find_activities(&[id("a")]).await.unwrap(), expected(Some((now + 2, None))));
    assert_eq!(stores[0].find_activities(&[]).await.unwrap(), []);
}

pub async fn a_large_flush_is_added_whole<E: UsageEngine>(engine: &E) {
    let store = engine.open().await;
    let mut keys: Vec<_> = (0..1000).map(|number| details(&format!("key {number:04}"))).collect();
    keys.sort_by(|a, b| a.id.cmp(&b.id));
    let entries: Vec<_> = keys.iter().map(|key| accepted(key, 0, 1)).collect();
    let attempts = (0..300_u32).map(|number| unknown(0, &format!("10.{}.{}.0/24", number / 256, number % 256), 1));
    let whole = UsageFlush { unknown: attempts.collect(), ..flush("p", 1, entries) };
    store.add_usage(&whole).await.unwrap();
    assert_eq!(calls_of(&store, &UsageSelection::ALL).await, 1000);
    assert_eq!(store.sum_unknown_usage(&window(0, 1, Step::Hour)).await.unwrap().len(), 300);
    let ids: Vec<_> = keys.iter().map(|key| key.id.clone()).collect();
    assert_eq!(store.find_activities(&ids).await.unwrap().len(), 1000);
}

pub async fn a_flush_that_is_dropped_at_any_point_is_added_once_by_its_repeat<E: UsageEngine>(engine: &E) {
    const FLUSHES: u64 = 60;
    let [store, other] = open_two(engine).await;
    let keys: Vec<_> = ["a", "b"].map(details).into();
    for number in 1..=FLUSHES {
        let entries = keys.iter().map(|key| accepted(key, 0, 1)).collect();
        let flush = UsageFlush { unknown: vec![unknown(0, "", 1)], ..flush("p", number, entries) };
        let polls = usize::try_from(number).unwrap();
        let ended = abandon(store.add_usage(&flush), polls).await;
        let repeated = timeout(PATIENCE, other.add_usage(&flush)).await.unwrap();
        assert!(ended.is_none_or(|added| added.unwrap() && !repeated.unwrap()));
    }
    assert_eq!(calls_of(&*other, &UsageSelection::ALL).await, 2 * FLUSHES);
    let attempts = other.sum_unknown_usage(&window(0, 1, Step::Hour)).await.unwrap();
    assert_eq!(attempts, [unknown(0, "", FLUSHES)]);
}

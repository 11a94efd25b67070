//! Statistics of uses are added once, by whoever counted them, and lose nothing on their way from hours to days.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;
use std::sync::Arc;

use keymint_domain::address::Network;
use keymint_domain::metering::{
    Activity, Hour, KeyHour, KeySums, LastUse, Step, Sum, UnknownHour, UnknownNetwork, UnknownSource, UsageFlush,
    UsageSelection, Window,
};
use keymint_domain::policy::ConfigFilter;
use keymint_domain::{ErrorCode, KeyDetails, Timestamp};
use keymint_ports::{KeyStore as _, UsageStore};
use tokio::time::timeout;

use crate::UsageEngine;
use crate::sample::{self, config, id, owner};
use crate::support::{PATIENCE, abandon, at_once, open_two};

/// Midnight of a Thursday, the first of a month, in UTC.
const MIDNIGHT: &str = "2024-02-01T00:00:00Z";

/// Returns the hour that begins this many hours after midnight.
fn hour(hours: i64) -> Hour {
    Hour::from_number(Hour::of(Timestamp::parse(MIDNIGHT).unwrap()).number() + hours)
}

/// Returns a window in hours from midnight.
fn window(from: i64, to: i64, step: Step) -> Window {
    Window::new(hour(from).start(), hour(to).start(), step).unwrap()
}

fn details(id: &str) -> Arc<KeyDetails> {
    sample::key(id).details
}

fn owned_by(id: &str, owner: &str, config: &str) -> Arc<KeyDetails> {
    let edit = |details: &mut KeyDetails| {
        (details.owner, details.config_id) = (sample::owner(owner), sample::config(config));
    };
    sample::key_with(id, |details, _| edit(details)).details
}

fn accepted(key: &Arc<KeyDetails>, hours: i64, calls: u64) -> KeyHour {
    let key = Arc::clone(key);
    KeyHour { key, hour: hour(hours), accepted: calls, cost: 3 * calls, refused: Vec::new(), last_use: None }
}

fn unknown(hours: i64, network: &str, calls: u64) -> UnknownHour {
    let network = UnknownNetwork::parse(network).unwrap();
    let source = UnknownSource { config_id: Some(config("eu")), prefix: Some("sk_".into()), network };
    UnknownHour { hour: hour(hours), source, calls }
}

fn flush(process: &str, number: u64, keys: Vec<KeyHour>) -> UsageFlush {
    UsageFlush { process: process.into(), number, at: hour(0).start(), keys, unknown: Vec::new() }
}

fn sum(hours: i64, outcome: &str, calls: u64, cost: u64) -> Sum {
    Sum { start: hour(hours), outcome: outcome.to_owned(), calls, cost }
}

async fn hours_of(store: &impl UsageStore, selection: &UsageSelection) -> Vec<Sum> {
    store.sum_usage(selection, &window(-100, 800, Step::Hour)).await.unwrap()
}

async fn calls_of(store: &impl UsageStore, selection: &UsageSelection) -> u64 {
    let sums = store.sum_usage(selection, &window(-10_000, 10_000, Step::Day)).await.unwrap();
    sums.iter().map(|sum| sum.calls).sum()
}

/// Returns all pages of `limit` keys.
async fn by_key(store: &impl UsageStore, selection: &UsageSelection, window: &Window, limit: u32) -> Vec<KeySums> {
    let (mut all, limit) = (Vec::<KeySums>::new(), NonZeroU32::new(limit).unwrap());
    loop {
        let after = all.last().map(|last| last.activity.key.clone());
        let page = store.sum_usage_by_key(selection, window, after, limit).await.unwrap();
        let is_last = page.len() < usize::try_from(limit.get()).unwrap();
        all.extend(page);
        if is_last {
            return all;
        }
    }
}

pub async fn an_empty_store_has_no_usage<E: UsageEngine>(engine: &E) {
    let store = engine.open().await;
    assert_eq!(hours_of(&store, &UsageSelection::ALL).await, []);
    assert_eq!(by_key(&store, &UsageSelection::ALL, &window(0, 1, Step::Hour), 1).await, []);
    assert_eq!(store.sum_unknown_usage(&window(0, 1, Step::Hour)).await.unwrap(), []);
    assert_eq!(store.find_activities(&[id("a")]).await.unwrap(), []);
    assert_eq!(store.roll_up_usage(hour(0), NonZeroU32::MAX).await.unwrap(), 0);
    assert_eq!(store.remove_usage(hour(0), NonZeroU32::MAX).await.unwrap(), 0);
    assert!(store.add_usage(&flush("p", 1, Vec::new())).await.unwrap());
}

pub async fn usage_is_summed_by_step_and_outcome<E: UsageEngine>(engine: &E) {
    let [store, other] = open_two(engine).await;
    let key = details("a");
    let refused = vec![(ErrorCode::KeyDisabled, 2), (ErrorCode::RateLimited, 7)];
    let first = KeyHour { refused, ..accepted(&key, 0, 5) };
    let only_refused = KeyHour { refused: vec![(ErrorCode::RateLimited, 1)], ..accepted(&key, 23, 0) };
    let keys = vec![first, only_refused, accepted(&key, 24, 1), accepted(&key, 29 * 24, 4)];
    assert!(store.add_usage(&flush("p", 1, keys)).await.unwrap());
    let of_key = UsageSelection::of_key(id("a"));
    let hours = [
        sum(0, "", 5, 15),
        sum(0, "KEY_DISABLED", 2, 0),
        sum(0, "RATE_LIMITED", 7, 0),
        sum(23, "RATE_LIMITED", 1, 0),
        sum(24, "", 1, 3),
        sum(29 * 24, "", 4, 12),
    ];
    assert_eq!(hours_of(&*other, &of_key).await, hours);
    let days = other.sum_usage(&of_key, &window(0, 30 * 24, Step::Day)).await.unwrap();
    let first_day = [sum(0, "", 5, 15), sum(0, "KEY_DISABLED", 2, 0), sum(0, "RATE_LIMITED", 8, 0)];
    assert_eq!(days, [&first_day[..], &[sum(24, "", 1, 3), sum(29 * 24, "", 4, 12)]].concat());
    // February has 29 days, and January nothing.
    let months = other.sum_usage(&of_key, &window(-31 * 24, 30 * 24, Step::Month)).await.unwrap();
    let february = [sum(0, "", 6, 18), sum(0, "KEY_DISABLED", 2, 0), sum(0, "RATE_LIMITED", 8, 0)];
    assert_eq!(months, [&february[..], &[sum(29 * 24, "", 4, 12)]].concat());
    drop((store, other));
    assert_eq!(hours_of(&engine.open().await, &of_key).await, hours, "after a restart");
}

pub async fn a_window_has_its_first_hour_and_not_its_last<E: UsageEngine>(engine: &E) {
    let store = engine.open().await;
    let key = details("a");
    let keys = (0..5).map(|hours| accepted(&key, hours, 1)).collect();
    store.add_usage(&flush("p", 1, keys)).await.unwrap();
    let found = store.sum_usage(&UsageSelection::ALL, &window(1, 3, Step::Hour)).await.unwrap();
    assert_eq!(found, [sum(1, "", 1, 3), sum(2, "", 1, 3)]);
    let found = by_key(&store, &UsageSelection::ALL, &window(1, 3, Step::Hour), 9).await;
    assert_eq!(found[0].sums, [sum(1, "", 1, 3), sum(2, "", 1, 3)]);
    // A thousand months, the longest window.
    let (from, to) = ("1970-01-01T00:00:00Z", "2053-05-01T00:00:00Z");
    let longest = [from, to].map(|text| Timestamp::parse(text).unwrap());
    let longest = Window::new(longest[0], longest[1], Step::Month).unwrap();
    assert_eq!(longest.starts().count(), Window::MAX_POINTS);
    assert_eq!(store.sum_usage(&UsageSelection::ALL, &longest).await.unwrap(), [sum(0, "", 5, 15)]);
    assert_eq!(by_key(&store, &UsageSelection::ALL, &longest, 9).await[0].sums, [sum(0, "", 5, 15)]);
}

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

pub async fn usage_is_selected_by_key_owner_and_configuration<E: UsageEngine>(engine: &E) {
    let store = engine.open().await;
    let keys = [("a", "ada", "eu"), ("A", "ada", "us"), ("b", "Ada", "eu"), ("c", "bob", "EU")];
    let entries = keys.iter().zip([1, 10, 100, 1000]);
    let mut entries: Vec<_> =
        entries.map(|((id, owner, config), calls)| accepted(&owned_by(id, owner, config), 0, calls)).collect();
    entries.sort_by(|a, b| a.key.id.cmp(&b.key.id));
    store.add_usage(&flush("p", 1, entries)).await.unwrap();
    let of = |owner: Option<&str>, configurations| UsageSelection {
        key: None,
        owner: owner.map(sample::owner),
        configurations,
    };
    let (eu, not_eu) = (ConfigFilter::AnyOf(vec![config("eu")]), ConfigFilter::NoneOf(vec![config("eu")]));
    for (selection, calls) in [
        (UsageSelection::ALL, 1111),
        (UsageSelection::of_key(id("a")), 1),
        (UsageSelection::of_key(id("missing")), 0),
        (UsageSelection::of_owner(owner("ada")), 11),
        (UsageSelection { key: Some(id("b")), ..UsageSelection::of_owner(owner("ada")) }, 0),
        (of(None, eu.clone()), 101),
        (of(None, not_eu.clone()), 1010),
        (of(Some("ada"), eu), 1),
        (of(Some("ada"), not_eu), 10),
        (of(Some("ada"), ConfigFilter::AnyOf(Vec::new())), 0),
        (of(Some("ada"), ConfigFilter::NoneOf(Vec::new())), 11),
    ] {
        assert_eq!(calls_of(&store, &selection).await, calls, "{selection:?}");
        let pages = by_key(&store, &selection, &window(0, 1, Step::Hour), 1).await;
        let found: u64 = pages.iter().flat_map(|key| &key.sums).map(|sum| sum.calls).sum();
        assert_eq!(found, calls, "{selection:?}");
    }
}

pub async fn sums_by_key_come_in_pages_and_name_the_owner<E: UsageEngine>(engine: &E) {
    let store = engine.open().await;
    // The ids sort differently by bytes and by most languages' rules.
    let ids = ["B", "C", "Z", "_", "a", "b-1", "b1", "é"];
    let entries = ids.iter().map(|id| KeyHour {
        refused: vec![(ErrorCode::KeyExpired, 1)],
        last_use: Some(LastUse { at: hour(0).start(), network: None }),
        ..accepted(&owned_by(id, id, "eu"), 0, 2)
    });
    store.add_usage(&flush("p", 1, entries.collect())).await.unwrap();
    store.add_usage(&flush("p", 2, vec![accepted(&owned_by("a", "a", "eu"), 1, 1)])).await.unwrap();
    for limit in [1, 3, 7, 8, 9] {
        let found = by_key(&store, &UsageSelection::ALL, &window(0, 24, Step::Day), limit).await;
        assert_eq!(found.len(), ids.len(), "by {limit}");
        let found = found.into_iter().map(|key| (key.activity.key.as_str().to_owned(), key));
        let found: BTreeMap<_, _> = found.collect();
        for id in ids {
            let (calls, key) = (if id == "a" { 3 } else { 2 }, &found[id]);
            let last_use = Some(LastUse { at: hour(0).start(), network: None });
            let activity = Activity { key: sample::id(id), owner: owner(id), config_id: config("eu"), last_use };
            assert_eq!(key.activity, activity);
            assert_eq!(key.sums, [sum(0, "", calls, 3 * calls), sum(0, "KEY_EXPIRED", 1, 0)], "{id} by {limit}");
        }
        let later = by_key(&store, &UsageSelection::ALL, &window(24, 48, Step::Day), limit).await;
        assert_eq!(later.len(), ids.len(), "keys without calls are listed, too");
        assert!(later.iter().all(|key| key.sums.is_empty()));
    }
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

pub async fn days_hold_what_their_hours_held<E: UsageEngine>(engine: &E) {
    for limit in [1, 2, 7, 1000] {
        let engine_store = engine.open().await;
        let (a, b) = (details(&format!("a{limit}")), details(&format!("b{limit}")));
        let mut entries = Vec::new();
        for key in [&a, &b] {
            for hours in [-25, -24, -1, 0, 1, 23, 24, 30] {
                let refused = if hours % 2 == 0 { vec![(ErrorCode::RateLimited, 1)] } else { Vec::new() };
                entries.push(KeyHour { refused, ..accepted(key, hours, 1) });
            }
        }
        let process = format!("p{limit}");
        engine_store.add_usage(&flush(&process, 1, entries)).await.unwrap();
        let of_a = UsageSelection::of_key(a.id.clone());
        let days = async || engine_store.sum_usage(&of_a, &window(-48, 48, Step::Day)).await.unwrap();
        let before = days().await;
        // At noon of the second day: the first one is over, and the second one is not.
        let mut rolled_up = 0;
        loop {
            let now = engine_store.roll_up_usage(hour(36), NonZeroU32::new(limit).unwrap()).await.unwrap();
            assert!(now <= limit, "{now} of {limit}");
            assert_eq!(days().await, before, "by {limit}");
            rolled_up += now;
            if now == 0 {
                break;
            }
        }
        // Six hours of each key, two of them with refusals.
        assert_eq!(rolled_up, 16, "by {limit}");
        let hours = hours_of(&engine_store, &of_a).await;
        let expected = [
            sum(-48, "", 1, 3),
            sum(-24, "", 2, 6),
            sum(-24, "RATE_LIMITED", 1, 0),
            sum(0, "", 3, 9),
            sum(0, "RATE_LIMITED", 1, 0),
            sum(24, "", 1, 3),
            sum(24, "RATE_LIMITED", 1, 0),
            sum(30, "", 1, 3),
            sum(30, "RATE_LIMITED", 1, 0),
        ];
        assert_eq!(hours, expected, "by {limit}");
        // A process that was away for long adds to an hour that was rolled up.
        engine_store.add_usage(&flush(&process, 2, vec![accepted(&a, 5, 10)])).await.unwrap();
        while engine_store.roll_up_usage(hour(36), NonZeroU32::new(limit).unwrap()).await.unwrap() > 0 {}
        assert_eq!(hours_of(&engine_store, &of_a).await[3], sum(0, "", 13, 39), "by {limit}");
    }
}

pub async fn roll_ups_and_flushes_at_once_lose_nothing<E: UsageEngine>(engine: &E) {
    const NUMBERS: u64 = 10;
    let stores = open_two(engine).await;
    let work = (0..4_usize).map(|writer| {
        let store = Arc::clone(&stores[writer % 2]);
        async move {
            for number in 1..=NUMBERS {
                if writer < 2 {
                    let entries = (0..3).map(|hours| accepted(&details("a"), hours, 1)).collect();
                    store.add_usage(&flush(&format!("p{writer}"), number, entries)).await.unwrap();
                } else {
                    store.roll_up_usage(hour(24), NonZeroU32::new(2).unwrap()).await.unwrap();
                }
            }
        }
    });
    at_once(work).await;
    assert_eq!(calls_of(&*stores[0], &UsageSelection::ALL).await, 2 * 3 * NUMBERS);
    while stores[1].roll_up_usage(hour(24), NonZeroU32::new(2).unwrap()).await.unwrap() > 0 {}
    assert_eq!(hours_of(&*stores[0], &UsageSelection::ALL).await, [sum(0, "", 60, 180)]);
}

pub async fn days_are_removed_in_portions_and_the_rest_of_a_key_with_its_last<E: UsageEngine>(engine: &E) {
    let store = engine.open().await;
    let (gone, there, used) = (details("gone"), sample::key("there"), details("used"));
    store.insert(&there, None, &sample::UNRECORDED).await.unwrap();
    let entries = vec![
        accepted(&gone, 0, 1),
        accepted(&gone, 24, 1),
        accepted(&there.details, 0, 1),
        accepted(&used, 24, 1),
        accepted(&used, 72, 1),
    ];
    store.add_usage(&flush("p", 1, entries)).await.unwrap();
    assert_eq!(store.remove_usage(hour(100), NonZeroU32::MAX).await.unwrap(), 0, "hours are rolled up first");
    while store.roll_up_usage(hour(100), NonZeroU32::MAX).await.unwrap() > 0 {}
    assert_eq!(store.remove_usage(hour(23), NonZeroU32::MAX).await.unwrap(), 0);
    let activities = async || {
        let found = store.find_activities(&["gone", "there", "used"].map(id)).await.unwrap();
        found.into_iter().map(|activity| activity.key.as_str().to_owned()).collect::<BTreeSet<_>>()
    };
    assert_eq!(store.remove_usage(hour(47), NonZeroU32::MIN).await.unwrap(), 1);
    assert_eq!(store.remove_usage(hour(47), NonZeroU32::MIN).await.unwrap(), 1);
    assert_eq!(store.remove_usage(hour(47), NonZeroU32::MIN).await.unwrap(), 0);
    assert_eq!(activities().await, ["gone", "there", "used"].map(str::to_owned).into());
    assert_eq!(store.remove_usage(hour(49), NonZeroU32::MAX).await.unwrap(), 2);
    assert_eq!(hours_of(&store, &UsageSelection::ALL).await, [sum(72, "", 1, 3)]);
    assert_eq!(activities().await, ["there", "used"].map(str::to_owned).into());
}

pub async fn attempts_with_unknown_keys_are_kept_by_source<E: UsageEngine>(engine: &E) {
    let [store, other] = open_two(engine).await;
    let of = |network: &str| unknown(0, network, 2);
    let nameless = |network: &str| {
        let source = UnknownSource { config_id: None, prefix: None, network: UnknownNetwork::parse(network).unwrap() };
        UnknownHour { source, ..of("") }
    };
    let all = vec![nameless(""), nameless("*"), of(""), of("192.0.2.0/24"), of("2001:db8::/48"), unknown(25, "", 1)];
    let flush = |number| UsageFlush { unknown: all.clone(), ..flush("p", number, Vec::new()) };
    store.add_usage(&flush(1)).await.unwrap();
    store.add_usage(&flush(2)).await.unwrap();
    let sums = async |step| {
        let mut found = other.sum_unknown_usage(&window(0, 48, step)).await.unwrap();
        assert!(found.is_sorted_by_key(|sum| sum.hour));
        found.sort_by(|a, b| (a.hour, &a.source).cmp(&(b.hour, &b.source)));
        found
    };
    let mut doubled: Vec<_> = all.iter().map(|sum| UnknownHour { calls: 2 * sum.calls, ..sum.clone() }).collect();
    doubled.sort_by(|a, b| (a.hour, &a.source).cmp(&(b.hour, &b.source)));
    assert_eq!(sums(Step::Hour).await, doubled);
    assert_eq!(sums(Step::Day).await.last(), Some(&unknown(24, "", 2)));
    assert_eq!(other.sum_unknown_usage(&window(1, 25, Step::Hour)).await.unwrap(), []);
    while store.roll_up_usage(hour(24), NonZeroU32::new(2).unwrap()).await.unwrap() > 0 {}
    let without_networks = [unknown(0, "*", 12), unknown(25, "", 2)];
    assert_eq!(sums(Step::Hour).await[1..], without_networks);
    assert_eq!(sums(Step::Hour).await[0], UnknownHour { calls: 8, ..nameless("*") });
    while store.roll_up_usage(hour(48), NonZeroU32::MAX).await.unwrap() > 0 {}
    assert_eq!(store.remove_usage(hour(24), NonZeroU32::MIN).await.unwrap(), 1);
    assert_eq!(store.remove_usage(hour(24), NonZeroU32::MAX).await.unwrap(), 1);
    assert_eq!(sums(Step::Day).await, [unknown(24, "*", 2)]);
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

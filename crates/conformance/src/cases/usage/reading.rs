//! Statistics are summed by step, outcome, key, owner and configuration.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use keymint_domain::metering::{Activity, KeyHour, LastUse, Step, Sum, UsageSelection, Window};
use keymint_domain::policy::ConfigFilter;
use keymint_domain::{ErrorCode, Timestamp};
use keymint_ports::UsageStore as _;

use super::{accepted, by_key, calls_of, details, flush, hour, hours_of, owned_by, sum, window};
use crate::UsageEngine;
use crate::sample::{self, config, id, owner};
use crate::support::open_two;

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

pub async fn sums_of_a_list_are_those_of_its_keys<E: UsageEngine>(engine: &E) {
    let store = engine.open().await;
    let ids = ["B", "a", "b'1", "é"];
    let entries = ids.iter().zip(1..).map(|(id, calls)| KeyHour {
        refused: vec![(ErrorCode::KeyExpired, 1)],
        ..accepted(&owned_by(id, "ada", "eu"), 0, calls)
    });
    store.add_usage(&flush("p", 1, entries.collect())).await.unwrap();
    store.add_usage(&flush("p", 2, vec![accepted(&owned_by("a", "ada", "eu"), 30, 5)])).await.unwrap();
    let sums_of = async |asked: &[&str], window: &Window| {
        let asked: Vec<_> = asked.iter().map(|id| sample::id(id)).collect();
        let found = store.sum_usage_of(&asked, window).await.unwrap();
        found.into_iter().map(|key| (key.activity.key.as_str().to_owned(), key.sums)).collect::<BTreeMap<_, _>>()
    };
    let days = window(0, 48, Step::Day);
    let of = |calls, more: Option<Sum>| {
        let sums = [sum(0, "", calls, 3 * calls), sum(0, "KEY_EXPIRED", 1, 0)];
        sums.into_iter().chain(more).collect::<Vec<_>>()
    };
    let found = sums_of(&["é", "a", "missing", "a"], &days).await;
    assert_eq!(
        found,
        BTreeMap::from([("a".to_owned(), of(2, Some(sum(24, "", 5, 15)))), ("é".to_owned(), of(4, None))])
    );
    assert_eq!(sums_of(&ids, &window(24, 48, Step::Day)).await.len(), 1, "keys without calls are left out");
    assert!(sums_of(&[], &days).await.is_empty());
    let many: Vec<String> = (0..1000).map(|number| format!("k{number}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).chain(["B"]).collect();
    assert_eq!(sums_of(&many, &days).await.len(), 1);
}

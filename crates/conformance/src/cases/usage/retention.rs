//! Hours become days, and days are removed, without a loss.

use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::sync::Arc;

use keymint_domain::ErrorCode;
use keymint_domain::metering::{KeyHour, Step, UnknownHour, UnknownNetwork, UnknownSource, UsageFlush, UsageSelection};
use keymint_ports::{KeyStore as _, UsageStore as _};

use super::{accepted, calls_of, details, flush, hour, hours_of, sum, unknown, window};
use crate::UsageEngine;
use crate::sample::{self, id};
use crate::support::{at_once, open_two};

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

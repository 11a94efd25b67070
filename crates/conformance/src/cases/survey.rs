//! A survey reads every key once, with its owner and its uses.

use keymint_domain::address::Network;
use keymint_domain::anomaly::{HourCounts, KnownNetwork};
use keymint_domain::metering::{Hour, KeyHour, LastUse, UsageFlush, UsedKey};
use keymint_domain::policy::ConfigFilter;
use keymint_domain::verify::{Ban, Owner};
use keymint_domain::{ApiKey, ErrorCode, KeyId, Timestamp};
use keymint_ports::{BusyKey, KeyStore as _, SurveyPortion, SurveyQuery, SurveyStore, SurveyedKey, UsageStore as _};
use std::collections::BTreeMap;
use std::num::NonZeroU32;

use crate::SurveyEngine;
use crate::sample::{self, config, id, owner};

const NOON: &str = "2024-02-01T12:00:00Z";

fn hour(hours: i64) -> Hour {
    Hour::from_number(Hour::of(Timestamp::parse(NOON).unwrap()).number() + hours)
}

fn limit(limit: u32) -> NonZeroU32 {
    NonZeroU32::new(limit).unwrap()
}

fn query(limit: u32) -> SurveyQuery {
    SurveyQuery {
        owner: None,
        configurations: ConfigFilter::Any,
        uses_since: hour(0),
        after: None,
        limit: self::limit(limit),
    }
}

fn unused(key: &ApiKey) -> SurveyedKey {
    SurveyedKey { key: key.clone(), owner: Owner::Absent, last_use: None, accepted: 0, refused: 0 }
}

fn uses(key: &ApiKey, hours: i64, accepted: u64, refused: u64) -> KeyHour {
    let at = hour(hours).start().plus_millis(5);
    let network = Network::parse("192.0.2.0/24").ok();
    KeyHour {
        key: UsedKey::from(&*key.details),
        hour: hour(hours),
        accepted,
        cost: accepted,
        refused: if refused > 0 { vec![(ErrorCode::RateLimited, refused)] } else { Vec::new() },
        last_use: (accepted > 0).then_some(LastUse { at, network }),
    }
}

fn flush(keys: Vec<KeyHour>) -> UsageFlush {
    UsageFlush { process: "p".into(), number: 1, at: hour(0).start(), keys, unknown: Vec::new() }
}

/// Reads all portions, and returns the keys by id.
async fn all(store: &impl SurveyStore, mut query: SurveyQuery) -> BTreeMap<KeyId, SurveyedKey> {
    let mut keys = BTreeMap::new();
    for _ in 0..100 {
        let SurveyPortion { keys: portion, unreadable, next } = store.survey(&query).await.unwrap();
        assert!(portion.len() <= query.limit.get() as usize && unreadable == 0);
        for key in portion {
            let id = key.key.details.id.clone();
            assert_eq!(keys.insert(id.clone(), key), None, "{id} was read before");
        }
        match next {
            Some(next) => query.after = Some(next),
            None => return keys,
        }
    }
    panic!("the survey does not end");
}

pub async fn an_empty_store_has_nothing_to_survey<E: SurveyEngine>(engine: &E) {
    let store = engine.open().await;
    assert_eq!(store.survey(&query(10)).await.unwrap(), SurveyPortion::default());
    assert_eq!(store.recorded_since().await.unwrap(), None);
    assert_eq!(store.busy_keys(hour(0), 1, None, limit(10)).await.unwrap(), []);
}

pub async fn every_key_is_surveyed_once_in_portions_of_any_size<E: SurveyEngine>(engine: &E) {
    let store = engine.open().await;
    let keys: Vec<_> = ["A", "a", "B", "b", "é", "z-1", "z1"].map(sample::key).to_vec();
    for key in &keys {
        store.insert(key, None, &sample::UNRECORDED).await.unwrap();
    }
    let expected: BTreeMap<_, _> = keys.iter().map(|key| (key.details.id.clone(), unused(key))).collect();
    for size in [1, 2, 3, 7, 8] {
        assert_eq!(all(&store, query(size)).await, expected, "by {size}");
    }
}

pub async fn a_survey_shows_the_owner_and_the_uses_of_a_key<E: SurveyEngine>(engine: &E) {
    let store = engine.open().await;
    let owned = |name: &str, of: &str| sample::key_with(name, |details, _| details.owner = owner(of));
    let (banned, present, absent) = (owned("k1", "mallory"), owned("k2", "ada"), owned("k3", "nobody"));
    for key in [&banned, &present, &absent] {
        store.insert(key, None, &sample::UNRECORDED).await.unwrap();
    }
    let ban = Owner::Banned(Ban { until: Some(hour(500).start()) });
    engine.put_owner(&owner("mallory"), ban).await;
    engine.put_owner(&owner("ada"), Owner::Present).await;
    let counted =
        vec![uses(&banned, -1, 100, 50), uses(&banned, 0, 3, 2), uses(&banned, 7, 4, 1), uses(&present, -1, 9, 0)];
    let last = |counted: &KeyHour| counted.last_use;
    let (last_of_banned, last_of_present) = (last(&counted[2]), last(&counted[3]));
    store.add_usage(&flush(counted)).await.unwrap();
    let found = all(&store, query(10)).await;
    let expected = [
        SurveyedKey { owner: ban, last_use: last_of_banned, accepted: 7, refused: 3, ..unused(&banned) },
        SurveyedKey { owner: Owner::Present, last_use: last_of_present, ..unused(&present) },
        unused(&absent),
    ];
    assert_eq!(found.into_values().collect::<Vec<_>>(), expected);
    assert_eq!(store.recorded_since().await.unwrap(), Some(hour(-1)));
    let from_the_first = SurveyQuery { uses_since: hour(-1), ..query(10) };
    let of_banned = &all(&store, from_the_first).await[&id("k1")];
    assert_eq!((of_banned.accepted, of_banned.refused), (107, 53));
}

pub async fn a_survey_is_narrowed_by_owner_and_configuration<E: SurveyEngine>(engine: &E) {
    let store = engine.open().await;
    for (name, of, under) in [("k1", "ada", "eu"), ("k2", "ada", "default"), ("k3", "bob", "eu"), ("k4", "ada", "eu")] {
        let key = sample::key_with(name, |details, _| {
            (details.owner, details.config_id) = (owner(of), config(under));
        });
        store.insert(&key, None, &sample::UNRECORDED).await.unwrap();
    }
    for (of, configurations, expected) in [
        (Some("ada"), ConfigFilter::Any, vec!["k1", "k2", "k4"]),
        (None, ConfigFilter::AnyOf(vec![config("eu")]), vec!["k1", "k3", "k4"]),
        (None, ConfigFilter::NoneOf(vec![config("eu")]), vec!["k2"]),
        (Some("ada"), ConfigFilter::AnyOf(vec![config("eu")]), vec!["k1", "k4"]),
        (Some("eve"), ConfigFilter::Any, vec![]),
    ] {
        let narrowed = SurveyQuery { owner: of.map(owner), configurations, ..query(1) };
        let found: Vec<_> = all(&store, narrowed).await.into_keys().collect();
        assert_eq!(found, expected.iter().map(|name| id(name)).collect::<Vec<_>>(), "{of:?}");
    }
}

pub async fn busy_keys_are_those_with_enough_calls_in_the_hour<E: SurveyEngine>(engine: &E) {
    let store = engine.open().await;
    let keys = ["k1", "k2", "k3", "k4"].map(sample::key);
    let week = 7 * 24;
    let counted = vec![
        uses(&keys[0], -week, 6, 4),
        uses(&keys[0], 1 - week, 900, 900),
        uses(&keys[0], 0, 60, 40),
        uses(&keys[1], 0, 99, 0),
        uses(&keys[2], 0, 0, 100),
        uses(&keys[3], -1, 1_000, 0),
    ];
    store.add_usage(&flush(counted)).await.unwrap();
    let counts = |accepted, refused| HourCounts { accepted, refused };
    let k1 = BusyKey { id: id("k1"), calls: counts(60, 40), week_before: counts(6, 4) };
    let k3 = BusyKey { id: id("k3"), calls: counts(0, 100), week_before: counts(0, 0) };
    let k4 = BusyKey { id: id("k4"), calls: counts(1_000, 0), week_before: counts(0, 0) };
    assert_eq!(store.busy_keys(hour(0), 100, None, limit(10)).await.unwrap(), [k1.clone(), k3.clone()]);
    assert_eq!(store.busy_keys(hour(0), 100, None, limit(1)).await.unwrap(), [k1]);
    assert_eq!(store.busy_keys(hour(0), 100, Some(id("k1")), limit(1)).await.unwrap(), [k3]);
    assert_eq!(store.busy_keys(hour(0), 100, Some(id("k3")), limit(1)).await.unwrap(), []);
    assert_eq!(store.busy_keys(hour(-1), 1_000, None, limit(10)).await.unwrap(), [k4]);
}

fn network(name: &str, first: i64, last: i64) -> KnownNetwork {
    KnownNetwork { network: name.into(), first_seen: hour(first).start(), last_seen: hour(last).start() }
}

pub async fn networks_are_remembered_by_key_with_their_first_and_last_use<E: SurveyEngine>(engine: &E) {
    let (store, other) = (engine.open().await, engine.open().await);
    let note = async |key: &str, name: &str, at: i64| {
        store.note_network(&id(key), name, hour(at).start()).await.unwrap();
    };
    for (name, at) in [("10.0.0.0/24", 1), ("2001:db8::/48", 2), ("10.0.0.0/24", 5), ("10.0.0.0/24", 4)] {
        note("k1", name, at).await;
    }
    note("k2", "10.0.0.0/24", 3).await;
    let known = other.known_networks(&id("k1")).await.unwrap();
    assert_eq!(known.networks(), [network("10.0.0.0/24", 1, 5), network("2001:db8::/48", 2, 2)]);
    assert_eq!(other.known_networks(&id("k2")).await.unwrap().networks(), [network("10.0.0.0/24", 3, 3)]);
    assert_eq!(other.known_networks(&id("k3")).await.unwrap().networks(), []);
}

pub async fn the_networks_that_were_not_used_for_the_longest_time_are_forgotten<E: SurveyEngine>(engine: &E) {
    let store = engine.open().await;
    for at in 0..20 {
        store.note_network(&id("k1"), &format!("10.0.{at}.0/24"), hour(at).start()).await.unwrap();
    }
    let names = async |key: &str| -> Vec<String> {
        let known = store.known_networks(&id(key)).await.unwrap();
        known.networks().iter().map(|known| known.network.to_string()).collect()
    };
    let expected: Vec<_> = (4..20).rev().map(|at| format!("10.0.{at}.0/24")).collect();
    assert_eq!(names("k1").await, expected);
    store.note_network(&id("k2"), "10.0.0.0/24", hour(0).start()).await.unwrap();
    assert_eq!(store.forget_networks(hour(10).start(), limit(3)).await.unwrap(), 3);
    assert_eq!(names("k2").await, Vec::<String>::new());
    assert_eq!(store.forget_networks(hour(10).start(), limit(100)).await.unwrap(), 4);
    assert_eq!(store.forget_networks(hour(10).start(), limit(100)).await.unwrap(), 0);
    assert_eq!(names("k1").await, expected[..10]);
}

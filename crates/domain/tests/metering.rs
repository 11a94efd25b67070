//! Every use is counted once, under its key, its hour and its outcome.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use keymint_domain::address::{AddressRules, ClientAddress, Network};
use keymint_domain::key::PlainKey;
use keymint_domain::metering::{
    Counts, Hour, KeyHour, MAX_SOURCES, Series, Step, StoredUsage, Sum, Tallies, UnknownHour, UnknownNetwork,
    UnknownSource, Window, roll_up,
};
use keymint_domain::usage::Usage;
use keymint_domain::verify::{Attempt, Cost, Refusal, Verdict};
use keymint_domain::{ApiKey, ConfigId, Configuration, ErrorCode, KeyDetails, KeyId, OwnerId, Policy, Timestamp};
use proptest::prelude::*;

const NOON: Timestamp = Timestamp::from_millis(1_700_049_600_000);

fn key(id: &str) -> ApiKey {
    let details = KeyDetails {
        id: KeyId::parse(id).unwrap(),
        config_id: ConfigId::default_id(),
        owner: OwnerId::parse("ada").unwrap(),
        name: None,
        start: None,
        prefix: None,
        stored: PlainKey::new(id).hash(),
        rotation: None,
        rotated_at: None,
        foreign: None,
        enabled: true,
        revocation: None,
        expires_at: None,
        refill_amount: None,
        refill_interval_ms: None,
        refill_every: None,
        rate_limit_enabled: false,
        rate_limit_window_ms: None,
        rate_limit_max: None,
        permissions: None,
        addresses: AddressRules::default(),
        metadata: None,
        created_at: NOON,
        created_by: None,
    };
    ApiKey { details: Arc::new(details), usage: Usage::new(None, NOON) }
}

fn attempt(cost: u32, last_byte: Option<u8>) -> Attempt {
    let mut attempt = Attempt::new(&PlainKey::new("sk_live_1"), &Policy::default()).at_cost(Cost(cost));
    attempt.client = last_byte.map(|byte| IpAddr::V4(Ipv4Addr::new(192, 0, byte, 7))).into();
    attempt
}

fn refused(id: Option<&str>, code: ErrorCode) -> Verdict {
    Verdict::Refused(Refusal { key: id.map(|id| key(id).details), ..Refusal::of_unknown(code) })
}

fn count(tallies: &mut Tallies, attempt: &Attempt, verdict: &Verdict, now: Timestamp) {
    tallies.count(attempt, verdict, &Policy::default(), now);
}

fn only_key(tallies: &mut Tallies) -> KeyHour {
    let (mut keys, unknown) = tallies.take().into_parts();
    assert_eq!((keys.len(), unknown), (1, Vec::new()));
    keys.remove(0)
}

#[test]
fn looks_and_repeats_of_a_paid_use_are_no_uses() {
    let mut tallies = Tallies::default();
    for verdict in [
        Verdict::Accepted(key("a")),
        refused(Some("a"), ErrorCode::KeyDisabled),
        refused(None, ErrorCode::InvalidApiKey),
    ] {
        count(&mut tallies, &attempt(0, None), &verdict, NOON);
        count(&mut tallies, &attempt(3, None).paid(), &verdict, NOON);
        count(&mut tallies, &attempt(3, None).look(), &verdict, NOON);
    }
    let (keys, unknown) = tallies.take().into_parts();
    assert_eq!((keys, unknown), (Vec::new(), Vec::new()));
}

#[test]
fn refusals_are_counted_under_keymints_own_name_of_the_reason() {
    let mut tallies = Tallies::default();
    let foreign =
        Refusal { is_foreign: true, key: Some(key("a").details), ..Refusal::of_unknown(ErrorCode::InvalidApiKey) };
    count(&mut tallies, &attempt(1, None), &Verdict::Refused(foreign), NOON);
    count(&mut tallies, &attempt(9, None), &refused(Some("a"), ErrorCode::RateLimited), NOON);
    count(&mut tallies, &attempt(9, None), &refused(Some("a"), ErrorCode::RateLimited), NOON);
    let found = only_key(&mut tallies);
    assert_eq!(found.refused, [(ErrorCode::RateLimited, 2), (ErrorCode::WrongConfiguration, 1)]);
    assert_eq!((found.accepted, found.cost, found.last_use), (0, 0, None));
}

#[test]
fn the_last_use_is_the_latest_one_with_its_network() {
    let mut tallies = Tallies::default();
    for (ms, byte) in [(5, Some(1)), (9, Some(2)), (7, Some(3))] {
        count(&mut tallies, &attempt(1, byte), &Verdict::Accepted(key("a")), NOON.plus_millis(ms));
    }
    let last = only_key(&mut tallies).last_use.unwrap();
    assert_eq!((last.at, last.network), (NOON.plus_millis(9), Network::parse("192.0.2.0/24").ok()));
    count(&mut tallies, &attempt(1, None), &Verdict::Accepted(key("a")), NOON);
    assert_eq!(only_key(&mut tallies).last_use.unwrap().network, None);
}

#[test]
fn unknown_keys_are_counted_by_what_was_named_and_never_by_their_text() {
    let policy = |prefixes: &[&str]| {
        let configuration = |(place, prefix): (usize, &&str)| {
            let id = ConfigId::parse(format!("c{place}")).unwrap();
            Configuration { id, default_prefix: Some((*prefix).to_owned()), ..Configuration::default() }
        };
        Policy::new(prefixes.iter().enumerate().map(configuration).collect()).unwrap()
    };
    let policy = policy(&["", "sk_", "sk_live_", "sk_live_"]);
    let mut tallies = Tallies::default();
    for (text, expected) in [("sk_live_x", Some("sk_live_")), ("sk_x", Some("sk_")), ("secret", None)] {
        let mut attempt = Attempt::new(&PlainKey::new(text), &policy);
        attempt.client = ClientAddress::Known("2001:db8::1".parse().unwrap());
        attempt.config_id = ConfigId::parse("eu").ok();
        tallies.count(&attempt, &refused(None, ErrorCode::InvalidApiKey), &policy, NOON);
        let (_, unknown) = tallies.take().into_parts();
        let network = UnknownNetwork::Of(Network::parse("2001:db8::/48").unwrap());
        let source = UnknownSource { config_id: ConfigId::parse("eu").ok(), prefix: expected.map(Box::from), network };
        assert_eq!(unknown, [UnknownHour { hour: Hour::of(NOON), source, calls: 1 }], "{text}");
        assert_eq!(UnknownNetwork::parse(&network.to_string()), Some(network));
    }
}

#[test]
fn ever_new_networks_fill_no_more_than_their_part_of_an_hour() {
    let mut tallies = Tallies::default();
    let mut flushed: BTreeMap<(Hour, UnknownSource), u64> = BTreeMap::new();
    for turn in 0..1000_u32 {
        let mut attempt = attempt(1, None);
        attempt.client = ClientAddress::Known(IpAddr::V4(Ipv4Addr::from(turn << 8)));
        count(&mut tallies, &attempt, &refused(None, ErrorCode::InvalidApiKey), NOON);
        if turn % 100 == 0 {
            for UnknownHour { hour, source, calls } in tallies.take().into_parts().1 {
                *flushed.entry((hour, source)).or_default() += calls;
            }
        }
    }
    for UnknownHour { hour, source, calls } in tallies.take().into_parts().1 {
        *flushed.entry((hour, source)).or_default() += calls;
    }
    assert_eq!(flushed.len(), MAX_SOURCES + 1);
    assert_eq!(flushed[&(Hour::of(NOON), UnknownSource::OTHER)], 1000 - MAX_SOURCES as u64);
    assert_eq!(flushed.values().sum::<u64>(), 1000);
    let next_hour = NOON.plus_millis(3_600_000);
    count(&mut tallies, &attempt(1, Some(1)), &refused(None, ErrorCode::InvalidApiKey), next_hour);
    assert_ne!(tallies.take().into_parts().1[0].source, UnknownSource::OTHER, "a new hour has new room");
}

#[derive(Debug, Clone)]
struct Use {
    key: usize,
    ms: u64,
    cost: u32,
    refused: Option<usize>,
    flush: bool,
}

const IDS: [&str; 4] = ["a", "b", "c", "d"];
const CODES: [ErrorCode; 3] = [ErrorCode::RateLimited, ErrorCode::KeyDisabled, ErrorCode::UsageExceeded];

fn uses() -> impl Strategy<Value = Vec<Use>> {
    let code = prop::option::weighted(0.3, 0..CODES.len());
    let one = (0..IDS.len(), 0..10_000_000_u64, 0..4_u32, code, prop::bool::weighted(0.1));
    let one = one.prop_map(|(key, ms, cost, refused, flush)| Use { key, ms, cost, refused, flush });
    prop::collection::vec(one, 0..60)
}

proptest! {
    #[test]
    fn every_use_is_handed_over_once_under_its_key_and_hour(uses in uses()) {
        let (mut tallies, mut expected) = (Tallies::default(), BTreeMap::<_, Counts>::new());
        let mut found = BTreeMap::<_, Counts>::new();
        let mut hand_over = |tallies: &mut Tallies| {
            let taken = tallies.take();
            prop_assert_eq!(taken.lost(), 0);
            let (keys, unknown) = taken.into_parts();
            prop_assert!(unknown.is_empty());
            prop_assert!(keys.windows(2).all(|two| (&two[0].key.id, two[0].hour) < (&two[1].key.id, two[1].hour)));
            for entry in keys {
                let counts = found.entry((entry.key.id.clone(), entry.hour)).or_default();
                entry.outcomes().for_each(|(outcome, calls, cost)| counts.add(outcome, calls, cost));
            }
            Ok(())
        };
        for Use { key: place, ms, cost, refused: code, flush } in uses {
            let (key, now) = (key(IDS[place]), NOON.plus_millis(ms));
            let (outcome, verdict) = match code {
                None => ("", Verdict::Accepted(key.clone())),
                Some(code) => (CODES[code].as_str(), refused(Some(IDS[place]), CODES[code])),
            };
            count(&mut tallies, &attempt(cost, None), &verdict, now);
            if cost > 0 {
                let paid = if code.is_none() { u64::from(cost) } else { 0 };
                expected.entry((key.details.id.clone(), Hour::of(now))).or_default().add(outcome, 1, paid);
            }
            if flush {
                hand_over(&mut tallies)?;
            }
        }
        hand_over(&mut tallies)?;
        prop_assert_eq!(tallies.take().into_parts(), (Vec::new(), Vec::new()));
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn a_series_has_every_step_and_its_totals_are_their_sum(
        hours in 1..800_i64,
        sums in prop::collection::vec((-50..900_i64, prop::sample::select(vec!["", "RATE_LIMITED", "NEWER"]), 0..9_u64), 0..50),
        step in prop::sample::select(Step::ALL.to_vec()),
    ) {
        let first = Hour::of(NOON).number();
        let to = Hour::from_number(first + hours).start();
        let window = Window::new(NOON, to, step).unwrap();
        let sums: Vec<_> = sums.into_iter().map(|(hour, outcome, calls)| {
            Sum { start: Hour::from_number(first + hour), outcome: outcome.to_owned(), calls, cost: 2 * calls }
        }).collect();
        let series = Series::new(&window, &sums);
        prop_assert_eq!(series.points.len(), window.starts().count());
        let mut totals = Counts::default();
        for point in &series.points {
            totals += &point.counts;
        }
        prop_assert_eq!(&series.totals, &totals);
        let inside = sums.iter().filter(|sum| window.contains(step.floor(sum.start)));
        prop_assert_eq!(totals.accepted + totals.refused(), inside.map(|sum| sum.calls).sum::<u64>());
    }

    #[test]
    fn days_hold_what_their_hours_held(
        rows in prop::collection::vec((0..IDS.len(), 0..100_i64, any::<bool>(), 0..1000_u64), 0..100),
    ) {
        let stored: Vec<_> = rows.iter().map(|(key, hour, refused, calls)| StoredUsage {
            key: KeyId::parse(IDS[*key]).unwrap(),
            hour: Hour::from_number(*hour),
            outcome: if *refused { "RATE_LIMITED" } else { "" }.to_owned(),
            calls: *calls,
            cost: 3 * calls,
        }).collect();
        let unknown: Vec<_> = rows.iter().map(|(_, hour, _, calls)| {
            UnknownHour { hour: Hour::from_number(*hour), source: UnknownSource::OTHER, calls: *calls }
        }).collect();
        let (days, unknown_days) = roll_up(stored.clone(), unknown);
        let sum_of = |rows: &[StoredUsage], key: &KeyId, day: Hour, outcome: &str| {
            let of_day = rows.iter().filter(|row| row.key == *key && row.hour.day() == day && row.outcome == outcome);
            of_day.fold((0, 0), |(calls, cost), row| (calls + row.calls, cost + row.cost))
        };
        for row in &stored {
            let day = row.hour.day();
            prop_assert_eq!(
                sum_of(&days, &row.key, day, &row.outcome),
                sum_of(&stored, &row.key, day, &row.outcome)
            );
        }
        let place = |row: &StoredUsage| (row.key.clone(), row.hour, row.outcome.clone());
        prop_assert!(days.iter().all(|day| day.hour == day.hour.day()));
        prop_assert!(days.windows(2).all(|two| place(&two[0]) < place(&two[1])));
        let all = |rows: &[UnknownHour]| rows.iter().map(|row| row.calls).sum::<u64>();
        prop_assert_eq!(all(&unknown_days), rows.iter().map(|(_, _, _, calls)| calls).sum::<u64>());
    }
}

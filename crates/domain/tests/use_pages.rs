//! Uses that wait as text are the same uses.

#![expect(clippy::unwrap_used, reason = "test support")]

use std::collections::BTreeMap;

use keymint_domain::address::Network;
use keymint_domain::metering::{Gathered, Hour, InvalidUsePage, KeyHour, LastUse, UsePage, UsedKey};
use keymint_domain::{ConfigId, ErrorCode, KeyId, OwnerId, Timestamp};
use proptest::prelude::*;

fn use_of(key: &str, hour: i64, calls: u64, at: Option<i64>, code: Option<ErrorCode>) -> KeyHour {
    let network = |at: i64| if at % 2 == 0 { Network::parse("2001:db8::/48").ok() } else { None };
    KeyHour {
        key: UsedKey {
            id: KeyId::parse(key).unwrap(),
            owner: OwnerId::parse(format!("{key} 3:")).unwrap(),
            config_id: ConfigId::parse("eu").unwrap(),
        },
        hour: Hour::from_number(hour),
        accepted: calls,
        cost: 2 * calls,
        refused: code.map(|code| (code, calls)).into_iter().collect(),
        last_use: at.map(|at| LastUse { at: Timestamp::from_millis(at), network: network(at) }),
    }
}

fn uses() -> impl Strategy<Value = Vec<KeyHour>> {
    let code = prop::option::of(prop::sample::select(vec![ErrorCode::RateLimited, ErrorCode::KeyExpired]));
    let key = prop::sample::select(vec!["a", "a:b", "1:2 ", "é\n", "\u{1f511}", "zz"]);
    let one = (key, -3..3_i64, 1..u64::from(u32::MAX), prop::option::of(-9..9_i64), code);
    prop::collection::vec(one, 0..12).prop_map(|uses| {
        let uses = uses.into_iter().map(|(key, hour, calls, at, code)| use_of(key, hour, calls, at, code));
        let by_place: BTreeMap<_, _> = uses.map(|entry| ((entry.key.id.clone(), entry.hour), entry)).collect();
        by_place.into_values().collect()
    })
}

/// Adds uses one by one.
fn sum(pages: &[Vec<KeyHour>]) -> Vec<KeyHour> {
    let mut sums: BTreeMap<(KeyId, Hour), KeyHour> = BTreeMap::new();
    for entry in pages.iter().flatten() {
        let place = (entry.key.id.clone(), entry.hour);
        let Some(sum) = sums.get_mut(&place) else {
            sums.insert(place, entry.clone());
            continue;
        };
        sum.accepted += entry.accepted;
        sum.cost += entry.cost;
        for (code, calls) in &entry.refused {
            match sum.refused.iter_mut().find(|(known, _)| known == code) {
                Some((_, sum)) => *sum += calls,
                None => sum.refused.push((*code, *calls)),
            }
        }
        sum.refused.sort_by_key(|(code, _)| code.as_str());
        let at = |last_use: Option<LastUse>| last_use.map(|last_use| last_use.at);
        if at(entry.last_use) >= at(sum.last_use) {
            sum.last_use = entry.last_use;
        }
    }
    sums.into_values().collect()
}

proptest! {
    #[test]
    fn a_page_is_read_as_it_was_written(uses in uses(), limit in 1..5_usize) {
        let page = UsePage::of(&uses);
        prop_assert_eq!(UsePage::parse(page.as_str().to_owned()), Ok(page.clone()));
        prop_assert_eq!((page.len(), page.is_empty()), (uses.len(), uses.is_empty()));
        let (mut read, mut place) = (Vec::new(), 0);
        while read.len() < uses.len() {
            let (portion, next) = page.read(place, limit);
            prop_assert!(portion.len() == limit || read.len() + portion.len() == uses.len());
            (read, place) = ([read, portion].concat(), next);
        }
        prop_assert_eq!(read, uses);
        prop_assert_eq!(page.read(place, limit), (Vec::new(), place));
    }

    #[test]
    fn what_is_gathered_is_the_sum_of_its_pages_however_they_are_divided(
        pages in prop::collection::vec(uses(), 0..9),
    ) {
        let (mut gathered, mut divided) = (Gathered::default(), Gathered::default());
        for page in &pages {
            gathered.add(UsePage::of(page));
            gathered.settle();
            for entry in page {
                divided.add(UsePage::of(std::slice::from_ref(entry)));
            }
        }
        let sum = sum(&pages);
        prop_assert!(gathered.keys() >= sum.len());
        prop_assert_eq!(gathered.is_empty(), sum.is_empty());
        let page = gathered.take();
        prop_assert_eq!(&page.read(0, usize::MAX).0, &sum);
        prop_assert_eq!(page, divided.take());
        prop_assert!(gathered.is_empty() && divided.is_empty());
    }

    #[test]
    fn a_text_with_any_part_missing_is_no_page_or_has_fewer_entries(uses in uses(), cut in 0..200_usize) {
        let page = UsePage::of(&uses);
        if let Some(text) = page.as_str().get(..cut).filter(|text| text.len() < page.as_str().len()) {
            let read = UsePage::parse(text.to_owned());
            prop_assert!(read.is_err() || read.is_ok_and(|read| read.len() < page.len()));
        }
    }
}

#[test]
fn any_other_text_is_no_page() {
    let whole = UsePage::of(&[use_of("a", 1, 2, Some(4), Some(ErrorCode::RateLimited))]).as_str().to_owned();
    assert!(UsePage::parse(whole.clone()).is_ok());
    for (from, to) in [("RATE_LIMITED", "RATE_LIMITER"), ("2001:db8", "2001:dbg"), ("1:a", "0:a"), (" 4 ", " x ")] {
        assert_ne!(whole, whole.replace(from, to), "{from}");
        assert_eq!(UsePage::parse(whole.replace(from, to)), Err(InvalidUsePage), "{from}");
    }
    for text in ["x", "1:", "-1:", "99999999999999999999:", "2:é "] {
        assert_eq!(UsePage::parse(text.to_owned()), Err(InvalidUsePage), "{text}");
    }
}

//! A filter finds the keys that the domain says it finds.

use std::collections::BTreeSet;
use std::sync::Arc;

use keymint_domain::listing::{Direction, KeyFilter, ListQuery, Search, SortField, Total};
use keymint_domain::metering::{Hour, KeyHour, LastUse, UsageFlush, UsedKey};
use keymint_domain::{ApiKey, Timestamp};
use keymint_ports::{KeyStore as _, UsageStore as _};
use proptest::strategy::{Strategy, ValueTree as _};
use proptest::test_runner::TestRunner;

use crate::SurveyEngine;
use crate::model::{any_filter, any_instant, any_key};
use crate::sample::{self, NOW, id};
use crate::support::{ids, insert_all};

const KEYS: usize = 150;
const FILTERS: usize = 300;

/// Returns values of a strategy, the same ones in each run.
fn generate<S: Strategy>(strategy: &S, count: usize) -> Vec<S::Value> {
    let mut runner = TestRunner::deterministic();
    (0..count).map(|_| strategy.new_tree(&mut runner).unwrap().current()).collect()
}

/// Returns keys with ids of their own, and for some of them a use that only the statistics know.
fn keys() -> Vec<(ApiKey, Option<Timestamp>)> {
    let keys = generate(&(any_key(), proptest::option::of(any_instant())), KEYS);
    let with_id = |(number, (mut key, used)): (usize, (ApiKey, _))| {
        let details = Arc::make_mut(&mut key.details);
        details.id = id(&format!("key-{number}"));
        details.stored = sample::plain(details.id.as_str()).hash();
        (key, used)
    };
    keys.into_iter().enumerate().map(with_id).collect()
}

fn use_of(key: &ApiKey, at: Timestamp) -> KeyHour {
    let last_use = Some(LastUse { at, network: None });
    KeyHour {
        key: UsedKey::from(&*key.details),
        hour: Hour::of(at),
        accepted: 1,
        cost: 1,
        refused: Vec::new(),
        last_use,
    }
}

pub async fn a_filter_finds_what_the_domain_admits<E: SurveyEngine>(engine: &E) {
    let store = engine.open().await;
    let keys = keys();
    insert_all(&store, &keys.iter().map(|(key, _)| key.clone()).collect::<Vec<_>>()).await;
    let uses = keys.iter().filter_map(|(key, used)| Some(use_of(key, (*used)?))).collect();
    let flush = UsageFlush { process: "p".into(), number: 1, at: NOW, keys: uses, unknown: Vec::new() };
    assert!(store.add_usage(&flush).await.unwrap());
    let filters = generate(&any_filter(), FILTERS);
    let mut sizes = BTreeSet::new();
    for filter in filters {
        let admitted = keys.iter().filter(|(key, used)| filter.admits(key, *used));
        let admitted: BTreeSet<_> = admitted.map(|(key, _)| key.details.id.as_str()).collect();
        let query = ListQuery { filter, limit: 1000, ..ListQuery::default() };
        let page = store.list(&query).await.unwrap();
        assert_eq!(ids(&page.keys).into_iter().collect::<BTreeSet<_>>(), admitted, "{:?}", query.filter);
        assert_eq!(page.total, Total::Exactly(admitted.len() as u64));
        sizes.insert(admitted.len());
    }
    assert!(sizes.len() > 20 && sizes.contains(&0), "the filters differ: {sizes:?}");
}

pub async fn a_count_stops_where_it_is_told_to<E: SurveyEngine>(engine: &E) {
    let store = engine.open().await;
    let made = |ms| sample::key_with(&format!("key {ms}"), |details, _| details.created_at = NOW.plus_millis(ms));
    insert_all(&store, &(0..10).map(made).collect::<Vec<_>>()).await;
    for (offset, limit, count_up_to, total) in [
        (0, 2, Some(9), Total::MoreThan(9)),
        (0, 2, Some(10), Total::Exactly(10)),
        (0, 100, Some(9), Total::MoreThan(9)),
        (8, 100, Some(4), Total::MoreThan(4)),
        (10, 1, Some(4), Total::MoreThan(4)),
        (0, 0, Some(0), Total::MoreThan(0)),
        (0, 0, Some(u64::MAX), Total::Exactly(10)),
        (4, 1, None, Total::Exactly(10)),
    ] {
        let query = ListQuery { offset, limit, count_up_to, ..ListQuery::default() };
        assert_eq!(store.list(&query).await.unwrap().total, total, "{query:?}");
    }
}

pub async fn a_search_finds_ids_starts_and_names<E: SurveyEngine>(engine: &E) {
    let store = engine.open().await;
    let with = |id, start: Option<&str>, name: Option<&str>| {
        sample::key_with(id, |details, _| {
            details.start = start.map(str::to_owned);
            details.name = name.map(str::to_owned);
        })
    };
    let keys = [
        with("a", Some("sk_1a"), Some("Backup of Ä")),
        with("ab", Some("sk_1A"), Some("backup\u{10ffff}")),
        with("b", None, Some("100%")),
        with("c", Some("a"), None),
        with("d", Some("\u{10ffff}x"), Some("ÄB")),
    ];
    insert_all(&store, &keys).await;
    let cases: [(&str, &[&str]); 15] = [
        ("a", &["a", "c"]),
        ("ab", &["ab"]),
        ("sk_", &["a", "ab"]),
        ("sk_1A", &["ab"]),
        ("SK_", &[]),
        ("sk%", &[]),
        ("k_1", &[]),
        ("BACKUP", &["a", "ab"]),
        ("backup of ä", &[]),
        ("backup of Ä", &["a"]),
        ("backup\u{10ffff}", &["ab"]),
        ("\u{10ffff}", &["d"]),
        ("10", &["b"]),
        ("' or 1=1 --", &[]),
        ("Äb", &["d"]),
    ];
    for (search, found) in cases {
        let filter = KeyFilter { search: Some(Search::parse(search).unwrap()), ..KeyFilter::default() };
        let page = store.list(&ListQuery { filter, ..ListQuery::default() }).await.unwrap();
        assert_eq!(ids(&page.keys), found, "{search}");
    }
}

pub async fn keys_that_never_expire_are_last_by_expiry<E: SurveyEngine>(engine: &E) {
    let store = engine.open().await;
    let ends =
        |id, ms: Option<u64>| sample::key_with(id, |details, _| details.expires_at = ms.map(|ms| NOW.plus_millis(ms)));
    insert_all(&store, &[ends("a", None), ends("b", Some(2)), ends("c", None), ends("d", Some(1))]).await;
    for (direction, order) in
        [(Direction::Ascending, ["d", "b", "a", "c"]), (Direction::Descending, ["b", "d", "a", "c"])]
    {
        let query = ListQuery { sort_by: SortField::ExpiresAt, direction, ..ListQuery::default() };
        assert_eq!(ids(&store.list(&query).await.unwrap().keys), order, "{direction:?}");
    }
}

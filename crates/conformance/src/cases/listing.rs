use std::sync::Arc;

use keymint_domain::listing::{Direction, ListQuery, Page, Room};
use keymint_domain::policy::ConfigFilter;
use keymint_domain::{ApiKey, Metadata};
use keymint_ports::KeyStore;

use crate::Engine;
use crate::sample::{self, NOW, config, id, owner};
use crate::support::{ids, insert_all, open_two};

/// Returns keys that were made one millisecond after another.
fn series(range: std::ops::Range<u64>) -> Vec<ApiKey> {
    let made = |ms| sample::key_with(&format!("key {ms:03}"), |details, _| details.created_at = NOW.plus_millis(ms));
    range.map(made).collect()
}

pub async fn an_empty_store_lists_nothing<E: Engine>(engine: &E) {
    let page = engine.open().await.list(&ListQuery::default()).await.unwrap();
    assert_eq!(page, Page::default());
}

pub async fn pages_cut_the_list_and_count_it_whole<E: Engine>(engine: &E) {
    let store = engine.open().await;
    let keys = series(0..10);
    insert_all(&store, &keys).await;
    for (offset, limit, rows) in [
        (0, 3, 0..3),
        (8, 3, 8..10),
        (9, 1, 9..10),
        (10, 3, 0..0),
        (11, 3, 0..0),
        (u64::MAX, 3, 0..0),
        (u64::MAX, u32::MAX, 0..0),
        (0, 0, 0..0),
        (5, 0, 0..0),
        (0, u32::MAX, 0..10),
        (7, u32::MAX, 7..10),
    ] {
        let page = store.list(&ListQuery { offset, limit, ..ListQuery::default() }).await.unwrap();
        assert_eq!(ids(&page.keys), ids(&keys[rows]), "{limit} from {offset}");
        assert_eq!(page.total.at_least(), 10, "{limit} from {offset}");
    }
}

pub async fn a_page_of_large_keys_is_shorter_and_says_how_many_there_are<E: Engine>(engine: &E) {
    let store = engine.open().await;
    let metadata = Metadata::from_stored(&format!("{{\"note\":\"{}\"}}", "x".repeat(Room::BYTES / 4))).unwrap();
    let keys: Vec<_> = series(0..10).into_iter().map(|key| with_metadata(key, metadata.clone())).collect();
    insert_all(&store, &keys).await;
    // Four of them fill a page.
    for (offset, limit, rows) in [(0, 10, 0..4), (4, 10, 4..8), (8, 10, 8..10), (0, 3, 0..3), (1, 4, 1..5)] {
        let page = store.list(&ListQuery { offset, limit, ..ListQuery::default() }).await.unwrap();
        assert_eq!((ids(&page.keys), page.total.at_least()), (ids(&keys[rows]), 10), "{limit} from {offset}");
    }
}

fn with_metadata(mut key: ApiKey, metadata: Option<Metadata>) -> ApiKey {
    Arc::make_mut(&mut key.details).metadata = metadata;
    key
}

pub async fn lists_are_narrowed_by_owner_and_configuration<E: Engine>(engine: &E) {
    let store = engine.open().await;
    for (name, of, under) in [
        ("a1", "ada", "default"),
        ("a2", "ada", "eu"),
        ("a3", "ada", "us"),
        ("e1", "eve", "default"),
        ("e2", "eve", "eu"),
    ] {
        let key = sample::key_with(name, |details, _| {
            details.owner = owner(of);
            details.config_id = config(under);
        });
        store.insert(&key, None, &sample::UNRECORDED).await.unwrap();
    }
    let any_of = |ids: &[&str]| ConfigFilter::AnyOf(ids.iter().map(|id| config(id)).collect());
    let none_of = |ids: &[&str]| ConfigFilter::NoneOf(ids.iter().map(|id| config(id)).collect());
    let cases: [(Option<&str>, ConfigFilter, &[&str]); 15] = [
        (None, ConfigFilter::Any, &["a1", "a2", "a3", "e1", "e2"]),
        (Some("ada"), ConfigFilter::Any, &["a1", "a2", "a3"]),
        (Some("nobody"), ConfigFilter::Any, &[]),
        (Some("' or 1=1 --"), ConfigFilter::Any, &[]),
        (Some("a%"), ConfigFilter::Any, &[]),
        (None, any_of(&[]), &[]),
        (None, any_of(&["default"]), &["a1", "e1"]),
        (None, any_of(&["eu"]), &["a2", "e2"]),
        (None, any_of(&["nowhere"]), &[]),
        (Some("ada"), any_of(&["eu"]), &["a2"]),
        (Some("ada"), any_of(&["us", "eu", "nowhere"]), &["a2", "a3"]),
        (None, none_of(&[]), &["a1", "a2", "a3", "e1", "e2"]),
        (None, none_of(&["eu"]), &["a1", "a3", "e1"]),
        (None, none_of(&["default", "us", "nowhere"]), &["a2", "e2"]),
        (Some("ada"), none_of(&["eu", "us"]), &["a1"]),
    ];
    for (of, configurations, expected) in cases {
        let query = ListQuery { owner: of.map(owner), configurations, limit: 2, ..ListQuery::default() };
        let page = store.list(&query).await.unwrap();
        assert_eq!(ids(&page.keys), expected[..expected.len().min(2)], "{query:?}");
        assert_eq!(page.total.at_least(), expected.len() as u64, "{query:?}");
    }
}

pub async fn page_and_count_are_of_one_instant<E: Engine>(engine: &E) {
    let [store, other] = open_two(engine).await;
    insert_all(&*store, &series(0..10)).await;
    let change = tokio::spawn(async move {
        for key in series(10..60) {
            store.insert(&key, None, &sample::UNRECORDED).await.unwrap();
            if key.details.created_at.millis_since(NOW) % 3 == 0 {
                store.remove(&key.details.id, &sample::UNRECORDED).await.unwrap();
            }
        }
    });
    let newest_first = ListQuery { direction: Direction::Descending, limit: u32::MAX, ..ListQuery::default() };
    while !change.is_finished() {
        for query in [&newest_first, &ListQuery { limit: u32::MAX, ..ListQuery::default() }] {
            let page = other.list(query).await.unwrap();
            assert_eq!(page.keys.len() as u64, page.total.at_least());
        }
        tokio::task::yield_now().await;
    }
    change.await.unwrap();
    assert_eq!(other.list(&newest_first).await.unwrap().total.at_least(), 44);
}

pub async fn pages_stay_in_place_while_keys_are_added_behind_them<E: Engine>(engine: &E) {
    let [store, other] = open_two(engine).await;
    let keys = series(0..60);
    insert_all(&*store, &keys[..20]).await;
    let writer = Arc::clone(&store);
    let added = keys[20..].to_vec();
    let change = tokio::spawn(async move { insert_all(&*writer, &added).await });
    let mut total = 0;
    while !change.is_finished() {
        for (offset, rows) in (0_u64..).step_by(5).zip(keys[..20].chunks(5)) {
            let page = other.list(&ListQuery { offset, limit: 5, ..ListQuery::default() }).await.unwrap();
            assert_eq!(ids(&page.keys), ids(rows));
            assert!(page.total.at_least() >= total, "a key that was counted once is counted again");
            total = page.total.at_least();
        }
        tokio::task::yield_now().await;
    }
    change.await.unwrap();
    let page = other.list(&ListQuery { offset: 20, ..ListQuery::default() }).await.unwrap();
    assert_eq!((ids(&page.keys), page.total.at_least()), (ids(&keys[20..]), 60));
}

pub async fn a_list_shows_what_was_spent<E: Engine>(engine: &E) {
    let [store, other] = open_two(engine).await;
    insert_all(&*store, &[sample::key_with_quota("a", 5), sample::key_with_quota("b", 5)]).await;
    crate::support::spend(&*store, "b", NOW).await;
    let page = other.list(&ListQuery::default()).await.unwrap();
    let left: Vec<_> = page.keys.iter().map(|key| key.usage.remaining).collect();
    assert_eq!(left, [Some(5), Some(4)]);
    assert_eq!(page.keys[1], crate::support::found(&*store, &id("b")).await);
}

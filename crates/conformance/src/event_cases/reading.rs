use keymint_domain::event::{EventQuery, KindPattern};
use keymint_domain::listing::Direction;
use keymint_ports::{EventStore, KeyStore as _, ServerKeyStore as _};

use super::{origin, seal_all};
use crate::EventEngine;
use crate::sample::{self, NOW, id};
use crate::support::open_two;

async fn positions(store: &impl EventStore, query: EventQuery) -> Vec<u64> {
    store.list_events(&query).await.unwrap().into_iter().map(|event| event.position).collect()
}

/// Adds seven events: keys of two owners and configurations, their ends, and a server key.
async fn fill<E: EventEngine>(store: &E::Store) {
    let key = |id: &str, owner: &str, config: &str| {
        sample::key_with(id, |details, _| {
            (details.owner, details.config_id) = (sample::owner(owner), sample::config(config));
        })
    };
    for (number, (id, owner, config)) in
        (0_u32..).zip([("a", "ada", "default"), ("b", "ada", "eu"), ("c", "bob", "eu")])
    {
        let mut origin = origin(number.into());
        origin.at = NOW.plus_millis(u64::from(number) * 10);
        store.insert(&key(id, owner, config), None, &origin).await.unwrap();
    }
    for (number, key) in (3..).zip(["a", "b", "c"]) {
        let mut origin = origin(number);
        origin.at = NOW.plus_millis(number * 10);
        origin.actor = keymint_domain::event::Actor::CommandLine("root".into());
        assert!(store.remove(&id(key), &origin).await.unwrap());
    }
    store.insert_server_key(&sample::server_key("s", NOW), &origin(6)).await.unwrap();
    seal_all(store).await;
}

pub async fn events_are_found_by_every_filter<E: EventEngine>(engine: &E) {
    let [store, other] = open_two(engine).await;
    fill::<E>(&store).await;
    let all = || EventQuery { direction: Direction::Ascending, ..EventQuery::latest(100) };
    let kind = |text: &str| KindPattern::parse(text).unwrap();
    let owner = |text: &str| Some(vec![sample::owner(text)]);
    let at = |millis: u64| NOW.plus_millis(millis);
    for (query, found) in [
        (all(), vec![1, 2, 3, 4, 5, 6, 7]),
        (EventQuery { key_id: Some(id("b")), ..all() }, vec![2, 5]),
        (EventQuery { key_id: Some(id("nobody's")), ..all() }, vec![]),
        (EventQuery { owners: owner("ada"), ..all() }, vec![1, 2, 4, 5]),
        (
            EventQuery { owners: Some(vec![sample::owner("ada"), sample::owner("bob")]), ..all() },
            vec![1, 2, 3, 4, 5, 6],
        ),
        (EventQuery { owners: Some(Vec::new()), ..all() }, vec![]),
        (EventQuery { config_id: Some(sample::config("eu")), ..all() }, vec![2, 3, 5, 6]),
        (EventQuery { kinds: vec![kind("keymint.key.created")], ..all() }, vec![1, 2, 3]),
        (EventQuery { kinds: vec![kind("keymint.server_key.*")], ..all() }, vec![7]),
        (
            EventQuery { kinds: vec![kind("keymint.key.*"), kind("keymint.server_key.created")], ..all() },
            vec![1, 2, 3, 4, 5, 6, 7],
        ),
        (EventQuery { kinds: vec![kind("nothing")], ..all() }, vec![]),
        (EventQuery { actor: Some("cli:root".to_owned()), ..all() }, vec![4, 5, 6]),
        (EventQuery { actor: Some("server".to_owned()), owners: owner("bob"), ..all() }, vec![3]),
        (EventQuery { time: Some(at(10)..at(40)), ..all() }, vec![2, 3, 4]),
        (EventQuery { time: Some(at(40)..at(10)), ..all() }, vec![]),
    ] {
        assert_eq!(positions(&*other, query.clone()).await, found, "{query:?}");
    }
}

pub async fn pages_of_events_go_in_both_directions<E: EventEngine>(engine: &E) {
    let [store, _] = open_two(engine).await;
    fill::<E>(&store).await;
    assert_eq!(positions(&*store, EventQuery::latest(3)).await, [7, 6, 5]);
    assert_eq!(positions(&*store, EventQuery { after: Some(5), ..EventQuery::latest(3) }).await, [4, 3, 2]);
    assert_eq!(positions(&*store, EventQuery { after: Some(1), ..EventQuery::latest(3) }).await, Vec::<u64>::new());
    assert_eq!(positions(&*store, EventQuery::behind(0, 3)).await, [1, 2, 3]);
    assert_eq!(positions(&*store, EventQuery::behind(6, 3)).await, [7]);
    assert_eq!(positions(&*store, EventQuery::behind(u64::MAX, 3)).await, Vec::<u64>::new());
}

pub async fn events_of_a_time_are_found_however_late_they_are<E: EventEngine>(engine: &E) {
    let [store, other] = open_two(engine).await;
    // By the positions of the events: the clocks of their writers differ, and go backwards.
    let instants: [u64; 12] = [40, 10, 50, 45, 90, 20, 100, 95, 60, 130, 120, 70];
    for (number, millis) in (0..).zip(instants) {
        let mut origin = origin(number);
        origin.at = NOW.plus_millis(millis);
        store.insert_server_key(&sample::server_key(&format!("s{number}"), NOW), &origin).await.unwrap();
        // The bound on the disorder goes on from portion to portion.
        if number % 5 == 0 {
            seal_all(&*store).await;
        }
    }
    seal_all(&*store).await;
    for start in (0..140).step_by(5) {
        for end in (start..145).step_by(5) {
            let within = (1..).zip(instants).filter(|(_, at)| (start..end).contains(at)).map(|(position, _)| position);
            let query = EventQuery {
                time: Some(NOW.plus_millis(start)..NOW.plus_millis(end)),
                direction: Direction::Ascending,
                ..EventQuery::latest(100)
            };
            assert_eq!(positions(&*other, query).await, within.collect::<Vec<u64>>(), "{start} to {end}");
        }
    }
    let lateness = other.chain().await.unwrap().lateness;
    assert_eq!((lateness.latest, lateness.most_ms), (Some(NOW.plus_millis(130)), 70));
}

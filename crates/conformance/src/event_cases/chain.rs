use std::sync::Arc;

use keymint_domain::address::Network;
use keymint_domain::event::seal::ChainEnd;
use keymint_domain::event::{ChainCheck, EventQuery};
use keymint_domain::identity::Email;
use keymint_domain::key::{Actor, Deletion};
use keymint_domain::metering::{Hour, KeyHour, LastUse, UsageFlush, UsedKey};
use keymint_ports::{Erased, EventStore, IdentityStore as _, KeyStore as _, SurveyStore as _, UsageStore as _};

use super::{all_events, origin, seal_all, seal_key};
use crate::EventEngine;
use crate::sample::{self, NOW, id, new_user, owner, session, user_id};
use crate::support::{at_once, open_two};

/// Adds `count` keys, the first of them with the number `from`.
async fn insert_keys<E: EventEngine>(store: &E::Store, from: u64, count: u64) {
    for number in from..from + count {
        store.insert(&sample::key(&format!("{number:03}")), None, &origin(number)).await.unwrap();
    }
}

/// Checks all sealed events, from the signed start to the head.
async fn check(store: &impl EventStore) {
    let (chain, key) = (store.chain().await.unwrap(), seal_key());
    let mut check = ChainCheck::begin(&key, chain.start, chain.start_signature).unwrap();
    for event in store.list_events(&EventQuery::behind(chain.start.position, 10_000)).await.unwrap() {
        check.next(&event).unwrap();
    }
    check.end(&chain.head).unwrap();
}

pub async fn events_are_seen_when_they_are_sealed<E: EventEngine>(engine: &E) {
    let [store, other] = open_two(engine).await;
    insert_keys::<E>(&store, 0, 3).await;
    assert_eq!(other.list_events(&EventQuery::latest(9)).await.unwrap(), []);
    assert_eq!(other.chain().await.unwrap().head, ChainEnd::START);
    assert_eq!(other.seal(&seal_key(), 2).await.unwrap(), 2);
    assert_eq!(store.list_events(&EventQuery::latest(9)).await.unwrap().len(), 2);
    assert_eq!(store.seal(&seal_key(), 2).await.unwrap(), 1);
    assert_eq!(other.seal(&seal_key(), 2).await.unwrap(), 0);
    assert_eq!(other.chain().await.unwrap().head.position, 3);
    check(&*store).await;
}

pub async fn parallel_sealing_leaves_no_gap_and_one_chain<E: EventEngine>(engine: &E) {
    let stores = open_two(engine).await;
    let work = (0..16_u64).map(|turn| {
        let store = Arc::clone(&stores[usize::try_from(turn).unwrap() % 2]);
        async move {
            for number in turn * 10..turn * 10 + 10 {
                store.insert(&sample::key(&format!("{number:03}")), None, &origin(number)).await.unwrap();
                store.seal(&seal_key(), 3).await.unwrap();
            }
        }
    });
    at_once(work).await;
    let events = all_events(&*stores[1]).await;
    let positions: Vec<_> = events.iter().map(|event| event.position).collect();
    assert_eq!(positions, (1..=160).collect::<Vec<_>>());
    check(&*stores[0]).await;
}

pub async fn a_chain_goes_on_after_a_restart<E: EventEngine>(engine: &E) {
    let store = engine.open().await;
    insert_keys::<E>(&store, 0, 5).await;
    seal_all(&store).await;
    drop(store);
    let store = engine.open().await;
    insert_keys::<E>(&store, 5, 5).await;
    assert_eq!(all_events(&store).await.len(), 10);
    check(&store).await;
}

pub async fn old_events_are_removed_from_the_start_and_the_chain_stays_whole<E: EventEngine>(engine: &E) {
    let [store, other] = open_two(engine).await;
    insert_keys::<E>(&store, 0, 10).await;
    seal_all(&*store).await;
    let (key, later) = (seal_key(), NOW.plus_millis(1));
    assert_eq!(store.remove_events(&key, NOW, 10, 100).await.unwrap(), 0, "none is older");
    assert_eq!(store.remove_events(&key, later, 0, 100).await.unwrap(), 0, "none is delivered");
    assert_eq!(other.remove_events(&key, later, 7, 4).await.unwrap(), 4);
    assert_eq!(store.remove_events(&key, later, 7, 100).await.unwrap(), 3);
    assert_eq!(store.chain().await.unwrap().start.position, 7);
    let left: Vec<_> = all_events(&*other).await.into_iter().map(|event| event.position).collect();
    assert_eq!(left, [8, 9, 10]);
    check(&*store).await;
    assert_eq!(store.remove_events(&key, later, u64::MAX, 100).await.unwrap(), 3);
    insert_keys::<E>(&store, 10, 1).await;
    assert_eq!(all_events(&*other).await[0].position, 11, "positions are not used again");
    check(&*other).await;
}

pub async fn erased_details_are_gone_and_the_chain_stays_whole<E: EventEngine>(engine: &E) {
    let [store, other] = open_two(engine).await;
    let theirs = sample::key("theirs");
    let others = sample::key_with("others", |details, _| details.owner = sample::owner("bob"));
    store.insert(&theirs, None, &origin(1)).await.unwrap();
    store.insert(&others, None, &origin(2)).await.unwrap();
    seal_all(&*store).await;
    store.insert(&sample::key("unsealed"), None, &origin(3)).await.unwrap();
    let (ada, silent) = (user_id("ada"), &sample::UNRECORDED);
    store.insert_user(&new_user("ada"), &session("ada", "ada"), silent).await.unwrap();
    let erased = |events, sessions| Some(Erased { events, sessions });
    assert_eq!(other.erase_user(&ada, NOW, silent).await.unwrap(), erased(2, 1));
    assert_eq!(store.erase_user(&ada, NOW, silent).await.unwrap(), erased(0, 0));
    let events = all_events(&*store).await;
    let has_personal: Vec<_> = events.iter().map(|event| event.row.personal.is_some()).collect();
    assert_eq!(has_personal, [false, true, false]);
    assert!(events.iter().all(|event| event.row.personal_hash.is_some()));
    check(&*other).await;
}

pub async fn an_erased_user_is_a_row_without_a_person<E: EventEngine>(engine: &E) {
    let [store, other] = open_two(engine).await;
    for (number, name) in [(1, "ada"), (2, "bob")] {
        store.insert_user(&new_user(name), &session(name, name), &origin(number)).await.unwrap();
    }
    assert!(store.insert_session(&session("second", "ada"), &origin(3)).await.unwrap());
    let network = Network::parse("192.0.2.0/24").ok();
    let uses = [("of-ada", "ada"), ("of-bob", "bob")].map(|(key, user)| KeyHour {
        key: UsedKey::from(&*sample::key_with(key, |details, _| details.owner = owner(user)).details),
        hour: Hour::of(NOW),
        accepted: 1,
        cost: 1,
        refused: Vec::new(),
        last_use: Some(LastUse { at: NOW, network }),
    });
    let flush = UsageFlush { process: "p".into(), number: 1, at: NOW, keys: uses.into(), unknown: Vec::new() };
    store.add_usage(&flush).await.unwrap();
    for (key, user) in [("of-ada", "ada"), ("of-bob", "bob")] {
        store.note_network(&id(key), "192.0.2.0/24", NOW).await.unwrap();
        let deleted = sample::key_with(&format!("deleted {key}"), |details, _| details.owner = owner(user));
        store.insert(&deleted, None, &sample::UNRECORDED).await.unwrap();
        let deletion = Deletion { at: NOW, by: Actor::Server, until: NOW };
        assert!(store.set_aside(&deleted.details.id, &deletion, &sample::UNRECORDED).await.unwrap());
    }
    seal_all(&*store).await;
    let (ada, later) = (user_id("ada"), NOW.plus_millis(5));
    let email = store.find_user(&ada).await.unwrap().unwrap().email;
    let erased = other.erase_user(&ada, later, &origin(4)).await.unwrap();
    assert_eq!(erased, Some(Erased { events: 2, sessions: 2 }));
    assert_eq!(store.find_deleted(&id("deleted of-ada")).await.unwrap(), None, "it has a name too");
    assert!(store.find_deleted(&id("deleted of-bob")).await.unwrap().is_some());
    let row = store.find_user(&ada).await.unwrap().unwrap();
    assert_eq!((row.name.as_str(), row.email.as_str(), row.updated_at), ("", "ada@erased.invalid", later));
    assert!(store.find_credential(&Email::parse(&email).unwrap()).await.unwrap().is_none());
    let credential = store.find_credential(&Email::parse("ada@erased.invalid").unwrap()).await.unwrap().unwrap();
    assert_eq!((credential.user.image, credential.password_hash), (None, None));
    for (token, is_there) in [("ada", false), ("second", false), ("bob", true)] {
        assert_eq!(store.find_session(&session(token, "ada").token).await.unwrap().is_some(), is_there, "{token}");
    }
    for (key, network) in [("of-ada", None), ("of-bob", Network::parse("192.0.2.0/24").ok())] {
        let activities = store.find_activities(&[id(key)]).await.unwrap();
        assert_eq!(activities[0].last_use, Some(LastUse { at: NOW, network }), "{key}");
        let known = store.known_networks(&id(key)).await.unwrap();
        assert_eq!(known.networks().is_empty(), network.is_none(), "{key}");
    }
    assert_eq!(store.erase_user(&user_id("nobody"), later, &origin(5)).await.unwrap(), None);
    let events = all_events(&*store).await;
    let told: Vec<_> = events.iter().map(|event| (event.row.kind.as_str(), event.row.is_erased())).collect();
    let expected = [
        ("keymint.user.created", true),
        ("keymint.user.created", false),
        ("keymint.user.signed_in", true),
        ("keymint.user.erased", false),
    ];
    assert_eq!(told, expected);
    check(&*other).await;
}

use std::num::NonZeroU32;

use keymint_domain::key::{Actor, Deletion, EditKey, EditKeys, KeyPatch, PlainKey, Revocation};
use keymint_domain::leak::{LeakPlace, LeakReport, Reporter};
use keymint_domain::policy::{ConfigFilter, Policy};
use keymint_ports::{BulkChange, KeyStore as _, SurveyStore as _};

use super::{all_events, kinds, naming, origin};
use crate::EventEngine;
use crate::sample::{self, NOW, id};
use crate::support::open_two;

fn enabling(enabled: bool) -> KeyPatch {
    sample::patch(EditKey { enabled: Some(enabled), ..EditKey::default() })
}

pub async fn every_change_of_a_key_is_an_event_of_its_kind<E: EventEngine>(engine: &E) {
    let [store, other] = open_two(engine).await;
    let revocation = Revocation { at: NOW, by: Actor::Server };
    store.insert(&sample::key("a"), NonZeroU32::new(9), &origin(1)).await.unwrap();
    other.update(&id("a"), &naming("new"), NOW, &origin(2)).await.unwrap().unwrap();
    store.update(&id("a"), &enabling(false), NOW, &origin(3)).await.unwrap().unwrap();
    other.update(&id("a"), &enabling(true), NOW, &origin(4)).await.unwrap().unwrap();
    store.update(&id("a"), &KeyPatch::revoking(revocation), NOW, &origin(5)).await.unwrap().unwrap();
    other.update(&id("a"), &enabling(true).restoring(), NOW, &origin(6)).await.unwrap().unwrap();
    let deletion = Deletion { at: NOW, by: Actor::Server, until: NOW };
    assert!(store.set_aside(&id("a"), &deletion, &origin(7)).await.unwrap());
    assert!(other.restore(&id("a"), None, NOW, &origin(8)).await.unwrap().is_some());
    assert!(store.remove(&id("a"), &origin(9)).await.unwrap());
    assert!(other.restore(&id("a"), None, NOW, &origin(10)).await.unwrap().is_none());
    let (events, all) = (all_events(&*other).await, kinds(&*store).await);
    let expected =
        ["created", "updated", "disabled", "enabled", "revoked", "restored", "deleted", "restored", "deleted"];
    assert_eq!(all, expected.map(|kind| format!("key.{kind}")));
    for (number, event) in (1..).zip(&events) {
        assert_eq!(event.position, number);
        let row = &event.row;
        assert_eq!((row.key_id.as_deref(), row.owner.as_deref()), (Some("a"), Some("ada")));
        assert_eq!((row.at, row.actor.as_str(), row.config_id.as_deref()), (NOW, "server", Some("default")));
        assert_eq!(row.request_id.as_deref(), Some(format!("request {number}").as_str()));
        let personal = row.personal.as_deref().unwrap();
        assert!(personal.contains("203.0.113.7"), "{personal}");
    }
    let personal = |place: usize| events[place].row.personal.clone().unwrap();
    assert!(personal(1).contains("\"newName\":\"new\"") && personal(6).contains("\"name\":\"new\""));
    assert!(events[1].row.data.contains("\"changed\":[\"name\"]"), "{}", events[1].row.data);
}

pub async fn every_key_that_a_change_of_many_changes_is_an_event_and_no_other<E: EventEngine>(engine: &E) {
    let [store, other] = open_two(engine).await;
    let mut keys = ["a", "b", "c"].map(sample::key);
    keys[2] = sample::key_with("c", |details, _| details.enabled = false);
    other.import(&keys, &sample::UNRECORDED).await.unwrap();
    let patch = EditKeys { enabled: Some(false), ..EditKeys::default() }.check().unwrap();
    let owner = Some(sample::owner("ada"));
    let change = BulkChange { owner, configurations: ConfigFilter::Any, patch, now: NOW };
    for number in [1, 2] {
        store.update_many(&change, None, NonZeroU32::MAX, &origin(number)).await.unwrap();
    }
    let events = all_events(&*other).await;
    let found: Vec<_> = events.iter().map(|event| (event.row.kind.as_str(), event.row.key_id.as_deref())).collect();
    let disabled = |id| ("keymint.key.disabled", Some(id));
    assert_eq!(found, [disabled("a"), disabled("b")]);
}

pub async fn every_imported_key_is_an_event_and_one_that_was_there_is_none<E: EventEngine>(engine: &E) {
    let [store, other] = open_two(engine).await;
    store.insert(&sample::key("a"), None, &origin(1)).await.unwrap();
    other.import(&["a", "b", "c"].map(sample::key), &origin(2)).await.unwrap();
    store.import(&["b", "c"].map(sample::key), &origin(3)).await.unwrap();
    let events = all_events(&*store).await;
    let found: Vec<_> = events.iter().map(|event| (event.row.kind.as_str(), event.row.key_id.as_deref())).collect();
    let imported = |id| ("keymint.key.imported", Some(id));
    assert_eq!(found, [("keymint.key.created", Some("a")), imported("b"), imported("c")]);
    assert!(!events[1].row.data.contains(sample::plain("b").hash().as_str()), "{}", events[1].row.data);
}

fn leak(text: &str, url: &str) -> LeakReport {
    let plain = PlainKey::new(text);
    LeakReport::new(&plain, Reporter::Github, LeakPlace::new(&plain, "commit", url), &Policy::default())
}

pub async fn a_leak_is_an_event_once_for_each_place_beside_the_change_that_it_causes<E: EventEngine>(engine: &E) {
    let [store, other] = open_two(engine).await;
    let keys = ["a", "b", "c"].map(sample::key);
    store.import(&keys, &sample::UNRECORDED).await.unwrap();
    let (url, elsewhere) = ("https://example.com/1", "https://example.com/2");
    let reports = [leak("sk_a", url), leak("sk_a", elsewhere), leak("sk_b", url), leak("sk_x", url)];
    let policy = Policy::default();
    for number in 1..4 {
        let store = if number % 2 == 0 { &store } else { &other };
        let mut origin = origin(number);
        origin.at = NOW.plus_millis(number);
        store.report_leaks(&reports, &policy, origin.at, &origin).await.unwrap();
    }
    let events = all_events(&*store).await;
    let mut found: Vec<_> = events
        .iter()
        .map(|event| {
            let data: serde_json::Value = serde_json::from_str(&event.row.data).unwrap();
            let place = data["url"].as_str().unwrap_or_default().to_owned();
            (event.row.key_id.clone().unwrap(), event.row.kind.clone(), place)
        })
        .collect();
    found.sort();
    let event = |id: &str, kind: &str, place: &str| (id.to_owned(), format!("keymint.key.{kind}"), place.to_owned());
    let expected = [
        event("a", "leaked", url),
        event("a", "leaked", elsewhere),
        event("a", "revoked", ""),
        event("b", "leaked", url),
        event("b", "revoked", ""),
    ];
    assert_eq!(found, expected);
    let mut leaks = other.leaks_of(&["a", "b", "c", "x"].map(id)).await.unwrap();
    leaks.sort();
    let first = NOW.plus_millis(1);
    assert_eq!(leaks, [(id("a"), first), (id("b"), first)], "a report that came again is not the last one");
    let data: serde_json::Value = serde_json::from_str(&events[0].row.data).unwrap();
    let told = ["reporter", "source", "action"].map(|name| data[name].as_str().unwrap());
    assert_eq!(told, ["github", "commit", "revoke"]);
    let rows: Vec<_> = events.iter().map(|event| format!("{:?}", event.row)).collect();
    let rows = rows.concat();
    assert!(!rows.contains("sk_a") && !rows.contains(sample::plain("a").hash().as_str()), "{rows}");
}

use std::num::NonZeroU32;
use std::sync::Arc;

use keymint_domain::key::{Actor, EditKey, Field, KeyPatch, Revocation};
use keymint_ports::{EventStore as _, IdentityStore as _, KeyStore as _, OrganizationStore as _, ServerKeyStore as _};

use super::{all_events, kinds, naming, origin};
use crate::EventEngine;
use crate::sample::{self, NOW, id, member, new_user, organization, session};
use crate::support::{abandon, at_once, open_two};

pub async fn a_change_that_is_refused_or_changes_nothing_is_no_event<E: EventEngine>(engine: &E) {
    let [store, _] = open_two(engine).await;
    let revocation = KeyPatch::revoking(Revocation { at: NOW, by: Actor::Server });
    let one = NonZeroU32::new(1);
    store.insert(&sample::key("a"), None, &sample::UNRECORDED).await.unwrap();
    store.update(&id("a"), &revocation, NOW, &sample::UNRECORDED).await.unwrap().unwrap();
    store.insert(&sample::key("b"), one, &sample::UNRECORDED).await.unwrap();
    store.insert_user(&new_user("ada"), &session("first", "ada"), &sample::UNRECORDED).await.unwrap();
    store.insert_server_key(&sample::server_key("s", NOW), &sample::UNRECORDED).await.unwrap();

    store.insert(&sample::key("a"), None, &origin(1)).await.unwrap_err();
    store.insert(&sample::key("c"), one, &origin(2)).await.unwrap_err();
    store.update(&id("a"), &revocation, NOW, &origin(3)).await.unwrap().unwrap();
    assert!(store.update(&id("gone"), &naming("new"), NOW, &origin(4)).await.unwrap().is_none());
    assert!(!store.remove(&id("gone"), &origin(5)).await.unwrap());
    let revocation = Revocation { at: NOW, by: Actor::Server };
    assert!(!store.revoke_unreadable(&id("gone"), &revocation, &origin(6)).await.unwrap());
    store.insert_user(&new_user("ada"), &session("other", "ada"), &origin(7)).await.unwrap_err();
    assert!(!store.insert_session(&session("other", "gone"), &origin(8)).await.unwrap());
    assert!(!store.remove_session(&session("gone", "ada").token, &origin(9)).await.unwrap());
    store.insert_organization(&organization("acme"), &member("acme", "gone"), &origin(10)).await.unwrap_err();
    store.insert_member(&member("gone", "ada"), &origin(11)).await.unwrap_err();
    assert!(!store.insert_first_server_key(&sample::server_key("t", NOW), &origin(12)).await.unwrap());
    store.insert_server_key(&sample::server_key("s", NOW), &origin(13)).await.unwrap_err();
    assert!(!store.revoke_server_key(&id("gone"), NOW, &origin(14)).await.unwrap());
    assert_eq!(kinds(&*store).await, Vec::<String>::new());
}

pub async fn parallel_changes_of_one_key_are_each_one_event_in_their_order<E: EventEngine>(engine: &E) {
    let stores = open_two(engine).await;
    stores[0].insert(&sample::key("a"), None, &sample::UNRECORDED).await.unwrap();
    let changes = (0..40_u64).map(|number| {
        let store = Arc::clone(&stores[usize::try_from(number).unwrap() % 2]);
        async move {
            let patch = sample::patch(EditKey { remaining: Field::Given(1000 + number), ..EditKey::default() });
            store.update(&id("a"), &patch, NOW, &origin(number)).await.unwrap().unwrap();
        }
    });
    at_once(changes).await;
    let events = all_events(&*stores[0]).await;
    assert_eq!(events.len(), 40);
    let mut before = serde_json::Value::Null;
    for event in events {
        let data: serde_json::Value = serde_json::from_str(&event.row.data).unwrap();
        assert_eq!(data["old"]["remaining"], before, "each event begins where the one before it ended");
        before = data["new"]["remaining"].clone();
    }
}

pub async fn a_change_that_is_dropped_at_any_point_is_an_event_if_and_only_if_it_was_made<E: EventEngine>(engine: &E) {
    let [store, other] = open_two(engine).await;
    for polls in 0..40 {
        let key = sample::key(&format!("key {polls}"));
        abandon(store.insert(&key, NonZeroU32::new(100), &origin(polls)), usize::try_from(polls).unwrap()).await;
    }
    // A dropped call may still be running: the next write by the same handle waits for its end.
    store.probe().await.unwrap();
    let mut recorded: Vec<_> = all_events(&*other).await.into_iter().map(|event| event.row.key_id.unwrap()).collect();
    let mut stored = Vec::new();
    for polls in 0..40 {
        let id = id(&format!("key {polls}"));
        stored.extend(other.find(&id).await.unwrap().map(|_| id.as_str().to_owned()));
    }
    recorded.sort();
    stored.sort();
    assert_eq!(recorded, stored);
}

pub async fn an_event_of_its_own_is_recorded_once_between_all<E: EventEngine>(engine: &E) {
    let stores = open_two(engine).await;
    let event = origin(1).sign_in_refused(None).unwrap();
    let records = (0..16).map(|turn| {
        let (store, event) = (Arc::clone(&stores[turn % 2]), event.clone());
        async move { store.record(&event).await.unwrap() }
    });
    assert_eq!(at_once(records).await.into_iter().filter(|is_new| *is_new).count(), 1);
    assert_eq!(kinds(&*stores[0]).await, ["user.sign_in_refused"]);
    assert!(!stores[1].record(&event).await.unwrap(), "it is sealed by now");
}

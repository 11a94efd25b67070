use std::num::NonZeroU32;
use std::sync::Arc;

use keymint_domain::event::{Event, SealedEvent};
use keymint_domain::identity::EditUser;
use keymint_domain::key::{Actor, Deletion, EditKey, EditKeys, Field, KeyPatch, PlainKey, Revocation};
use keymint_domain::leak::{LeakPlace, LeakReport, Reporter};
use keymint_domain::link::LinkPurpose;
use keymint_domain::notice::Expiry;
use keymint_domain::policy::{ConfigFilter, Policy};
use keymint_domain::value::KeyName;
use keymint_domain::verify::Ban;
use keymint_domain::{KeyDetails, Timestamp};
use keymint_ports::{
    BanOutcome, BulkChange, Claimant, EventStore as _, IdentityStore as _, KeyStore as _, OrganizationStore as _,
    Removed, ServerKeyStore as _, SurveyStore as _,
};

use super::{all_events, kinds, origin};
use crate::EventEngine;
use crate::sample::{self, NOW, id, member, new_user, organization, row_id, session, user_id};
use crate::support::{abandon, at_once, open_two};

fn naming(name: &str) -> KeyPatch {
    sample::patch(EditKey { name: KeyName::parse(name).ok(), ..EditKey::default() })
}

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

pub async fn changes_of_users_organizations_and_server_keys_are_events<E: EventEngine>(engine: &E) {
    let [store, _] = open_two(engine).await;
    store.insert_user(&new_user("ada"), &session("first", "ada"), &origin(1)).await.unwrap();
    assert!(store.insert_session(&session("second", "ada"), &origin(2)).await.unwrap());
    assert!(store.remove_session(&session("second", "ada").token, &origin(3)).await.unwrap());
    store.insert_user(&new_user("bob"), &session("third", "bob"), &origin(4)).await.unwrap();
    store.insert_organization(&organization("acme"), &member("acme", "ada"), &origin(5)).await.unwrap();
    store.insert_member(&member("acme", "bob"), &origin(6)).await.unwrap();
    assert!(store.insert_first_server_key(&sample::server_key("s", NOW), &origin(7)).await.unwrap());
    store.insert_server_key(&sample::server_key("t", NOW), &origin(8)).await.unwrap();
    assert!(store.revoke_server_key(&id("t"), NOW, &origin(9)).await.unwrap());
    let expected = [
        "user.created",
        "user.signed_in",
        "user.signed_out",
        "user.created",
        "organization.created",
        "organization.member_added",
        "server_key.created",
        "server_key.created",
        "server_key.revoked",
    ];
    assert_eq!(kinds(&*store).await, expected);
    let events = all_events(&*store).await;
    let about = |place: usize| (events[place].row.owner.as_deref(), events[place].row.key_id.as_deref());
    assert_eq!(
        [0, 2, 4, 8].map(about),
        [(Some("ada"), None), (Some("ada"), None), (Some("acme"), None), (None, Some("t"))]
    );
}

pub async fn uses_of_links_are_events<E: EventEngine>(engine: &E) {
    let [store, other] = open_two(engine).await;
    let claim = sample::link(1, LinkPurpose::Claim).link;
    assert!(store.insert_link(&claim, &origin(1)).await.unwrap());
    let ada = Claimant::New(Box::new(new_user("ada")), Box::new(session("first", "ada")));
    assert!(other.claim(&claim.hash, &ada, NOW, &origin(2)).await.unwrap());
    store.insert_user(&new_user("bob"), &session("second", "bob"), &origin(3)).await.unwrap();
    assert_eq!(store.make_operator(&user_id("bob"), NOW, &origin(4)).await.unwrap(), Some(true));
    assert_eq!(store.make_operator(&user_id("bob"), NOW, &origin(5)).await.unwrap(), Some(false));
    let reset = sample::link(2, sample::reset("bob")).link;
    assert!(store.insert_link(&reset, &origin(6)).await.unwrap());
    let password = sample::new_password("new");
    assert!(store.reset_password(&reset.hash, &password, NOW, &origin(7)).await.unwrap().is_some());
    assert!(store.reset_password(&reset.hash, &password, NOW, &origin(8)).await.unwrap().is_none());
    let portal = sample::link(3, sample::portal("acme")).link;
    assert!(store.insert_link(&portal, &origin(9)).await.unwrap());
    let token = sample::link(4, LinkPurpose::Claim).link.hash;
    let open = async |number| {
        store.open_portal_session(&portal.hash, &row_id("p"), &token, NOW, &origin(number)).await.unwrap().is_some()
    };
    assert!(open(10).await && !open(11).await);
    assert!(store.remove_portal_session(&token, &origin(12)).await.unwrap());
    assert!(!store.remove_portal_session(&token, &origin(13)).await.unwrap());
    let expected = [
        "user.created",
        "user.operator_added",
        "user.created",
        "user.operator_added",
        "user.reset_link_created",
        "user.password_changed",
        "portal.link_created",
        "portal.session_opened",
        "portal.session_ended",
    ];
    assert_eq!(kinds(&*store).await, expected);
    let events = all_events(&*store).await;
    let about = |place: usize| (events[place].row.owner.as_deref(), events[place].row.actor.as_str());
    assert_eq!([1, 3, 5].map(about), [(Some("ada"), "server"), (Some("bob"), "server"), (Some("bob"), "server")]);
    assert_eq!([7, 8].map(about), [(Some("acme"), "portal:acme"), (Some("acme"), "portal:acme")]);
    let data = |place: usize| events[place].row.data.as_str();
    assert!(data(1).contains("\"claimed\":true") && data(3).contains("\"claimed\":false"));
    assert!(data(5).contains("\"reset\":true") && data(5).contains("\"sessions\":1"), "{}", data(5));
    for event in &events {
        for secret in [&claim.hash, &reset.hash, &portal.hash, &token] {
            assert!(!event.row.data.contains(secret.as_str()), "{}", event.row.data);
        }
    }
}

pub async fn changes_of_accounts_are_events<E: EventEngine>(engine: &E) {
    let [store, other] = open_two(engine).await;
    let ada = user_id("ada");
    store.insert_user(&new_user("ada"), &session("first", "ada"), &sample::UNRECORDED).await.unwrap();
    assert!(store.insert_session(&session("second", "ada"), &sample::UNRECORDED).await.unwrap());
    let edit = EditUser { name: Some("Ada the second".to_owned()), ..EditUser::default() };
    assert!(other.update_user(&ada, &edit, NOW, &origin(1)).await.unwrap().is_some());
    let first = session("first", "ada").token;
    assert_eq!(store.remove_sessions(&ada, Some(first), &origin(2)).await.unwrap(), 1);
    let ban = Ban { until: Some(NOW.plus_millis(1000)) };
    assert_eq!(store.set_ban(&ada, Some(ban), NOW, &origin(3)).await.unwrap(), Some(BanOutcome::Set { sessions: 1 }));
    assert!(other.set_ban(&ada, None, NOW, &origin(4)).await.unwrap().is_some());
    assert_eq!(store.make_operator(&ada, NOW, &origin(5)).await.unwrap(), Some(true));
    assert!(other.remove_operator(&ada, &origin(6)).await.unwrap());

    assert!(store.update_user(&user_id("eve"), &edit, NOW, &origin(7)).await.unwrap().is_none());
    assert_eq!(store.remove_sessions(&ada, None, &origin(8)).await.unwrap(), 0);
    assert!(store.set_ban(&user_id("eve"), Some(ban), NOW, &origin(9)).await.unwrap().is_none());
    assert!(!store.remove_operator(&ada, &origin(10)).await.unwrap());
    let expected = [
        "user.updated",
        "user.sessions_ended",
        "user.banned",
        "user.unbanned",
        "user.operator_added",
        "user.operator_removed",
    ];
    assert_eq!(kinds(&*store).await, expected);
    let events = all_events(&*other).await;
    assert!(events.iter().all(|event| event.row.owner.as_deref() == Some("ada")));
    let data = |place: usize| events[place].row.data.as_str();
    assert!(data(0).contains(r#""changed":["name"]"#) && !data(0).contains("second"), "{}", data(0));
    assert!(data(1).contains("\"sessions\":1") && data(2).contains("\"sessions\":1"), "{} {}", data(1), data(2));
    assert!(data(2).contains(&ban.until.unwrap().to_string()), "{}", data(2));
}

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

pub async fn clean_up_records_every_key_that_it_removes<E: EventEngine>(engine: &E) {
    let [store, _] = open_two(engine).await;
    for number in 0..250 {
        let key = sample::key_with(&format!("{number:03}"), |details, _| details.expires_at = Some(NOW));
        store.insert(&key, None, &sample::UNRECORDED).await.unwrap();
    }
    let exhausted = sample::key_with_quota("exhausted", 0);
    store.insert(&exhausted, None, &sample::UNRECORDED).await.unwrap();
    let later = NOW.plus_millis(1);
    let removed = store.remove_expired(&ConfigFilter::Any, later, 0, 1000, &origin(1)).await.unwrap();
    assert_eq!(removed.removed, 250);
    let policy = Policy::default();
    assert_eq!(store.remove_exhausted(&[id("exhausted")], &policy, later, &origin(2)).await.unwrap().removed, 1);
    let mut keys: Vec<_> = all_events(&*store).await.into_iter().map(|event| event.row.key_id.unwrap()).collect();
    keys.sort();
    let expected: Vec<_> = (0..250).map(|number| format!("{number:03}")).chain(["exhausted".to_owned()]).collect();
    assert_eq!(keys, expected);
}

pub async fn clean_up_announces_an_expiry_before_it_removes_the_key<E: EventEngine>(engine: &E) {
    let [store, other] = open_two(engine).await;
    let expired_at = NOW.minus_millis(1000);
    let with = |id: &str, expires_at: Timestamp, change: fn(&mut KeyDetails)| {
        sample::key_with(id, |details, _| {
            details.expires_at = Some(expires_at);
            change(details);
        })
    };
    let keys = [
        with("a", expired_at, |_| {}),
        with("b", expired_at, |_| {}),
        with("disabled", expired_at, |details| details.enabled = false),
        with("revoked", expired_at, |details| {
            details.revocation = Some(Revocation { at: NOW, by: Actor::Server });
        }),
        with("late", NOW.minus_millis(5001), |_| {}),
    ];
    for key in &keys {
        store.insert(key, None, &sample::UNRECORDED).await.unwrap();
    }
    let notice = Expiry::from(&keys[0]).notice(NOW).unwrap();
    assert!(store.record(&Event::of_notice(&keys[0].details, &notice, NOW)).await.unwrap());
    let announcing = |number| origin(number).announcing(5000);
    let removed = other.remove_expired(&ConfigFilter::Any, NOW, 0, 100, &announcing(1)).await.unwrap();
    assert_eq!(removed, Removed { expiries_told: 1, ..Removed::all(5) }, "the notice of one of them exists");
    // The job may have read the keys before they were removed.
    for key in &keys[..2] {
        assert!(!store.record(&Event::of_notice(&key.details, &notice, NOW)).await.unwrap(), "it exists");
    }
    let told = |event: SealedEvent| {
        let kind = event.row.kind.strip_prefix("keymint.key.").unwrap().to_owned();
        (event.row.key_id.unwrap(), kind, event.row.actor)
    };
    let events: Vec<_> = all_events(&*store).await.into_iter().map(told).collect();
    let of = |key: &str| -> Vec<_> {
        let of_key = events.iter().filter(|(id, _, _)| id == key);
        of_key.map(|(_, kind, actor)| (kind.as_str(), actor.as_str())).collect()
    };
    for key in ["a", "b"] {
        assert_eq!(of(key), [("expired", "keymint"), ("deleted", "server")], "{key}");
    }
    for key in ["disabled", "revoked", "late"] {
        assert_eq!(of(key), [("deleted", "server")], "{key}");
    }
    // An exhausted key may have expired, too.
    let exhausted = sample::key_with("exhausted", |details, usage| {
        details.expires_at = Some(expired_at);
        usage.remaining = Some(0);
    });
    store.insert(&exhausted, None, &sample::UNRECORDED).await.unwrap();
    let policy = Policy::default();
    let removed = store.remove_exhausted(&[id("exhausted")], &policy, NOW, &announcing(2)).await.unwrap();
    assert_eq!(removed, Removed { expiries_told: 1, ..Removed::all(1) });
    assert_eq!(kinds(&*store).await[events.len()..], ["key.expired", "key.deleted"]);
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

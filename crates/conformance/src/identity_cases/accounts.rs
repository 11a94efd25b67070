use std::num::NonZeroU32;

use keymint_domain::identity::{EditUser, Email, Session, SessionToken, User};
use keymint_domain::verify::Ban;
use keymint_ports::{BanOutcome, IdentityStore, SessionsAfter, StoreError};

use crate::IdentityEngine;
use crate::sample::{self, NOW, new_password, new_user, session, user_id};
use crate::support::open_two;

async fn add(store: &impl IdentityStore, user: &str) {
    store.insert_user(&new_user(user), &session(user, user), &sample::UNRECORDED).await.unwrap();
}

async fn is_there(store: &impl IdentityStore, token: &str) -> bool {
    store.find_session(&SessionToken::new(token)).await.unwrap().is_some()
}

async fn password(store: &impl IdentityStore, user: &str) -> Option<String> {
    store.find_password(&user_id(user)).await.unwrap().map(|hash| hash.as_str().to_owned())
}

pub async fn a_user_is_added_without_a_session<E: IdentityEngine>(engine: &E) {
    let [store, other] = open_two(engine).await;
    let ada = new_user("ada");
    store.insert_user_alone(&ada, &sample::UNRECORDED).await.unwrap();
    let found = other.find_credential(&Email::parse("ada@example.org").unwrap()).await.unwrap().unwrap();
    assert_eq!((found.user, found.password_hash), (ada.user.clone(), Some(ada.password_hash.clone())));
    assert_eq!(other.list_sessions(&ada.user.id).await.unwrap(), []);
    let again = other.insert_user_alone(&ada, &sample::UNRECORDED).await;
    assert!(matches!(again, Err(StoreError::Duplicate)), "{again:?}");
}

pub async fn users_are_listed_in_portions_by_the_bytes_of_their_ids<E: IdentityEngine>(engine: &E) {
    let store = engine.open().await;
    for user in ["b", "B", "a", "ä"] {
        let mut new = new_user(user);
        new.user.email = format!("{}@example.org", user.escape_unicode());
        store.insert_user_alone(&new, &sample::UNRECORDED).await.unwrap();
    }
    store.make_operator(&user_id("a"), NOW, &sample::UNRECORDED).await.unwrap();
    let (mut listed, mut after) = (Vec::new(), None);
    loop {
        let portion = store.list_users(after, NonZeroU32::new(3).unwrap()).await.unwrap();
        let Some(last) = portion.last() else { break };
        after = Some(last.user.id.clone());
        listed.extend(portion.into_iter().map(|listed| (listed.user.id.as_str().to_owned(), listed.is_operator)));
    }
    let expected = [("B", false), ("a", true), ("b", false), ("ä", false)];
    assert_eq!(listed, expected.map(|(id, is_operator)| (id.to_owned(), is_operator)));
}

pub async fn a_password_is_set_and_sessions_stay_or_end<E: IdentityEngine>(engine: &E) {
    let [store, other] = open_two(engine).await;
    for user in ["ada", "eve"] {
        add(&*store, user).await;
    }
    let set = async |user: &str, text: &str, after: SessionsAfter| {
        other.set_password(&user_id(user), &new_password(text), &after, NOW, &sample::UNRECORDED).await
    };
    assert!(!set("nobody", "x", SessionsAfter::All).await.unwrap());
    assert_eq!(password(&*store, "nobody").await, None);
    assert!(set("ada", "one", SessionsAfter::All).await.unwrap());
    assert!(is_there(&*store, "ada").await);
    assert_eq!(password(&*store, "ada").await.as_deref(), Some("one"));
    let taken = set("ada", "two", SessionsAfter::Only(Box::new(session("eve", "ada")))).await;
    assert!(matches!(taken, Err(StoreError::Duplicate)), "{taken:?}");
    assert_eq!(password(&*store, "ada").await.as_deref(), Some("one"), "nothing was changed");
    assert!(is_there(&*store, "ada").await);
    assert!(set("ada", "two", SessionsAfter::Only(Box::new(session("new", "ada")))).await.unwrap());
    assert!(!is_there(&*store, "ada").await && is_there(&*store, "new").await);
    assert!(set("ada", "three", SessionsAfter::None).await.unwrap());
    assert!(!is_there(&*store, "new").await && is_there(&*store, "eve").await);
    assert_eq!(password(&*store, "ada").await.as_deref(), Some("three"));
    assert_eq!(password(&*store, "eve").await.as_deref(), Some("the hash of eve"));
}

pub async fn sessions_of_a_user_are_listed_and_ended<E: IdentityEngine>(engine: &E) {
    let [store, other] = open_two(engine).await;
    for user in ["ada", "eve"] {
        add(&*store, user).await;
    }
    let later = Session { created_at: NOW.plus_millis(1), ..session("later", "ada") };
    let latest = Session { created_at: NOW.plus_millis(2), ..session("a third", "ada") };
    for session in [&latest, &later] {
        assert!(store.insert_session(session, &sample::UNRECORDED).await.unwrap());
    }
    let listed = other.list_sessions(&user_id("ada")).await.unwrap();
    assert_eq!(listed, [session("ada", "ada"), later.clone(), latest]);
    let end = async |kept: Option<&SessionToken>| {
        other.remove_sessions(&user_id("ada"), kept.cloned(), &sample::UNRECORDED).await.unwrap()
    };
    assert_eq!(end(Some(&later.token)).await, 2);
    assert_eq!(store.list_sessions(&user_id("ada")).await.unwrap(), [later]);
    assert_eq!((end(None).await, end(None).await), (1, 0));
    assert!(is_there(&*store, "eve").await);
}

pub async fn a_user_is_changed_in_what_is_named<E: IdentityEngine>(engine: &E) {
    let [store, other] = open_two(engine).await;
    add(&*store, "ada").await;
    let now = NOW.plus_millis(9);
    let before = new_user("ada").user;
    let update = async |edit: EditUser| {
        other.update_user(&user_id("ada"), &edit, now, &sample::UNRECORDED).await.unwrap().unwrap()
    };
    let named = update(EditUser { name: Some("Ada 😀".to_owned()), image: None }).await;
    assert_eq!(named, User { name: "Ada 😀".to_owned(), updated_at: now, ..before });
    let pictured = update(EditUser { name: None, image: Some(Some("https://a.example".to_owned())) }).await;
    assert_eq!(pictured, User { image: Some("https://a.example".to_owned()), ..named.clone() });
    assert_eq!(update(EditUser { name: None, image: Some(None) }).await, named);
    assert_eq!(store.find_user(&user_id("ada")).await.unwrap(), Some(named));
    let edit = EditUser { name: Some("x".to_owned()), image: None };
    assert_eq!(store.update_user(&user_id("nobody"), &edit, now, &sample::UNRECORDED).await.unwrap(), None);
}

pub async fn a_ban_ends_the_sessions_of_its_user<E: IdentityEngine>(engine: &E) {
    let [store, other] = open_two(engine).await;
    for user in ["ada", "eve"] {
        add(&*store, user).await;
    }
    let set = async |user: &str, ban: Option<Ban>| {
        other.set_ban(&user_id(user), ban, NOW, &sample::UNRECORDED).await.unwrap()
    };
    let ban = async || store.find_user(&user_id("ada")).await.unwrap().unwrap().ban;
    assert_eq!(set("nobody", Some(Ban { until: None })).await, None);
    let until = Ban { until: Some(NOW.plus_millis(7)) };
    assert_eq!(set("ada", Some(until)).await, Some(BanOutcome::Set { sessions: 1 }));
    assert_eq!(ban().await, Some(until));
    assert!(!is_there(&*store, "ada").await && is_there(&*store, "eve").await);
    assert_eq!(set("ada", Some(Ban { until: None })).await, Some(BanOutcome::Set { sessions: 0 }));
    assert_eq!(ban().await, Some(Ban { until: None }));
    assert_eq!(set("ada", None).await, Some(BanOutcome::Set { sessions: 0 }));
    assert_eq!(ban().await, None);
}

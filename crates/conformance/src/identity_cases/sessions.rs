use std::sync::Arc;

use keymint_domain::Timestamp;
use keymint_domain::identity::{Client, Session, SessionToken, User};
use keymint_domain::verify::Owner;
use keymint_ports::{IdentityStore, StoreError};

use crate::IdentityEngine;
use crate::sample::{self, NOW, owner, row_id, session};
use crate::support::{at_once, open_two};
use crate::texts::{ALIKE, texts};

/// Adds the sample user `ada` with a session whose token is `first`.
async fn with_ada(store: &impl IdentityStore) -> User {
    let ada = sample::new_user("ada");
    store.insert_user(&ada, &session("first", "ada"), &sample::UNRECORDED).await.unwrap();
    ada.user
}

async fn add(store: &impl IdentityStore, session: &Session) {
    assert!(store.insert_session(session, &sample::UNRECORDED).await.unwrap());
}

async fn found(store: &impl IdentityStore, token: &str) -> Option<Session> {
    let found = store.find_session(&SessionToken::new(token)).await.unwrap();
    found.map(|(session, _)| session)
}

pub async fn sessions_come_back_as_they_went_in<E: IdentityEngine>(engine: &E) {
    let [store, other] = open_two(engine).await;
    let ada = with_ada(&*store).await;
    let mut sessions: Vec<_> = texts()
        .into_iter()
        .map(|text| Session {
            client: Client { ip_address: Some(text.clone()), user_agent: Some(text.clone()) },
            active_organization_id: Some(text.clone()),
            ..session(&text, "ada")
        })
        .collect();
    let unknown = Client { ip_address: Some(String::new()), user_agent: Some(String::new()) };
    sessions.push(Session { client: unknown, ..session("empty", "ada") });
    sessions.push(session("absent", "ada"));
    for text in ["0001-01-01T00:00:00.000Z", "1969-12-31T23:59:59.999Z", "9999-12-31T23:59:59.997Z"] {
        let created_at = Timestamp::parse(text).unwrap();
        let (updated_at, expires_at) = (created_at.plus_millis(1), created_at.plus_millis(2));
        sessions.push(Session { created_at, updated_at, expires_at, ..session(text, "ada") });
    }
    for session in &sessions {
        add(&*store, session).await;
        let found = other.find_session(&session.token).await.unwrap();
        assert_eq!(found, Some((session.clone(), ada.clone())));
    }
    drop((store, other));
    let store = engine.open().await;
    for session in &sessions {
        assert_eq!(found(&store, session.token.expose()).await.as_ref(), Some(session));
    }
}

pub async fn tokens_are_compared_by_bytes<E: IdentityEngine>(engine: &E) {
    let store = engine.open().await;
    with_ada(&store).await;
    for token in ALIKE {
        add(&store, &session(token, "ada")).await;
    }
    for (removed, token) in ALIKE.into_iter().enumerate() {
        assert_eq!(found(&store, token).await, Some(session(token, "ada")));
        assert!(store.remove_session(&SessionToken::new(token), &sample::UNRECORDED).await.unwrap());
        for left in &ALIKE[removed + 1..] {
            assert!(found(&store, left).await.is_some(), "{left:?} after {token:?}");
        }
    }
}

pub async fn a_text_that_no_row_can_hold_is_no_session<E: IdentityEngine>(engine: &E) {
    let store = engine.open().await;
    with_ada(&store).await;
    for text in ["", "\0", "first\0", "\0first", "%", "f_rst"] {
        let token = SessionToken::new(text);
        assert_eq!(store.find_session(&token).await.unwrap(), None, "{text:?}");
        assert!(!store.refresh_session(&token, NOW, NOW).await.unwrap(), "{text:?}");
        assert!(!store.remove_session(&token, &sample::UNRECORDED).await.unwrap(), "{text:?}");
    }
    assert_eq!(found(&store, "first").await, Some(session("first", "ada")));
}

pub async fn a_session_of_a_missing_user_is_refused<E: IdentityEngine>(engine: &E) {
    let [store, other] = open_two(engine).await;
    with_ada(&*store).await;
    for user in ["eve", "Ada"] {
        assert!(!store.insert_session(&session("lost", user), &sample::UNRECORDED).await.unwrap(), "{user}");
        assert_eq!(found(&*other, "lost").await, None);
    }
    add(&*other, &session("lost", "ada")).await;
}

pub async fn a_session_with_a_taken_id_or_token_is_refused_and_changes_nothing<E: IdentityEngine>(engine: &E) {
    let [store, other] = open_two(engine).await;
    with_ada(&*store).await;
    let same_id = Session { id: row_id("first"), ..session("second", "ada") };
    let same_token = Session { id: row_id("second"), expires_at: NOW, ..session("first", "ada") };
    for taken in [same_id, same_token] {
        assert!(
            matches!(other.insert_session(&taken, &sample::UNRECORDED).await, Err(StoreError::Duplicate)),
            "{taken:?}"
        );
    }
    assert_eq!(found(&*store, "first").await, Some(session("first", "ada")));
    assert_eq!(found(&*store, "second").await, None);
}

pub async fn a_refresh_moves_the_end_and_nothing_else<E: IdentityEngine>(engine: &E) {
    let [store, other] = open_two(engine).await;
    let ada = with_ada(&*store).await;
    let full = Session {
        client: Client { ip_address: Some("::1".to_owned()), user_agent: Some("agent".to_owned()) },
        active_organization_id: Some("acme".to_owned()),
        ..session("full", "ada")
    };
    add(&*store, &full).await;
    let (now, expires_at) = (NOW.plus_millis(5), NOW.plus_millis(7));
    assert!(other.refresh_session(&full.token, expires_at, now).await.unwrap());
    assert!(!other.refresh_session(&SessionToken::new("FULL"), expires_at, now).await.unwrap());
    let refreshed = Session { expires_at, updated_at: now, ..full };
    assert_eq!(store.find_session(&refreshed.token).await.unwrap(), Some((refreshed, ada)));
    assert_eq!(found(&*store, "first").await, Some(session("first", "ada")));
}

pub async fn a_session_is_removed_once<E: IdentityEngine>(engine: &E) {
    let [store, other] = open_two(engine).await;
    with_ada(&*store).await;
    add(&*store, &session("second", "ada")).await;
    let token = SessionToken::new("first");
    assert!(store.remove_session(&token, &sample::UNRECORDED).await.unwrap());
    for handle in [&store, &other] {
        assert_eq!(found(&**handle, "first").await, None);
        assert!(!handle.remove_session(&token, &sample::UNRECORDED).await.unwrap());
        assert!(!handle.refresh_session(&token, NOW, NOW).await.unwrap());
    }
    assert_eq!(found(&*other, "second").await, Some(session("second", "ada")));
}

pub async fn of_many_removals_of_one_session_exactly_one_counts<E: IdentityEngine>(engine: &E) {
    let stores = open_two(engine).await;
    with_ada(&*stores[0]).await;
    let removals = (0..16).map(|turn| {
        let store = Arc::clone(&stores[turn % 2]);
        async move { store.remove_session(&SessionToken::new("first"), &sample::UNRECORDED).await.unwrap() }
    });
    assert_eq!(at_once(removals).await.into_iter().filter(|removed| *removed).count(), 1);
}

pub async fn a_removed_session_is_not_brought_back_by_a_refresh<E: IdentityEngine>(engine: &E) {
    let stores = open_two(engine).await;
    with_ada(&*stores[0]).await;
    let calls = (0..16).map(|turn| {
        let store = Arc::clone(&stores[turn % 2]);
        async move {
            let token = SessionToken::new("first");
            match turn {
                7 => store.remove_session(&token, &sample::UNRECORDED).await.unwrap(),
                _ => store.refresh_session(&token, NOW.plus_millis(1), NOW).await.unwrap(),
            }
        }
    });
    assert!(at_once(calls).await[7]);
    assert_eq!(found(&*stores[0], "first").await, None);
}

pub async fn a_removed_user_has_no_sessions<E: IdentityEngine>(engine: &E) {
    let store = engine.open().await;
    with_ada(&store).await;
    let eve = sample::new_user("eve");
    store.insert_user(&eve, &session("second", "eve"), &sample::UNRECORDED).await.unwrap();
    engine.put_owner(&owner("ada"), Owner::Absent).await;
    assert_eq!(found(&store, "first").await, None);
    assert!(!store.insert_session(&session("third", "ada"), &sample::UNRECORDED).await.unwrap());
    assert_eq!(found(&store, "second").await, Some(session("second", "eve")));
}

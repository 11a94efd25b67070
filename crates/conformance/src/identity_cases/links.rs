use std::num::NonZeroU32;
use std::sync::Arc;

use keymint_domain::identity::Email;
use keymint_domain::link::{Link, LinkPurpose, TokenHash};
use keymint_domain::portal::{PortalGrant, PortalRight, PortalRights, PortalSession};
use keymint_domain::verify::Owner;
use keymint_domain::{OwnerId, Timestamp};
use keymint_ports::{Claimant, IdentityStore, SessionsAfter, StoreError};

use crate::IdentityEngine;
use crate::sample::{self, NOW, new_password, new_user, owner, row_id, session, user_id};
use crate::support::{at_once, open_two};
use crate::texts::texts;

async fn add_user(store: &impl IdentityStore, user: &str) {
    store.insert_user(&new_user(user), &session(user, user), &sample::UNRECORDED).await.unwrap();
}

async fn add(store: &impl IdentityStore, seed: u8, purpose: LinkPurpose) -> Link {
    let made = sample::link(seed, purpose);
    assert!(store.insert_link(&made.link, &sample::UNRECORDED).await.unwrap());
    made.link
}

/// Returns the hash of a portal session's token.
fn token(seed: u8) -> TokenHash {
    sample::link(seed, LinkPurpose::Claim).link.hash
}

async fn reset(store: &impl IdentityStore, link: &Link, password: &str, now: Timestamp) -> bool {
    let reset = store.reset_password(&link.hash, &new_password(password), now, &sample::UNRECORDED).await.unwrap();
    reset.is_some()
}

async fn open(store: &impl IdentityStore, link: &Link, id: &str, seed: u8, now: Timestamp) -> Option<PortalSession> {
    store.open_portal_session(&link.hash, &row_id(id), &token(seed), now, &sample::UNRECORDED).await.unwrap()
}

async fn password(store: &impl IdentityStore, user: &str) -> Option<String> {
    let email = Email::parse(&format!("{user}@example.org")).unwrap();
    let found = store.find_credential(&email).await.unwrap().unwrap();
    found.password_hash.map(|hash| hash.as_str().to_owned())
}

pub async fn links_come_back_as_they_went_in<E: IdentityEngine>(engine: &E) {
    let [store, other] = open_two(engine).await;
    add_user(&*store, "ada").await;
    let bare = PortalGrant {
        owner: OwnerId::parse("acme").unwrap(),
        may: PortalRights::default(),
        return_url: None,
        lifetime_seconds: PortalGrant::MAX_LIFETIME_SECONDS,
    };
    let mut purposes =
        vec![LinkPurpose::Claim, LinkPurpose::Form, sample::reset("ada"), LinkPurpose::Portal(bare.clone())];
    purposes.push(LinkPurpose::Portal(PortalGrant { may: PortalRights::new(PortalRight::ALL), ..bare }));
    purposes.extend(texts().iter().map(|text| sample::portal(text)));
    let mut links = Vec::new();
    for (seed, purpose) in (1..).zip(purposes) {
        links.push(add(&*store, seed, purpose).await);
    }
    for link in &links {
        assert_eq!(other.find_link(&link.hash).await.unwrap().as_ref(), Some(link));
    }
    assert_eq!(other.find_link(&token(255)).await.unwrap(), None);
    let again = other.insert_link(&Link { purpose: LinkPurpose::Claim, ..links[1].clone() }, &sample::UNRECORDED).await;
    assert!(matches!(again, Err(StoreError::Duplicate)), "{again:?}");
    drop((store, other));
    let store = engine.open().await;
    for link in &links {
        assert_eq!(store.find_link(&link.hash).await.unwrap().as_ref(), Some(link));
    }
}

pub async fn a_reset_sets_the_password_and_ends_the_sessions_once<E: IdentityEngine>(engine: &E) {
    let [store, other] = open_two(engine).await;
    for user in ["ada", "eve"] {
        add_user(&*store, user).await;
    }
    let nobodys = sample::link(9, sample::reset("nobody")).link;
    assert!(!store.insert_link(&nobodys, &sample::UNRECORDED).await.unwrap());
    assert_eq!(store.find_link(&nobodys.hash).await.unwrap(), None);
    let link = add(&*store, 1, sample::reset("ada")).await;
    assert!(!reset(&*other, &link, "late", link.expires_at).await);
    assert_eq!(password(&*store, "ada").await.as_deref(), Some("the hash of ada"));
    let new = new_password("new");
    let user = other.reset_password(&link.hash, &new, link.expires_at.minus_millis(1), &sample::UNRECORDED).await;
    assert_eq!(user.unwrap(), Some(user_id("ada")));
    assert_eq!(password(&*store, "ada").await.as_deref(), Some("new"));
    assert_eq!(password(&*store, "eve").await.as_deref(), Some("the hash of eve"));
    for (user, is_there) in [("ada", false), ("eve", true)] {
        assert_eq!(store.find_session(&session(user, user).token).await.unwrap().is_some(), is_there, "{user}");
    }
    assert!(!reset(&*store, &link, "again", NOW).await);
    assert_eq!(password(&*other, "ada").await.as_deref(), Some("new"));
}

pub async fn a_reset_gives_a_password_to_a_user_without_one<E: IdentityEngine>(engine: &E) {
    let store = engine.open().await;
    engine.put_owner(&owner("ada@example.org"), Owner::Present).await;
    let link = add(&store, 1, sample::reset("ada@example.org")).await;
    assert!(reset(&store, &link, "first", NOW).await);
    assert_eq!(password(&store, "ada").await.as_deref(), Some("first"));
    let link = add(&store, 2, sample::reset("ada@example.org")).await;
    engine.put_owner(&owner("ada@example.org"), Owner::Absent).await;
    assert!(!reset(&store, &link, "second", NOW).await, "the user is gone");
}

pub async fn a_password_that_is_set_ends_the_resets_of_its_user<E: IdentityEngine>(engine: &E) {
    let [store, other] = open_two(engine).await;
    for user in ["ada", "eve"] {
        add_user(&*store, user).await;
    }
    let mut kept = vec![add(&*store, 1, sample::reset("eve")).await, add(&*store, 2, sample::portal("ada")).await];
    kept.push(add(&*store, 3, LinkPurpose::Form).await);
    let mut made = Vec::new();
    for seed in 4..=8 {
        made.push(add(&*store, seed, sample::reset("ada")).await);
    }
    assert!(reset(&*other, &made[0], "one", NOW).await);
    let new = Box::new(session("new", "ada"));
    for after in [SessionsAfter::All, SessionsAfter::None, SessionsAfter::Only(new)] {
        let link = add(&*store, 9, sample::reset("ada")).await;
        let (ada, new) = (user_id("ada"), new_password("two"));
        assert!(other.set_password(&ada, &new, &after, NOW, &sample::UNRECORDED).await.unwrap());
        assert!(!reset(&*store, &link, "three", NOW).await, "{after:?}");
    }
    for link in &made {
        assert!(!reset(&*store, link, "three", NOW).await);
    }
    assert_eq!(password(&*other, "ada").await.as_deref(), Some("two"));
    for link in &kept {
        assert_eq!(store.find_link(&link.hash).await.unwrap().as_ref(), Some(link));
    }
    assert!(reset(&*store, &kept[0], "hers", NOW).await);
}

pub async fn a_link_serves_its_own_purpose_alone<E: IdentityEngine>(engine: &E) {
    let store = engine.open().await;
    add_user(&store, "ada").await;
    let claim = add(&store, 1, LinkPurpose::Claim).await;
    let (of_reset, portal) = (add(&store, 2, sample::reset("ada")).await, add(&store, 3, sample::portal("ada")).await);
    let form = add(&store, 4, LinkPurpose::Form).await;
    let ada = Claimant::User(user_id("ada"));
    for link in [&of_reset, &portal, &form] {
        assert!(!store.claim(&link.hash, &ada, NOW, &sample::UNRECORDED).await.unwrap());
    }
    for link in [&claim, &portal, &form] {
        assert!(!reset(&store, link, "new", NOW).await);
    }
    for link in [&claim, &of_reset, &form] {
        assert_eq!(open(&store, link, "p", 9, NOW).await, None);
    }
    for link in [&claim, &of_reset, &portal, &form] {
        assert_eq!(store.find_link(&link.hash).await.unwrap().as_ref(), Some(link), "it was not used");
    }
}

pub async fn of_marks_of_the_same_form_one_is_kept<E: IdentityEngine>(engine: &E) {
    let stores = open_two(engine).await;
    let mark = sample::link(1, LinkPurpose::Form).link;
    let submits = (0..100).map(|number| {
        let (store, mark) = (Arc::clone(&stores[number % 2]), mark.clone());
        async move { store.insert_link(&mark, &sample::UNRECORDED).await }
    });
    let outcomes = at_once(submits).await;
    assert_eq!(outcomes.iter().filter(|outcome| matches!(outcome, Ok(true))).count(), 1, "{outcomes:?}");
    let refused = outcomes.iter().filter(|outcome| matches!(outcome, Err(StoreError::Duplicate)));
    assert_eq!(refused.count(), 99, "{outcomes:?}");
    assert_eq!(stores[0].purge_links(mark.expires_at, NonZeroU32::MAX).await.unwrap(), 1);
}

pub async fn a_portal_session_is_opened_found_and_ended<E: IdentityEngine>(engine: &E) {
    let [store, other] = open_two(engine).await;
    let link = add(&*store, 1, sample::portal("acme")).await;
    assert_eq!(open(&*other, &link, "p", 9, link.expires_at).await, None, "it has expired");
    let now = NOW.plus_millis(7);
    let opened = open(&*other, &link, "p", 9, now).await.unwrap();
    let LinkPurpose::Portal(grant) = link.purpose.clone() else { panic!("a portal") };
    assert_eq!(opened, grant.open(row_id("p"), token(9), now));
    assert_eq!(open(&*store, &link, "q", 8, NOW).await, None, "it was used");
    assert_eq!(store.find_portal_session(&token(9)).await.unwrap().as_ref(), Some(&opened));
    assert_eq!(store.find_portal_session(&token(8)).await.unwrap(), None);
    let second = add(&*store, 2, sample::portal("acme")).await;
    for (id, seed) in [("p", 8), ("q", 9)] {
        let taken = other.open_portal_session(&second.hash, &row_id(id), &token(seed), NOW, &sample::UNRECORDED).await;
        assert!(matches!(taken, Err(StoreError::Duplicate)), "{taken:?}");
    }
    assert!(open(&*other, &second, "q", 8, NOW).await.is_some(), "the link stayed");
    drop((store, other));
    let [store, other] = open_two(engine).await;
    assert_eq!(store.find_portal_session(&token(9)).await.unwrap(), Some(opened));
    assert!(store.remove_portal_session(&token(9), &sample::UNRECORDED).await.unwrap());
    assert!(!other.remove_portal_session(&token(9), &sample::UNRECORDED).await.unwrap());
    assert_eq!(other.find_portal_session(&token(9)).await.unwrap(), None);
    assert!(other.find_portal_session(&token(8)).await.unwrap().is_some());
}

pub async fn of_100_uses_of_one_link_exactly_one_wins<E: IdentityEngine>(engine: &E) {
    let stores = open_two(engine).await;
    add_user(&*stores[0], "ada").await;
    let of_reset = add(&*stores[0], 1, sample::reset("ada")).await;
    let resets = (0..100).map(|turn| {
        let (store, link) = (Arc::clone(&stores[turn % 2]), of_reset.clone());
        async move { reset(&*store, &link, &format!("password {turn}"), NOW).await }
    });
    let won = at_once(resets).await;
    let winners: Vec<_> = (0..100).filter(|turn| won[*turn]).collect();
    assert_eq!(winners.len(), 1);
    assert_eq!(password(&*stores[1], "ada").await, Some(format!("password {}", winners[0])));

    let portal = add(&*stores[0], 2, sample::portal("ada")).await;
    let opened = (0..100_u8).map(|turn| {
        let (store, link) = (Arc::clone(&stores[usize::from(turn % 2)]), portal.clone());
        async move { open(&*store, &link, &format!("session {turn}"), turn + 10, NOW).await.is_some() }
    });
    let won = at_once(opened).await;
    assert_eq!(won.iter().filter(|won| **won).count(), 1);
    for (turn, won) in (0..).zip(won) {
        assert_eq!(stores[1].find_portal_session(&token(turn + 10)).await.unwrap().is_some(), won, "{turn}");
    }
}

pub async fn of_100_resets_of_one_user_exactly_one_wins<E: IdentityEngine>(engine: &E) {
    let stores = open_two(engine).await;
    add_user(&*stores[0], "ada").await;
    let mut links = Vec::new();
    for seed in 0..100 {
        links.push(add(&*stores[0], seed, sample::reset("ada")).await);
    }
    let resets = (0..).zip(links).map(|(turn, link)| {
        let store = Arc::clone(&stores[turn % 2]);
        async move { reset(&*store, &link, &format!("password {turn}"), NOW).await }
    });
    let won = at_once(resets).await;
    let winners: Vec<_> = (0..100).filter(|turn| won[*turn]).collect();
    assert_eq!(winners.len(), 1);
    assert_eq!(password(&*stores[1], "ada").await, Some(format!("password {}", winners[0])));
}

pub async fn links_and_sessions_are_removed_when_they_have_ended<E: IdentityEngine>(engine: &E) {
    let [store, other] = open_two(engine).await;
    let mut links = Vec::new();
    for seed in 1..=6 {
        links.push(add(&*store, seed, sample::portal("ada")).await);
    }
    let opened = open(&*store, &links[5], "p", 9, NOW).await.unwrap();
    let end = links[0].expires_at;
    let limit = NonZeroU32::new(3).unwrap();
    assert_eq!(other.purge_links(end.minus_millis(1), limit).await.unwrap(), 0);
    assert_eq!(other.purge_links(end, limit).await.unwrap(), 3);
    assert_eq!(other.purge_links(end, limit).await.unwrap(), 2);
    assert_eq!(other.purge_links(end, limit).await.unwrap(), 0);
    for link in &links {
        assert_eq!(store.find_link(&link.hash).await.unwrap(), None);
    }
    assert_eq!(other.purge_links(opened.expires_at.minus_millis(1), limit).await.unwrap(), 0);
    assert!(store.find_portal_session(&token(9)).await.unwrap().is_some());
    assert_eq!(other.purge_links(opened.expires_at, limit).await.unwrap(), 1);
    assert_eq!(store.find_portal_session(&token(9)).await.unwrap(), None);
}

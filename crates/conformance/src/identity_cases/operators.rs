use std::sync::Arc;

use keymint_domain::identity::Email;
use keymint_domain::link::LinkPurpose;
use keymint_domain::verify::Owner;
use keymint_ports::{Claimant, IdentityStore, StoreError};

use crate::IdentityEngine;
use crate::sample::{self, NOW, new_user, owner, session, user_id};
use crate::support::{at_once, open_two};

async fn add(store: &impl IdentityStore, user: &str) {
    store.insert_user(&new_user(user), &session(user, user), &sample::UNRECORDED).await.unwrap();
}

/// Returns the claim of somebody without an account.
fn newcomer(user: &str) -> Claimant {
    Claimant::New(Box::new(new_user(user)), Box::new(session(user, user)))
}

pub async fn operators_are_kept_and_only_users_are_any<E: IdentityEngine>(engine: &E) {
    let [store, other] = open_two(engine).await;
    assert!(!store.has_users().await.unwrap());
    assert_eq!(store.make_operator(&user_id("ada"), NOW, &sample::UNRECORDED).await.unwrap(), None);
    add(&*store, "ada").await;
    assert!(other.has_users().await.unwrap());
    assert!(!other.is_operator(&user_id("ada")).await.unwrap());
    for (handle, is_new) in [(&store, true), (&other, false)] {
        let made = handle.make_operator(&user_id("ada"), NOW, &sample::UNRECORDED).await.unwrap();
        assert_eq!(made, Some(is_new));
    }
    assert!(other.is_operator(&user_id("ada")).await.unwrap());
    for nobody in ["Ada", "eve", "%"] {
        assert!(!other.is_operator(&user_id(nobody)).await.unwrap(), "{nobody}");
    }
    drop((store, other));
    let store = engine.open().await;
    assert!(store.is_operator(&user_id("ada")).await.unwrap());
    for (id, was_kept) in [("Ada", false), ("eve", false), ("ada", true), ("ada", false)] {
        assert_eq!(store.remove_operator(&user_id(id), &sample::UNRECORDED).await.unwrap(), was_kept, "{id}");
    }
    assert!(!store.is_operator(&user_id("ada")).await.unwrap());
    assert!(store.find_user(&user_id("ada")).await.unwrap().is_some());
}

pub async fn a_claim_makes_the_first_operator_and_works_once<E: IdentityEngine>(engine: &E) {
    let [store, other] = open_two(engine).await;
    let (first, second) = (sample::link(1, LinkPurpose::Claim), sample::link(2, LinkPurpose::Claim));
    for made in [&first, &second] {
        assert!(store.insert_link(&made.link, &sample::UNRECORDED).await.unwrap());
    }
    assert_eq!(other.find_link(&first.link.hash).await.unwrap().as_ref(), Some(&first.link), "a look consumes nothing");
    assert!(other.claim(&first.link.hash, &newcomer("ada"), NOW, &sample::UNRECORDED).await.unwrap());
    assert!(store.is_operator(&user_id("ada")).await.unwrap());
    assert!(store.find_session(&session("ada", "ada").token).await.unwrap().is_some());
    assert!(store.find_credential(&Email::parse("ada@example.org").unwrap()).await.unwrap().is_some());
    assert_eq!(store.find_link(&first.link.hash).await.unwrap(), None);
    for hash in [&first.link.hash, &second.link.hash] {
        assert!(!store.claim(hash, &newcomer("eve"), NOW, &sample::UNRECORDED).await.unwrap());
        assert!(store.find_user(&user_id("eve")).await.unwrap().is_none(), "nobody is half an operator");
    }
    let late = sample::link(3, LinkPurpose::Claim);
    assert!(!store.insert_link(&late.link, &sample::UNRECORDED).await.unwrap(), "there is an operator");
    assert_eq!(store.find_link(&late.link.hash).await.unwrap(), None);
}

pub async fn a_user_claims_and_a_claim_that_fails_stays<E: IdentityEngine>(engine: &E) {
    let [store, other] = open_two(engine).await;
    add(&*store, "ada").await;
    let made = sample::link(1, LinkPurpose::Claim);
    let hash = &made.link.hash;
    assert!(store.insert_link(&made.link, &sample::UNRECORDED).await.unwrap());
    let taken = newcomer("ada");
    assert!(matches!(other.claim(hash, &taken, NOW, &sample::UNRECORDED).await, Err(StoreError::Duplicate)));
    let nobody = Claimant::User(user_id("nobody"));
    assert!(!other.claim(hash, &nobody, NOW, &sample::UNRECORDED).await.unwrap());
    let end = made.link.expires_at;
    let ada = Claimant::User(user_id("ada"));
    assert!(!other.claim(hash, &ada, end, &sample::UNRECORDED).await.unwrap(), "it has expired");
    assert!(store.find_link(hash).await.unwrap().is_some());
    assert!(other.claim(hash, &ada, end.minus_millis(1), &sample::UNRECORDED).await.unwrap());
    assert!(store.is_operator(&user_id("ada")).await.unwrap());
}

pub async fn of_100_uses_of_two_claims_exactly_one_wins<E: IdentityEngine>(engine: &E) {
    let stores = open_two(engine).await;
    let made = [1, 2].map(|seed| sample::link(seed, LinkPurpose::Claim));
    for made in &made {
        assert!(stores[0].insert_link(&made.link, &sample::UNRECORDED).await.unwrap());
    }
    let claims = (0..100).map(|turn| {
        let (store, hash) = (Arc::clone(&stores[turn % 2]), made[turn / 2 % 2].link.hash.clone());
        async move { store.claim(&hash, &newcomer(&format!("user{turn}")), NOW, &sample::UNRECORDED).await.unwrap() }
    });
    let won = at_once(claims).await;
    let winners: Vec<_> = (0..100).filter(|turn| won[*turn]).collect();
    assert_eq!(winners.len(), 1);
    for (turn, won) in won.into_iter().enumerate() {
        let user = user_id(&format!("user{turn}"));
        assert_eq!(stores[1].is_operator(&user).await.unwrap(), won, "{turn}");
        assert_eq!(stores[1].find_user(&user).await.unwrap().is_some(), won, "{turn}");
    }
}

pub async fn a_removed_operator_leaves_the_place_to_another<E: IdentityEngine>(engine: &E) {
    let store = engine.open().await;
    add(&store, "ada").await;
    assert_eq!(store.make_operator(&user_id("ada"), NOW, &sample::UNRECORDED).await.unwrap(), Some(true));
    engine.put_owner(&owner("ada"), Owner::Absent).await;
    assert!(!store.has_users().await.unwrap());
    let made = sample::link(1, LinkPurpose::Claim);
    assert!(store.insert_link(&made.link, &sample::UNRECORDED).await.unwrap());
    assert!(store.claim(&made.link.hash, &newcomer("eve"), NOW, &sample::UNRECORDED).await.unwrap());
}

pub async fn an_erased_user_is_no_operator_and_has_no_links<E: IdentityEngine>(engine: &E) {
    let [store, other] = open_two(engine).await;
    for user in ["ada", "eve"] {
        add(&*store, user).await;
        assert_eq!(store.make_operator(&user_id(user), NOW, &sample::UNRECORDED).await.unwrap(), Some(true));
    }
    let links = [
        sample::link(1, sample::reset("ada")),
        sample::link(2, sample::portal("ada")),
        sample::link(3, sample::reset("eve")),
        sample::link(4, sample::portal("eve")),
        sample::link(5, sample::portal("ada")),
    ];
    for made in &links {
        assert!(store.insert_link(&made.link, &sample::UNRECORDED).await.unwrap());
    }
    let token = sample::link(9, LinkPurpose::Claim).link.hash;
    let id = sample::row_id("p");
    let opened = store.open_portal_session(&links[4].link.hash, &id, &token, NOW, &sample::UNRECORDED).await;
    assert!(opened.unwrap().is_some());
    assert!(other.erase_user(&user_id("ada"), NOW, &sample::UNRECORDED).await.unwrap().is_some());
    for (user, is_operator) in [("ada", false), ("eve", true)] {
        assert_eq!(store.is_operator(&user_id(user)).await.unwrap(), is_operator, "{user}");
    }
    for (place, is_there) in [(0, false), (1, false), (2, true), (3, true)] {
        assert_eq!(store.find_link(&links[place].link.hash).await.unwrap().is_some(), is_there, "{place}");
    }
    assert_eq!(store.find_portal_session(&token).await.unwrap(), None);
}

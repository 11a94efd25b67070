use std::sync::Arc;

use keymint_domain::Timestamp;
use keymint_domain::identity::{Email, NewUser, PasswordHash, User};
use keymint_domain::verify::{Ban, Owner};
use keymint_ports::{Credential, IdentityStore, StoreError};

use crate::IdentityEngine;
use crate::sample::{self, NOW, owner, session, user_id};
use crate::support::{PATIENCE, abandon, at_once, open_two};
use crate::texts::{ALIKE, texts};

fn edited(id: &str, edit: impl FnOnce(&mut User)) -> NewUser {
    let mut new = sample::new_user(id);
    edit(&mut new.user);
    new
}

fn email(text: &str) -> Email {
    Email::parse(text).unwrap()
}

async fn add(store: &impl IdentityStore, new: &NewUser) {
    let id = new.user.id.as_str();
    store.insert_user(new, &session(id, id), &sample::UNRECORDED).await.unwrap();
}

/// Checks that a user is found in every way, and unchanged.
async fn is_there(store: &impl IdentityStore, new: &NewUser) {
    let NewUser { user, account_id: _, password_hash } = new;
    assert_eq!(store.find_user(&user.id).await.unwrap().as_ref(), Some(user));
    let credential = Credential { user: user.clone(), password_hash: Some(password_hash.clone()) };
    assert_eq!(store.find_credential(&email(&user.email)).await.unwrap(), Some(credential));
    let begun = session(user.id.as_str(), user.id.as_str());
    assert_eq!(store.find_session(&begun.token).await.unwrap(), Some((begun, user.clone())));
}

/// Checks that nothing of a user exists.
async fn is_missing(store: &impl IdentityStore, new: &NewUser) {
    let id = &new.user.id;
    assert_eq!(store.find_user(id).await.unwrap(), None);
    assert_eq!(store.find_session(&session(id.as_str(), id.as_str()).token).await.unwrap(), None);
}

pub async fn users_come_back_as_they_went_in<E: IdentityEngine>(engine: &E) {
    let [store, other] = open_two(engine).await;
    let mut users: Vec<_> = (0..)
        .zip(texts())
        .map(|(turn, text)| NewUser {
            password_hash: PasswordHash::from_stored(text.clone()),
            ..edited(&text, |user| {
                user.email = format!("{turn}@example.org");
                user.name.clone_from(&text);
                user.image = Some(text.clone());
            })
        })
        .collect();
    for (turn, text) in (0..).zip(["0001-01-01T00:00:00.000Z", "1969-12-31T23:59:59.999Z", "9999-12-31T23:59:59.999Z"])
    {
        users.push(edited(&format!("u{turn}"), |user| {
            user.name = String::new();
            user.image = (turn > 0).then(String::new);
            user.email_verified = turn > 0;
            user.created_at = Timestamp::parse(text).unwrap();
            user.updated_at = user.created_at.plus_millis(1);
        }));
    }
    for user in &users {
        add(&*store, user).await;
        is_there(&*other, user).await;
    }
    drop((store, other));
    let store = engine.open().await;
    for user in &users {
        is_there(&store, user).await;
    }
}

pub async fn a_missing_user_is_none<E: IdentityEngine>(engine: &E) {
    let store = engine.open().await;
    add(&store, &sample::new_user("ada")).await;
    for text in ["eve", "Ada", "ada ", "%", "' or 1=1 --"] {
        assert_eq!(store.find_user(&user_id(text)).await.unwrap(), None, "{text}");
    }
    assert_eq!(store.find_credential(&email("eve@example.org")).await.unwrap(), None);
}

pub async fn a_duplicate_user_is_refused_and_changes_nothing<E: IdentityEngine>(engine: &E) {
    let [store, other] = open_two(engine).await;
    let (ada, eve) = (sample::new_user("ada"), sample::new_user("eve"));
    add(&*store, &ada).await;
    let same_address = edited("eve", |user| user.email.clone_from(&ada.user.email));
    let same_id = edited("ada", |user| user.email.clone_from(&eve.user.email));
    let taken_session = session("ada", "eve");
    for handle in [&store, &other] {
        for (new, session) in
            [(&same_address, session("eve", "eve")), (&same_id, session("eve", "ada")), (&eve, taken_session.clone())]
        {
            assert!(matches!(handle.insert_user(new, &session, &sample::UNRECORDED).await, Err(StoreError::Duplicate)));
        }
    }
    is_there(&*other, &ada).await;
    is_missing(&*other, &eve).await;
    assert_eq!(other.find_credential(&email("eve@example.org")).await.unwrap(), None);
    add(&*other, &eve).await;
    is_there(&*store, &eve).await;
}

pub async fn of_many_sign_ups_with_one_address_exactly_one_is_taken<E: IdentityEngine>(engine: &E) {
    let stores = open_two(engine).await;
    let sign_ups = (0..12).map(|turn| {
        let store = Arc::clone(&stores[turn % 2]);
        let new = edited(&format!("user {turn}"), |user| "one@example.org".clone_into(&mut user.email));
        async move {
            let id = new.user.id.as_str();
            (store.insert_user(&new, &session(id, id), &sample::UNRECORDED).await, new)
        }
    });
    let mut taken = Vec::new();
    for (answer, new) in at_once(sign_ups).await {
        match answer {
            Ok(()) => taken.push(new),
            Err(StoreError::Duplicate) => is_missing(&*stores[0], &new).await,
            Err(error) => panic!("the store failed: {error:?}"),
        }
    }
    assert_eq!(taken.len(), 1);
    is_there(&*stores[1], &taken[0]).await;
}

pub async fn addresses_are_compared_by_bytes<E: IdentityEngine>(engine: &E) {
    let store = engine.open().await;
    let mut addresses = ALIKE.to_vec();
    // The requested address comes last: any address that is taken for it would be found in its place.
    addresses.extend(["A_A@example.org", "aba@example.org", "a_a@example.org ", "a_a@example.org"]);
    for (turn, address) in (0..).zip(&addresses) {
        add(&store, &edited(&format!("user {turn}"), |user| (*address).clone_into(&mut user.email))).await;
    }
    let found = async |text| store.find_credential(&email(text)).await.unwrap().map(|found| found.user.email);
    assert_eq!(found("a_a@example.org").await.as_deref(), Some("a_a@example.org"));
    assert_eq!(found("A_A@EXAMPLE.org").await.as_deref(), Some("a_a@example.org"), "an address is in lower case");
    assert_eq!(found("aba@example.org").await.as_deref(), Some("aba@example.org"));
    assert_eq!(found("aca@example.org").await, None);
}

pub async fn a_user_without_a_password_is_found_without_one<E: IdentityEngine>(engine: &E) {
    let store = engine.open().await;
    engine.put_owner(&owner("ada@example.org"), Owner::Present).await;
    let user = store.find_user(&user_id("ada@example.org")).await.unwrap().unwrap();
    assert_eq!((user.email.as_str(), user.ban), ("ada@example.org", None));
    let credential = store.find_credential(&email("ada@example.org")).await.unwrap();
    assert_eq!(credential, Some(Credential { user, password_hash: None }));
}

pub async fn a_ban_is_found_with_its_user<E: IdentityEngine>(engine: &E) {
    let store = engine.open().await;
    let mut ada = sample::new_user("ada");
    add(&store, &ada).await;
    for ban in [Some(Ban { until: None }), Some(Ban { until: Some(NOW.plus_millis(1)) }), None] {
        engine.put_owner(&owner("ada"), ban.map_or(Owner::Present, Owner::Banned)).await;
        ada.user.ban = ban;
        is_there(&store, &ada).await;
    }
}

pub async fn sign_ups_that_are_dropped_at_any_point_leave_no_lock_and_no_half<E: IdentityEngine>(engine: &E) {
    let [store, other] = open_two(engine).await;
    for polls in 0..40 {
        let id = format!("user{polls}");
        let new = sample::new_user(&id);
        let is_answered =
            abandon(store.insert_user(&new, &session(&id, &id), &sample::UNRECORDED), polls).await.is_some();
        let check = async {
            // The dropped call may still be running: the next one waits for its end.
            let is_there_already = match other.insert_user(&new, &session(&id, &id), &sample::UNRECORDED).await {
                Ok(()) => false,
                Err(StoreError::Duplicate) => true,
                Err(error) => panic!("the store failed: {error:?}"),
            };
            assert!(is_there_already || !is_answered, "what was answered is there");
            is_there(&*other, &new).await;
        };
        tokio::time::timeout(PATIENCE, check).await.unwrap();
    }
}

use std::sync::Arc;

use keymint_domain::organization::{Member, RoleName};
use keymint_domain::verify::Owner;
use keymint_ports::{IdentityStore, OrganizationStore, StoreError};

use crate::IdentityEngine;
use crate::sample::{self, member, organization, organization_id, owner, row_id, session, user_id};
use crate::support::{at_once, open_two};
use crate::texts::{ALIKE, texts};

/// Adds users with these ids, and the organizations `acme` and `other`, whose first member is `ada`.
async fn with_users<S: IdentityStore + OrganizationStore>(store: &S, ids: &[&str]) {
    for (turn, id) in ids.iter().enumerate() {
        let mut new = sample::new_user(id);
        new.user.email = format!("{turn}@example.org");
        store.insert_user(&new, &session(id, id), &sample::UNRECORDED).await.unwrap();
    }
    for id in ["acme", "other"] {
        store.insert_organization(&organization(id), &member(id, "ada"), &sample::UNRECORDED).await.unwrap();
    }
}

fn in_role(user: &str, role: &str) -> Member {
    Member { role: RoleName::parse(role).unwrap(), ..member("acme", user) }
}

async fn roles(store: &impl OrganizationStore, organization: &str, user: &str) -> Option<String> {
    store.find_roles(&organization_id(organization), &user_id(user)).await.unwrap()
}

pub async fn roles_come_back_as_they_went_in<E: IdentityEngine>(engine: &E) {
    let [store, other] = open_two(engine).await;
    let texts: Vec<_> = texts().into_iter().filter(|text| RoleName::parse(text).is_ok()).collect();
    let mut users = vec!["ada"];
    users.extend(texts.iter().map(String::as_str));
    with_users(&*store, &users).await;
    for text in &texts {
        store.insert_member(&in_role(text, text), &sample::UNRECORDED).await.unwrap();
        assert_eq!(roles(&*other, "acme", text).await.as_ref(), Some(text));
        assert_eq!(roles(&*other, "other", text).await, None);
    }
    assert!(texts.len() > 10);
    assert_eq!(roles(&*other, "acme", "ada").await.as_deref(), Some("owner"));
    drop((store, other));
    assert_eq!(roles(&engine.open().await, "acme", "UPPER").await.as_deref(), Some("UPPER"));
}

pub async fn members_are_compared_by_bytes<E: IdentityEngine>(engine: &E) {
    let store = engine.open().await;
    let mut users = vec!["ada"];
    users.extend(ALIKE);
    with_users(&store, &users).await;
    for (added, user) in ALIKE.into_iter().enumerate() {
        store.insert_member(&member("acme", user), &sample::UNRECORDED).await.unwrap();
        for stranger in &ALIKE[added + 1..] {
            assert_eq!(roles(&store, "acme", stranger).await, None, "{stranger:?} beside {user:?}");
        }
    }
    for id in ["Acme", "ACME", "acme ", "%"] {
        assert_eq!(roles(&store, id, "ada").await, None);
    }
}

pub async fn a_member_is_taken_once<E: IdentityEngine>(engine: &E) {
    let [store, other] = open_two(engine).await;
    with_users(&*store, &["ada", "eve", "kay"]).await;
    store.insert_member(&in_role("eve", "member"), &sample::UNRECORDED).await.unwrap();
    let same_id = Member { id: row_id("eve in acme"), ..in_role("kay", "owner") };
    for handle in [&store, &other] {
        let again = Member { id: row_id("again"), ..in_role("eve", "owner") };
        for taken in [again, same_id.clone(), in_role("ada", "member")] {
            assert!(
                matches!(handle.insert_member(&taken, &sample::UNRECORDED).await, Err(StoreError::Duplicate)),
                "{taken:?}"
            );
        }
    }
    assert_eq!(roles(&*other, "acme", "eve").await.as_deref(), Some("member"));
    assert_eq!(roles(&*other, "acme", "ada").await.as_deref(), Some("owner"));
    assert_eq!(roles(&*other, "acme", "kay").await, None);
    other.insert_member(&member("other", "eve"), &sample::UNRECORDED).await.unwrap();
}

pub async fn nobody_and_nothing_have_no_members<E: IdentityEngine>(engine: &E) {
    let [store, other] = open_two(engine).await;
    with_users(&*store, &["ada"]).await;
    for (organization, user) in [("acme", "nobody"), ("nothing", "ada"), ("nothing", "nobody"), ("Acme", "ada")] {
        let answer = store.insert_member(&member(organization, user), &sample::UNRECORDED).await;
        assert!(matches!(answer, Err(StoreError::Dangling)), "{user} in {organization}: {answer:?}");
        assert_eq!(roles(&*other, organization, user).await, None);
    }
}

pub async fn of_many_inserts_of_one_member_exactly_one_is_taken<E: IdentityEngine>(engine: &E) {
    let stores = open_two(engine).await;
    let users: Vec<_> = (0..12).map(|round| format!("user {round}")).collect();
    with_users(&*stores[0], &[&["ada"], users.iter().map(String::as_str).collect::<Vec<_>>().as_slice()].concat())
        .await;
    // Several rounds: in the first one the handles still open connections, one after another.
    for user in &users {
        let inserts = (0..12).map(|turn| {
            let store = Arc::clone(&stores[turn % 2]);
            let role = format!("role {turn}");
            let member = Member { id: row_id(&format!("{role} of {user}")), ..in_role(user, &role) };
            async move { store.insert_member(&member, &sample::UNRECORDED).await.map(|()| role) }
        });
        let answers = at_once(inserts).await;
        assert!(answers.iter().all(|answer| matches!(answer, Ok(_) | Err(StoreError::Duplicate))), "{answers:?}");
        let taken: Vec<_> = answers.into_iter().flatten().collect();
        assert_eq!(taken.len(), 1, "{taken:?}");
        assert_eq!(roles(&*stores[1], "acme", user).await.as_ref(), Some(&taken[0]));
    }
}

pub async fn a_removed_user_is_no_member<E: IdentityEngine>(engine: &E) {
    let store = engine.open().await;
    with_users(&store, &["ada", "eve"]).await;
    store.insert_member(&member("acme", "eve"), &sample::UNRECORDED).await.unwrap();
    engine.put_owner(&owner("ada"), Owner::Absent).await;
    assert_eq!(roles(&store, "acme", "ada").await, None);
    assert_eq!(roles(&store, "acme", "eve").await.as_deref(), Some("owner"));
    assert!(matches!(
        store.insert_member(&member("other", "ada"), &sample::UNRECORDED).await,
        Err(StoreError::Dangling)
    ));
}

pub async fn a_member_is_removed_from_one_organization<E: IdentityEngine>(engine: &E) {
    let [store, other] = open_two(engine).await;
    with_users(&*store, &["ada", "eve"]).await;
    for organization in ["acme", "other"] {
        store.insert_member(&member(organization, "eve"), &sample::UNRECORDED).await.unwrap();
    }
    let remove = async |organization: &str, user: &str| {
        store.remove_member(&organization_id(organization), &user_id(user), &sample::UNRECORDED).await.unwrap()
    };
    for (organization, user) in [("acme", "nobody"), ("nothing", "eve"), ("Acme", "eve"), ("acme", "Eve")] {
        assert!(!remove(organization, user).await, "{user} in {organization}");
    }
    assert!(remove("acme", "eve").await);
    assert!(!remove("acme", "eve").await, "it is done once");
    assert_eq!(roles(&*other, "acme", "eve").await, None);
    for (organization, user) in [("acme", "ada"), ("other", "eve")] {
        assert!(roles(&*other, organization, user).await.is_some(), "{user} in {organization}");
    }
    store.insert_member(&member("acme", "eve"), &sample::UNRECORDED).await.unwrap();
    assert!(roles(&*other, "acme", "eve").await.is_some(), "and they may come back");
}

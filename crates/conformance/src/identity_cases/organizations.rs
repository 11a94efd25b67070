use std::num::NonZeroU32;
use std::sync::Arc;

use keymint_domain::organization::{Member, Membership, Organization, RoleName, Slug};
use keymint_ports::{IdentityStore, OrganizationStore, StoreError};

use crate::IdentityEngine;
use crate::sample::{self, member, organization, organization_id, session, user_id};
use crate::support::{at_once, open_two};
use crate::texts::texts;

async fn with_ada(store: &impl IdentityStore) {
    store.insert_user(&sample::new_user("ada"), &session("first", "ada"), &sample::UNRECORDED).await.unwrap();
}

/// Adds an organization whose first member is `ada`.
async fn add(store: &impl OrganizationStore, new: &Organization) {
    store.insert_organization(new, &member(new.id.as_str(), "ada"), &sample::UNRECORDED).await.unwrap();
}

async fn found(store: &impl OrganizationStore, text: &str) -> Option<String> {
    store.find_organization(text).await.unwrap().map(|id| id.as_str().to_owned())
}

fn with_slug(id: &str, slug: &str) -> Organization {
    Organization { id: organization_id(id), slug: Slug::parse(slug).unwrap(), ..organization("any") }
}

pub async fn organizations_are_found_by_id_and_by_slug<E: IdentityEngine>(engine: &E) {
    let [store, other] = open_two(engine).await;
    with_ada(&*store).await;
    let new: Vec<_> = (0..).zip(texts()).map(|(turn, text)| with_slug(&text, &format!("slug-{turn}"))).collect();
    for organization in &new {
        add(&*store, organization).await;
    }
    let names = || new.iter().map(|organization| (organization.id.as_str(), organization.slug.as_str()));
    for (id, slug) in names() {
        assert_eq!(found(&*other, id).await.as_deref(), Some(id));
        assert_eq!(found(&*other, slug).await.as_deref(), Some(id));
    }
    for text in ["", "Slug-0", "slug_0", "slug-", "%", "plain ", "\0", "plain\0"] {
        assert_eq!(found(&*other, text).await, None, "{text:?}");
    }
    drop((store, other));
    let store = engine.open().await;
    for (id, slug) in names() {
        assert_eq!(found(&store, slug).await.as_deref(), Some(id));
    }
}

pub async fn an_id_is_taken_before_a_slug<E: IdentityEngine>(engine: &E) {
    let store = engine.open().await;
    with_ada(&store).await;
    add(&store, &with_slug("one", "two")).await;
    add(&store, &with_slug("two", "three")).await;
    add(&store, &with_slug("three", "one")).await;
    for id in ["one", "two", "three"] {
        assert_eq!(found(&store, id).await.as_deref(), Some(id));
    }
}

pub async fn a_duplicate_organization_is_refused_and_changes_nothing<E: IdentityEngine>(engine: &E) {
    let [store, other] = open_two(engine).await;
    with_ada(&*store).await;
    store.insert_user(&sample::new_user("eve"), &session("second", "eve"), &sample::UNRECORDED).await.unwrap();
    add(&*store, &organization("acme")).await;
    for handle in [&store, &other] {
        for taken in [with_slug("acme", "another"), with_slug("another", "acme")] {
            let answer =
                handle.insert_organization(&taken, &member(taken.id.as_str(), "eve"), &sample::UNRECORDED).await;
            assert!(matches!(answer, Err(StoreError::Duplicate)), "{taken:?}");
        }
    }
    assert_eq!(found(&*other, "another").await, None);
    for id in ["acme", "another"] {
        assert_eq!(other.find_roles(&organization_id(id), &user_id("eve")).await.unwrap(), None);
    }
    add(&*other, &organization("another")).await;
}

pub async fn an_organization_whose_first_member_is_nobody_is_refused<E: IdentityEngine>(engine: &E) {
    let [store, other] = open_two(engine).await;
    with_ada(&*store).await;
    let answer = store.insert_organization(&organization("acme"), &member("acme", "nobody"), &sample::UNRECORDED).await;
    assert!(matches!(answer, Err(StoreError::Dangling)));
    assert_eq!(found(&*other, "acme").await, None);
    add(&*other, &organization("acme")).await;
}

pub async fn of_many_organizations_with_one_slug_exactly_one_is_taken<E: IdentityEngine>(engine: &E) {
    let stores = open_two(engine).await;
    with_ada(&*stores[0]).await;
    let inserts = (0..12).map(|turn| {
        let store = Arc::clone(&stores[turn % 2]);
        let new = with_slug(&format!("id {turn}"), "acme");
        async move {
            store.insert_organization(&new, &member(new.id.as_str(), "ada"), &sample::UNRECORDED).await.map(|()| new.id)
        }
    });
    let answers = at_once(inserts).await;
    assert!(answers.iter().all(|answer| matches!(answer, Ok(_) | Err(StoreError::Duplicate))), "{answers:?}");
    let taken: Vec<_> = answers.into_iter().flatten().collect();
    assert_eq!(taken.len(), 1);
    assert_eq!(stores[1].find_organization("acme").await.unwrap().as_ref(), Some(&taken[0]));
    assert!(stores[1].find_roles(&taken[0], &user_id("ada")).await.unwrap().is_some());
}

pub async fn organizations_are_listed_in_portions_with_their_members<E: IdentityEngine>(engine: &E) {
    let [store, other] = open_two(engine).await;
    with_ada(&*store).await;
    store.insert_user(&sample::new_user("eve"), &session("second", "eve"), &sample::UNRECORDED).await.unwrap();
    let limit = NonZeroU32::new(2).unwrap();
    assert_eq!(other.list_organizations(None, limit).await.unwrap(), []);
    for id in ["b", "B", "a", "\u{e9}", "c"] {
        add(&*store, &with_slug(id, &format!("slug-{}", id.len() + usize::from(id.as_bytes()[0])))).await;
    }
    store.insert_member(&member("a", "eve"), &sample::UNRECORDED).await.unwrap();
    let (mut listed, mut after) = (Vec::new(), None);
    loop {
        let portion = other.list_organizations(after, limit).await.unwrap();
        assert!(portion.len() <= 2);
        let Some(last) = portion.last() else { break };
        after = Some(last.id.clone());
        listed.extend(portion);
    }
    let found: Vec<_> = listed.iter().map(|found| (found.id.as_str(), found.members)).collect();
    assert_eq!(found, [("B", 1), ("a", 2), ("b", 1), ("c", 1), ("\u{e9}", 1)]);
    assert_eq!(listed[1].slug.as_deref(), Some("slug-98"));
    assert_eq!(listed[1].name, organization("any").name);
}

pub async fn a_users_organizations_are_listed_by_name<E: IdentityEngine>(engine: &E) {
    let [store, other] = open_two(engine).await;
    with_ada(&*store).await;
    let mut bob = sample::new_user("bob");
    "bob@example.org".clone_into(&mut bob.user.email);
    store.insert_user(&bob, &session("second", "bob"), &sample::UNRECORDED).await.unwrap();
    let named = |id: &str, slug: &str, name: &str| Organization { name: name.to_owned(), ..with_slug(id, slug) };
    for new in [named("3", "three", "b"), named("1", "one", "b"), named("2", "two", "B"), named("4", "four", "ä")] {
        add(&*store, &new).await;
    }
    let role = RoleName::parse("reader").unwrap();
    let of_bob = Member { role, ..member("2", "bob") };
    store.insert_member(&of_bob, &sample::UNRECORDED).await.unwrap();
    let list = async |user: &str, limit: u32| {
        let found = other.list_memberships(&user_id(user), NonZeroU32::new(limit).unwrap()).await.unwrap();
        let tell = |Membership { organization, name, roles }: Membership| format!("{organization} {name} {roles}");
        found.into_iter().map(tell).collect::<Vec<_>>()
    };
    assert_eq!(list("ada", 100).await, ["2 B owner", "1 b owner", "3 b owner", "4 ä owner"]);
    assert_eq!(list("ada", 2).await, ["2 B owner", "1 b owner"], "the smallest ids");
    assert_eq!(list("bob", 100).await, ["2 B reader"]);
    for stranger in ["Ada", "ada ", "eve"] {
        assert_eq!(list(stranger, 100).await, Vec::<String>::new(), "{stranger:?}");
    }
}

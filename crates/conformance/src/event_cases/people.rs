use keymint_domain::identity::EditUser;
use keymint_domain::link::LinkPurpose;
use keymint_domain::verify::Ban;
use keymint_ports::{BanOutcome, Claimant, IdentityStore as _, OrganizationStore as _, ServerKeyStore as _};

use super::{all_events, kinds, origin};
use crate::EventEngine;
use crate::sample::{self, NOW, id, member, new_user, organization, row_id, session, user_id};
use crate::support::open_two;

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

//! Keys that belong to organizations, and the actions that a member's roles allow.

use keymint_domain::key::{EditKey, NewKey};
use keymint_domain::organization::{Action, Role, RoleName, Slug};
use keymint_domain::policy::References;
use keymint_domain::value::KeyName;
use keymint_domain::{ConfigId, Configuration, ErrorCode, KeyId, OrganizationId, OwnerId, Policy};
use keymint_service::{Caller, CreateKey, ListKeys, OrganizationError, Organizations, Source, UpdateKey, Whose};

use crate::support::{Fixture, refusal, unowned};

fn team() -> ConfigId {
    ConfigId::parse("team").unwrap()
}

fn policy() -> Policy {
    let of_organizations = Configuration { references: References::Organization, ..Configuration::new(team()) };
    let mut policy = Policy::new(vec![Configuration::default(), of_organizations]).unwrap();
    policy.roles.others = vec![
        Role { name: RoleName::parse("admin").unwrap(), actions: vec![Action::Create, Action::Read] },
        Role { name: RoleName::parse("member").unwrap(), actions: vec![Action::Read] },
    ];
    policy
}

fn organizations(fixture: &Fixture) -> Organizations {
    use std::sync::Arc;
    let store = Arc::new(fixture.store.clone());
    let entropy = Arc::new(keymint_ports::SeededEntropy::new(9));
    Organizations::new(Arc::clone(&store) as _, store).with_clock(Arc::clone(&fixture.clock) as _).with_entropy(entropy)
}

fn name(text: &str) -> KeyName {
    KeyName::parse(text).unwrap()
}

fn slug(text: &str) -> Slug {
    Slug::parse(text).unwrap()
}

fn role(text: &str) -> RoleName {
    RoleName::parse(text).unwrap()
}

/// Makes an organization whose owner is ada, with a member of each of these roles.
pub(crate) async fn acme(fixture: &Fixture, members: &[(&str, &str)]) -> OrganizationId {
    let ada = fixture.sign_up("ada").await.user;
    let all = organizations(fixture);
    let made = all.create(name("Acme"), slug("acme"), ada.id.as_str(), role("owner")).await.unwrap();
    for (who, as_what) in members {
        fixture.sign_up(who).await;
        all.add_member("acme", &format!("{who}@example.com"), role(as_what)).await.unwrap();
    }
    made.id
}

async fn caller(fixture: &Fixture, name: &str) -> Caller {
    let sign_in = keymint_service::SignIn {
        email: format!("{name}@example.com"),
        password: keymint_domain::identity::Password::new("password"),
        remember: true,
    };
    Caller::User(
        fixture
            .identity
            .sign_in(sign_in, keymint_domain::identity::Client::default(), &Source::default())
            .await
            .unwrap()
            .user
            .id,
    )
}

fn of(organization: &OrganizationId) -> CreateKey {
    CreateKey { organization: Some(organization.clone()), ..unowned(Some(team()), NewKey::default()) }
}

fn rename(id: &KeyId) -> UpdateKey {
    let edit = EditKey { name: KeyName::parse("x").ok(), ..EditKey::default() };
    UpdateKey { id: id.clone(), config_id: Some(team()), owner: None, edit }
}

#[tokio::test]
async fn members_do_what_their_roles_allow_and_strangers_nothing() {
    let fixture = Fixture::new(policy());
    let acme = acme(&fixture, &[("bob", "admin"), ("eve", "member")]).await;
    fixture.sign_up("sam").await;
    let minted = fixture.keys.create(&caller(&fixture, "ada").await, of(&acme)).await.unwrap();
    assert_eq!(minted.key.details.owner, OwnerId::from(&acme));
    let id = &minted.key.details.id;
    let lacking = Some(ErrorCode::InsufficientApiKeyPermissions);
    let stranger = Some(ErrorCode::UserNotMemberOfOrganization);
    for (who, [create, read, update, revoke]) in [
        ("ada", [None, None, None, None]),
        ("bob", [None, None, lacking, lacking]),
        ("eve", [lacking, None, lacking, lacking]),
        ("sam", [stranger; 4]),
    ] {
        let caller = caller(&fixture, who).await;
        let code = |answer: Result<(), _>| answer.err().map(|error| refusal::<()>(Err(error)));
        let keys = &fixture.keys;
        assert_eq!(code(keys.create(&caller, of(&acme)).await.map(drop)), create, "{who} creates");
        assert_eq!(code(keys.get(&caller, id, Some(&team())).await.map(drop)), read, "{who} reads");
        let whose = Whose::Organizations(acme.clone());
        assert_eq!(code(keys.list(&caller, ListKeys { whose, ..ListKeys::default() }).await.map(drop)), read);
        assert_eq!(code(keys.update(&caller, rename(id)).await.map(drop)), update, "{who} updates");
        assert_eq!(code(keys.revoke(&caller, id, Some(&team())).await.map(drop)), revoke, "{who} revokes");
        let missing = KeyId::parse("missing").unwrap();
        assert_eq!(refusal(keys.get(&caller, &missing, Some(&team())).await), ErrorCode::KeyNotFound);
    }
    assert!(fixture.keys.delete(&caller(&fixture, "ada").await, id, Some(&team())).await.is_ok());
}

#[tokio::test]
async fn an_organization_must_be_named_before_anybody_is_asked_who_they_are() {
    let fixture = Fixture::new(policy());
    for caller in [Caller::Anyone, Caller::Server, Caller::User(crate::support::user("ada"))] {
        let refused = fixture.keys.create(&caller, unowned(Some(team()), NewKey::default())).await;
        assert_eq!(refusal(refused), ErrorCode::OrganizationIdRequired, "{caller:?}");
    }
    let somebody = OrganizationId::parse("acme").unwrap();
    assert_eq!(refusal(fixture.keys.create(&Caller::Anyone, of(&somebody)).await), ErrorCode::UnauthorizedSession);
    assert!(fixture.keys.create(&Caller::Server, of(&somebody)).await.is_ok(), "a server may name any");
}

#[tokio::test]
async fn lists_keep_users_and_organizations_apart() {
    let fixture = Fixture::new(policy());
    let acme = acme(&fixture, &[]).await;
    let ada = caller(&fixture, "ada").await;
    fixture.keys.create(&ada, of(&acme)).await.unwrap();
    fixture.keys.create(&ada, unowned(None, NewKey::default())).await.unwrap();
    let Caller::User(id) = &ada else { panic!("a user") };
    let of_either = [OwnerId::from(&acme), OwnerId::from(id)].map(Whose::Owners);
    let (acme, own) = (Whose::Organizations(acme), Whose::Users(OwnerId::from(id)));
    for (caller, whose, config_id, total) in [
        (&ada, Whose::Callers, None, 1),
        (&ada, own.clone(), None, 1),
        (&ada, Whose::Callers, Some(team()), 0),
        (&ada, acme.clone(), None, 1),
        (&ada, acme.clone(), Some(team()), 1),
        (&ada, acme.clone(), Some(ConfigId::default_id()), 0),
        (&ada, Whose::Nobodys, None, 0),
        (&Caller::Server, Whose::Callers, None, 2),
        (&Caller::Server, Whose::Callers, Some(team()), 1),
        (&Caller::Server, acme, None, 1),
        (&Caller::Server, own, None, 1),
        (&Caller::Server, of_either[0].clone(), None, 1),
        (&Caller::Server, of_either[0].clone(), Some(ConfigId::default_id()), 0),
        (&Caller::Server, of_either[1].clone(), None, 1),
    ] {
        let request = ListKeys { whose, config_id, ..ListKeys::default() };
        let found = fixture.keys.list(caller, request.clone()).await.unwrap().total.at_least();
        assert_eq!(found, total, "{caller:?} {request:?}");
    }
    for whose in of_either {
        let events = fixture.keys.owners_of_events(&Caller::Server, whose.clone()).await.unwrap();
        assert_eq!(events.map(|owners| owners.len()), Some(1));
        assert_eq!(refusal(fixture.keys.owners_of_events(&ada, whose.clone()).await), ErrorCode::Unauthorized);
        let request = ListKeys { whose, ..ListKeys::default() };
        assert_eq!(refusal(fixture.keys.list(&ada, request).await), ErrorCode::Unauthorized, "not even their own");
    }
}

#[tokio::test]
async fn without_organizations_nobody_is_a_member() {
    let keys = keymint_service::Keys::builder(std::sync::Arc::new(keymint_store_memory::MemoryStore::default()));
    let keys = keys.policy(policy()).build();
    let ada = Caller::User(crate::support::user("ada"));
    let acme = OrganizationId::parse("acme").unwrap();
    assert_eq!(refusal(keys.create(&ada, of(&acme)).await), ErrorCode::OrganizationPluginRequired);
}

#[tokio::test]
async fn what_cannot_be_made_is_told_apart() {
    let fixture = Fixture::new(policy());
    acme(&fixture, &[("bob", "member")]).await;
    let all = organizations(&fixture);
    let create = all.create(name("Other"), slug("acme"), "ada@example.com", role("owner")).await;
    assert!(matches!(create, Err(OrganizationError::SlugTaken)));
    let create = all.create(name("Other"), slug("other"), "nobody@example.com", role("owner")).await;
    assert!(matches!(create, Err(OrganizationError::UnknownUser)));
    let add = async |organization: &str, user: &str| all.add_member(organization, user, role("admin")).await;
    assert!(matches!(add("acme", "bob@example.com").await, Err(OrganizationError::MemberAlready)));
    assert!(matches!(add("acme", "nobody").await, Err(OrganizationError::UnknownUser)));
    assert!(matches!(add("other", "bob@example.com").await, Err(OrganizationError::UnknownOrganization)));
}

//! Operators, claims, resets, and portal sessions.

use std::num::NonZeroU32;
use std::sync::Arc;

use keymint_domain::identity::{Client, Email, Operators, Password};
use keymint_domain::key::{EditKey, Field, NewKey};
use keymint_domain::link::{LinkPurpose, SecretToken};
use keymint_domain::policy::{References, RotateSecret};
use keymint_domain::portal::{PortalGrant, PortalRight, PortalRights};
use keymint_domain::value::KeyName;
use keymint_domain::{ConfigId, Configuration, ErrorCode, KeyId, OrganizationId, OwnerId, Policy};
use keymint_ports::{Clock, IdentityStore as _, SeededEntropy};
use keymint_service::{
    Caller, CreateKey, Identity, IdentityOptions, ListKeys, Portal, RemovedOperator, Revoked, RotateKey, SignIn,
    Source, UpdateKey, VerifyKey, Whose,
};

use crate::support::{Fixture, owner, refusal, revocation_of, sign_up, user};

fn portal(fixture: &Fixture) -> Portal {
    Portal::new(Arc::new(fixture.store.clone()))
        .with_clock(Arc::clone(&fixture.clock) as Arc<dyn Clock>)
        .with_entropy(Arc::new(SeededEntropy::new(9)))
}

fn grant(owner_id: &str, may: &[PortalRight]) -> PortalGrant {
    let may = PortalRights::new(may.iter().copied());
    PortalGrant { owner: owner(owner_id), may, return_url: None, lifetime_seconds: 60 }
}

fn guest(owner_id: &str, may: &[PortalRight]) -> Caller {
    Caller::Portal { owner: owner(owner_id), may: PortalRights::new(may.iter().copied()) }
}

fn unowned(new: NewKey) -> CreateKey {
    CreateKey { config_id: None, owner: None, organization: None, new }
}

fn rotation(id: &KeyId) -> RotateKey {
    RotateKey { id: id.clone(), config_id: None, rotation: RotateSecret::default() }
}

const NOT_ALLOWED: ErrorCode = ErrorCode::PortalNotAllowed;

fn renaming(id: &KeyId) -> UpdateKey {
    let edit = EditKey { name: KeyName::parse("new").ok(), ..EditKey::default() };
    UpdateKey { id: id.clone(), config_id: None, owner: None, edit }
}

#[tokio::test]
async fn an_operator_manages_every_owners_keys_as_a_server_does_under_their_own_name() {
    let fixture = Fixture::new(Policy::default());
    let root = Caller::Operator(user("root"));
    let new = NewKey { remaining: Field::Given(7), ..NewKey::default() };
    let minted = fixture.keys.create(&root, CreateKey::of(owner("ada"), new)).await.unwrap();
    assert_eq!(minted.key.details.owner, owner("ada"));
    assert_eq!(minted.key.usage.remaining, Some(7));
    let id = &minted.key.details.id;
    assert_eq!(refusal(fixture.keys.create(&root, unowned(NewKey::default())).await), ErrorCode::UserIdRequired);
    assert!(fixture.keys.get(&root, id, None).await.is_ok());
    assert_eq!(fixture.keys.list(&root, ListKeys::default()).await.unwrap().keys.len(), 1);
    assert!(
        fixture.keys.dry_run(&root, VerifyKey::of(minted.plain.clone())).await.unwrap().verdict.accepted().is_some()
    );
    assert!(fixture.keys.rotate(&root, rotation(id)).await.is_ok());
    let Revoked::Key(revoked) = fixture.keys.revoke(&root, id, None).await.unwrap() else { panic!("readable") };
    assert_eq!(revoked.details.revocation.as_ref().unwrap().by.to_string(), "user:root");
    let enabling = EditKey { enabled: Some(true), ..EditKey::default() };
    let enabling = UpdateKey { id: id.clone(), config_id: None, owner: None, edit: enabling };
    assert!(fixture.keys.update(&root, enabling).await.unwrap().details.enabled, "a revocation is taken back");
    assert_eq!(fixture.keys.change_many(&root, revocation_of("ada")).await.unwrap().changed, 1);
    assert!(fixture.keys.delete(&root, id, None).await.is_ok());
}

#[tokio::test]
async fn a_guest_sees_one_owner_and_does_what_the_session_allows() {
    let fixture = Fixture::new(Policy::default());
    let of_ada = fixture.keys.create(&Caller::Server, CreateKey::of(owner("ada"), NewKey::default())).await.unwrap();
    let of_eve = fixture.keys.create(&Caller::Server, CreateKey::of(owner("eve"), NewKey::default())).await.unwrap();
    let (ada, eve) = (&of_ada.key.details.id, &of_eve.key.details.id);
    let looking = guest("ada", &[]);
    assert!(fixture.keys.get(&looking, ada, None).await.is_ok());
    let listed = fixture.keys.list(&looking, ListKeys::default()).await.unwrap().keys;
    assert_eq!(listed.iter().map(|key| &key.details.id).collect::<Vec<_>>(), [ada]);
    let whose = Whose::Users(owner("eve"));
    let of_another = fixture.keys.list(&looking, ListKeys { whose, ..ListKeys::default() }).await;
    assert_eq!(refusal(of_another), ErrorCode::Unauthorized);
    assert_eq!(refusal(fixture.keys.create(&looking, unowned(NewKey::default())).await), NOT_ALLOWED);
    assert_eq!(refusal(fixture.keys.rotate(&looking, rotation(ada)).await), NOT_ALLOWED);
    assert_eq!(refusal(fixture.keys.revoke(&looking, ada, None).await), NOT_ALLOWED);
    let all = guest("ada", &PortalRight::ALL);
    assert_eq!(refusal(fixture.keys.update(&all, renaming(ada)).await), NOT_ALLOWED);
    assert_eq!(refusal(fixture.keys.delete(&all, ada, None).await), NOT_ALLOWED);
    assert_eq!(refusal(fixture.keys.restore(&all, ada, None).await), NOT_ALLOWED);
    assert_eq!(refusal(fixture.keys.verify(&all, VerifyKey::of(of_ada.plain)).await), ErrorCode::Unauthorized);
    assert_eq!(refusal(fixture.keys.delete_all_expired(&all).await), ErrorCode::Unauthorized);
    for refused in [
        fixture.keys.get(&all, eve, None).await.map(drop),
        fixture.keys.rotate(&all, rotation(eve)).await.map(drop),
        fixture.keys.revoke(&all, eve, None).await.map(drop),
    ] {
        assert_eq!(refusal(refused), ErrorCode::KeyNotFound);
    }
    let server_only = NewKey { remaining: Field::Given(7), ..NewKey::default() };
    assert_eq!(refusal(fixture.keys.create(&all, unowned(server_only)).await), ErrorCode::ServerOnlyProperty);
    let of_another = fixture.keys.create(&all, CreateKey::of(owner("eve"), NewKey::default())).await;
    assert_eq!(refusal(of_another), ErrorCode::UnauthorizedSession);

    let made = fixture.keys.create(&guest("ada", &[PortalRight::Create]), unowned(NewKey::default())).await.unwrap();
    assert_eq!(made.key.details.owner, owner("ada"));
    assert_eq!(made.key.details.created_by.as_ref().unwrap().to_string(), "portal:ada");
    assert!(fixture.keys.rotate(&guest("ada", &[PortalRight::Rotate]), rotation(ada)).await.is_ok());
    let revoked = fixture.keys.revoke(&guest("ada", &[PortalRight::Revoke]), ada, None).await.unwrap();
    let Revoked::Key(revoked) = revoked else { panic!("readable") };
    assert_eq!(revoked.details.revocation.as_ref().unwrap().by.to_string(), "portal");
}

#[tokio::test]
async fn a_guest_of_an_organization_sees_its_keys_of_every_configuration() {
    let team =
        Configuration { references: References::Organization, ..Configuration::new(ConfigId::parse("team").unwrap()) };
    let fixture = Fixture::new(Policy::new(vec![Configuration::default(), team]).unwrap());
    let (team, acme) = (ConfigId::parse("team").ok(), crate::organizations::acme(&fixture, &[]).await);
    let of = |organization: &OrganizationId| CreateKey {
        config_id: team.clone(),
        owner: None,
        organization: Some(organization.clone()),
        new: NewKey::default(),
    };
    let caller = guest(acme.as_str(), &[PortalRight::Create]);
    let made = fixture.keys.create(&caller, of(&acme)).await.unwrap();
    assert_eq!(made.key.details.owner, OwnerId::from(&acme));
    let other = OrganizationId::parse("other").unwrap();
    let refused = fixture.keys.create(&caller, of(&other)).await;
    assert_eq!(refusal(refused), ErrorCode::UserNotMemberOfOrganization);
    assert!(fixture.keys.get(&caller, &made.key.details.id, None).await.is_ok());
    assert_eq!(fixture.keys.list(&caller, ListKeys::default()).await.unwrap().keys.len(), 1);
    let whose = Whose::Organizations(other);
    let of_another = fixture.keys.list(&caller, ListKeys { whose, ..ListKeys::default() }).await;
    assert_eq!(refusal(of_another), ErrorCode::UserNotMemberOfOrganization);

    // A user's session, and one of an organization that nobody knows here, make keys of users alone.
    for unknown in ["ada", "acme", "other"] {
        let caller = guest(unknown, &[PortalRight::Create]);
        let refused = fixture.keys.create(&caller, of(&OrganizationId::parse(unknown).unwrap())).await;
        assert_eq!(refusal(refused), NOT_ALLOWED, "{unknown}");
        assert!(fixture.keys.create(&caller, unowned(NewKey::default())).await.is_ok(), "{unknown}");
        let offered = fixture.keys.configurations_of_new(&caller).await.unwrap();
        assert_eq!(offered.iter().map(|entry| entry.id.as_str()).collect::<Vec<_>>(), ["default"], "{unknown}");
    }
    assert_eq!(fixture.keys.configurations_of_new(&caller).await.unwrap().len(), 2);
}

#[tokio::test]
async fn who_is_an_operator_is_told_at_one_place() {
    let fixture = Fixture::new(Policy::default());
    let ada = fixture.sign_up("ada").await;
    let identity = Identity::new(Arc::new(fixture.store.clone()))
        .with_clock(Arc::clone(&fixture.clock) as Arc<dyn Clock>)
        .with_operators(Operators::new([Email::parse("ada@example.com").unwrap()]));
    assert!(!identity.is_operator(&ada.user).await.unwrap(), "the address is not proved");
    let mut proved = ada.clone();
    proved.user.email_verified = true;
    assert_eq!(identity.caller_in_person(proved).await.unwrap(), Caller::Operator(ada.user.id.clone()));
    assert_eq!(identity.caller_in_person(ada.clone()).await.unwrap(), Caller::User(ada.user.id.clone()));
    for caller in [Caller::User(ada.user.id.clone()), Caller::Anyone, guest("ada", &PortalRight::ALL)] {
        assert_eq!(refusal(identity.make_operator(&caller, "ada@example.com").await), ErrorCode::Unauthorized);
        assert_eq!(refusal(identity.remove_operator(&caller, "ada@example.com").await), ErrorCode::Unauthorized);
        assert_eq!(refusal(identity.make_reset_link(&caller, "ada@example.com").await), ErrorCode::Unauthorized);
    }
    let made = identity.make_operator(&Caller::Server, "ADA@example.com").await.unwrap();
    assert_eq!(made, Some((ada.user.id.clone(), true)));
    let again = identity.make_operator(&Caller::Operator(ada.user.id.clone()), ada.user.id.as_str()).await.unwrap();
    assert_eq!(again, Some((ada.user.id.clone(), false)));
    assert_eq!(identity.make_operator(&Caller::Server, "nobody").await.unwrap(), None);
    assert!(identity.is_operator(&ada.user).await.unwrap());
    let own = Caller::Operator(ada.user.id.clone());
    assert_eq!(refusal(identity.remove_operator(&own, "ada@example.com").await), ErrorCode::NotOnYourself);
    let ban = Some(keymint_domain::verify::Ban { until: None });
    assert_eq!(refusal(identity.set_ban(&own, "ada@example.com", ban).await), ErrorCode::NotOnYourself);
    assert!(identity.is_operator(&ada.user).await.unwrap());
    for was_kept in [true, false] {
        let removed = identity.remove_operator(&Caller::Server, "ada@example.com").await.unwrap();
        let expected = RemovedOperator { user: ada.user.id.clone(), was_kept, remains_one: false };
        assert_eq!(removed, Some(expected));
        assert!(!identity.is_operator(&ada.user).await.unwrap());
    }
    assert_eq!(identity.remove_operator(&Caller::Server, "nobody").await.unwrap(), None);
    identity.make_operator(&Caller::Server, "ada@example.com").await.unwrap();
    fixture.ban(&ada.user);
    let banned = fixture.find_credential(&ada.user).await.user;
    assert!(!identity.is_operator(&banned).await.unwrap());
}

#[tokio::test]
async fn the_first_operator_claims_with_an_account_or_without_one() {
    let fixture = Fixture::new(Policy::default());
    let made = fixture.identity.offer_claim().await.unwrap().unwrap();
    let token = made.token.expose();
    for _ in 0..2 {
        assert_eq!(fixture.identity.look_at_link(token).await.unwrap(), Some(LinkPurpose::Claim));
    }
    let claim = async |token: &str, name: &str, password: &str| {
        let request = sign_up(name, password);
        fixture.identity.claim(token, request, Client::default(), &Source::default()).await
    };
    let forged = SecretToken::random(&mut |bytes: &mut [u8]| bytes.fill(3));
    for token in ["", "x", forged.expose()] {
        assert_eq!(refusal(claim(token, "ada", "password").await), ErrorCode::LinkNotValid, "{token}");
        assert_eq!(fixture.identity.look_at_link(token).await.unwrap(), None);
    }
    assert_eq!(refusal(claim(token, "ada", "short").await), ErrorCode::PasswordTooShort);
    let ada = claim(token, "ada", "password").await.unwrap();
    assert!(fixture.identity.is_operator(&ada.user).await.unwrap());
    assert!(fixture.identity.session(&ada.session.token, false).await.unwrap().is_some());
    assert_eq!(refusal(claim(token, "eve", "password").await), ErrorCode::LinkNotValid);
    assert_eq!(fixture.identity.offer_claim().await.unwrap(), None);

    let fixture = Fixture::new(Policy::default());
    let made = fixture.identity.offer_claim().await.unwrap().unwrap();
    let ada = fixture.sign_up("ada").await;
    assert_eq!(fixture.identity.offer_claim().await.unwrap(), None, "somebody has an account");
    let source = Source::default();
    fixture.ban(&ada.user);
    let banned = fixture.find_credential(&ada.user).await.user;
    assert_eq!(refusal(fixture.identity.claim_as(made.token.expose(), &banned, &source).await), ErrorCode::UserBanned);
    fixture.identity.claim_as(made.token.expose(), &ada.user, &source).await.unwrap();
    assert!(fixture.identity.is_operator(&ada.user).await.unwrap());
}

#[tokio::test]
async fn a_reset_replaces_the_password_and_ends_sessions() {
    let fixture = Fixture::new(Policy::default());
    let ada = fixture.sign_up("ada").await;
    let made = fixture.identity.make_reset_link(&Caller::Server, "ada@example.com").await.unwrap().unwrap();
    assert_eq!(fixture.identity.make_reset_link(&Caller::Server, "nobody@example.com").await.unwrap(), None);
    let reset = async |password: &str| {
        fixture.identity.reset_password(made.token.expose(), Password::new(password), &Source::default()).await
    };
    assert_eq!(refusal(reset("short").await), ErrorCode::PasswordTooShort);
    assert_eq!(reset("another password").await.unwrap(), ada.user.id);
    assert_eq!(refusal(reset("a third password").await), ErrorCode::LinkNotValid);
    assert_eq!(fixture.identity.session(&ada.session.token, false).await.unwrap(), None);
    let sign_in = async |password: &str| {
        let email = "ada@example.com".to_owned();
        let request = SignIn { email, password: Password::new(password), remember: true };
        fixture.identity.sign_in(request, Client::default(), &Source::default()).await
    };
    assert_eq!(refusal(sign_in("password").await), ErrorCode::InvalidEmailOrPassword);
    assert!(sign_in("another password").await.is_ok());

    let made = fixture.identity.make_reset_link(&Caller::Server, ada.user.id.as_str()).await.unwrap().unwrap();
    fixture.clock.advance(86_400_000);
    let late =
        fixture.identity.reset_password(made.token.expose(), Password::new("password"), &Source::default()).await;
    assert_eq!(refusal(late), ErrorCode::LinkNotValid);
    let off = IdentityOptions { email_and_password: false, ..IdentityOptions::default() };
    let off = Identity::new(Arc::new(fixture.store.clone())).with_options(off);
    let refused = off.reset_password(made.token.expose(), Password::new("password"), &Source::default()).await;
    assert_eq!(refusal(refused), ErrorCode::EmailPasswordDisabled);
}

#[tokio::test]
async fn a_portal_session_is_opened_once_and_lives_for_its_time() {
    let fixture = Fixture::new(Policy::default());
    let portal = portal(&fixture);
    for caller in [Caller::User(user("ada")), Caller::Anyone, Caller::Gateway] {
        assert_eq!(refusal(portal.create(&caller, grant("ada", &[])).await), ErrorCode::Unauthorized);
    }
    let made = portal.create(&Caller::Server, grant("ada", &[PortalRight::Create])).await.unwrap();
    let link = made.token.expose();
    assert_eq!(portal.look_at(link).await.unwrap(), Some(grant("ada", &[PortalRight::Create])));
    let claim = fixture.identity.offer_claim().await.unwrap().unwrap();
    assert_eq!(portal.look_at(claim.token.expose()).await.unwrap(), None);
    let opened = portal.open(link, &Source::default()).await.unwrap();
    assert_eq!(refusal(portal.open(link, &Source::default()).await), ErrorCode::LinkNotValid);
    assert_eq!(portal.look_at(link).await.unwrap(), None);
    let token = opened.token.expose();
    assert_eq!(portal.find(token).await.unwrap().as_ref(), Some(&opened.session));
    assert_eq!(Caller::from(&opened.session), guest("ada", &[PortalRight::Create]));
    for nobody in ["", link, "x"] {
        assert_eq!(portal.find(nobody).await.unwrap(), None);
    }
    fixture.clock.advance(59_999);
    assert!(portal.find(token).await.unwrap().is_some());
    fixture.clock.advance(1);
    assert_eq!(portal.find(token).await.unwrap(), None);

    let made = portal.create(&Caller::Operator(user("root")), grant("ada", &[])).await.unwrap();
    let opened = portal.open(made.token.expose(), &Source::default()).await.unwrap();
    portal.end(opened.token.expose(), &Source::default()).await.unwrap();
    portal.end(opened.token.expose(), &Source::default()).await.unwrap();
    assert_eq!(portal.find(opened.token.expose()).await.unwrap(), None);

    let made = portal.create(&Caller::Server, grant("ada", &[])).await.unwrap();
    fixture.clock.advance(300_000);
    assert_eq!(refusal(portal.open(made.token.expose(), &Source::default()).await), ErrorCode::LinkNotValid);
    assert!(fixture.store.find_link(&made.token.hash()).await.unwrap().is_some());
    fixture.keys.clean_up(NonZeroU32::MIN).await.unwrap();
    assert_eq!(fixture.store.find_link(&made.token.hash()).await.unwrap(), None);
}

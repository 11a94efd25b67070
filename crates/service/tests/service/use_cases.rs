//! The rights of each caller, and the answers of the use cases.

use std::num::NonZeroU32;

use crate::support::{Fixture, code_of, owner, refusal, unowned, user};
use keymint_domain::key::{EditKey, Field, NewKey, PlainKey};
use keymint_domain::value::KeyName;
use keymint_domain::verify::Cost;
use keymint_domain::{ConfigId, Configuration, ErrorCode, KeyId, Policy};
use keymint_service::{Access, Caller, CreateKey, ListKeys, ServiceError, UpdateKey, VerifyKey, Whose};

fn default_policy() -> Policy {
    Policy::default()
}

fn rename(id: &KeyId, name: &str) -> UpdateKey {
    let edit = EditKey { name: KeyName::parse(name).ok(), ..EditKey::default() };
    UpdateKey { id: id.clone(), config_id: None, owner: None, edit }
}

#[tokio::test]
async fn a_created_key_verifies() {
    let fixture = Fixture::new(default_policy());
    let minted = fixture.create(NewKey::default()).await;
    let verdict = fixture.verify(&minted).await;
    assert_eq!(verdict.accepted().unwrap().details, minted.key.details);
    assert_eq!(minted.plain.expose().len(), 43);
}

#[tokio::test]
async fn a_user_manages_their_own_keys_and_sees_no_others() {
    let fixture = Fixture::new(default_policy());
    let (ada, bob) = (Caller::User(user("ada")), Caller::User(user("bob")));
    let request = unowned(None, NewKey::default());
    let id = fixture.keys.create(&ada, request).await.unwrap().key.details.id.clone();

    assert_eq!(fixture.keys.get(&ada, &id, None).await.unwrap().details.owner, owner("ada"));
    assert_eq!(fixture.keys.list(&ada, ListKeys::default()).await.unwrap().total.at_least(), 1);
    assert_eq!(fixture.keys.update(&ada, rename(&id, "ci")).await.unwrap().details.name.as_deref(), Some("ci"));

    assert_eq!(refusal(fixture.keys.get(&bob, &id, None).await), ErrorCode::KeyNotFound);
    assert_eq!(refusal(fixture.keys.update(&bob, rename(&id, "mine")).await), ErrorCode::KeyNotFound);
    assert_eq!(refusal(fixture.keys.delete(&bob, &id, None).await), ErrorCode::KeyNotFound);
    assert_eq!(fixture.keys.list(&bob, ListKeys::default()).await.unwrap().total.at_least(), 0);
    let of_ada = ListKeys { whose: Whose::Users(owner("ada")), ..ListKeys::default() };
    assert_eq!(refusal(fixture.keys.list(&bob, of_ada).await), ErrorCode::Unauthorized);

    fixture.keys.delete(&ada, &id, None).await.unwrap();
    assert_eq!(refusal(fixture.keys.delete(&ada, &id, None).await), ErrorCode::KeyNotFound);
}

#[tokio::test]
async fn server_only_members_are_refused_before_authentication_on_create_and_after_it_on_update() {
    let fixture = Fixture::new(default_policy());
    let new = NewKey { remaining: Field::Given(5), ..NewKey::default() };
    let request = unowned(None, new);
    for caller in [Caller::User(user("ada")), Caller::Anyone, Caller::Gateway] {
        assert_eq!(refusal(fixture.keys.create(&caller, request.clone()).await), ErrorCode::ServerOnlyProperty);
    }
    let id = fixture.create(NewKey::default()).await.key.details.id.clone();
    let edit = EditKey { permissions: Field::Null, ..EditKey::default() };
    let request = UpdateKey { id, config_id: None, owner: None, edit };
    let ada = Caller::User(user("ada"));
    assert_eq!(refusal(fixture.keys.update(&ada, request.clone()).await), ErrorCode::ServerOnlyProperty);
    assert_eq!(refusal(fixture.keys.update(&Caller::Anyone, request).await), ErrorCode::UnauthorizedSession);
}

#[tokio::test]
async fn nobody_names_an_owner_but_a_server() {
    let fixture = Fixture::new(default_policy());
    let request = CreateKey::of(owner("victim"), NewKey::default());
    for caller in [Caller::User(user("ada")), Caller::Anyone] {
        assert_eq!(refusal(fixture.keys.create(&caller, request.clone()).await), ErrorCode::UnauthorizedSession);
    }
    let anonymous = CreateKey { owner: None, ..request };
    assert_eq!(refusal(fixture.keys.create(&Caller::Server, anonymous).await), ErrorCode::UserIdRequired);
}

#[tokio::test]
async fn anyone_and_gateways_manage_nothing() {
    let fixture = Fixture::new(default_policy());
    let id = fixture.create(NewKey::default()).await.key.details.id.clone();
    for caller in [Caller::Anyone, Caller::Gateway] {
        assert_eq!(refusal(fixture.keys.get(&caller, &id, None).await), ErrorCode::Unauthorized);
        assert_eq!(refusal(fixture.keys.list(&caller, ListKeys::default()).await), ErrorCode::Unauthorized);
        assert_eq!(refusal(fixture.keys.delete(&caller, &id, None).await), ErrorCode::Unauthorized);
        assert_eq!(refusal(fixture.keys.delete_all_expired(&caller).await), ErrorCode::Unauthorized);
    }
    let ada = Caller::User(user("ada"));
    assert_eq!(refusal(fixture.keys.delete_all_expired(&ada).await), ErrorCode::Unauthorized);
}

#[tokio::test]
async fn who_may_verify_is_configured() {
    for (access, caller, admitted) in [
        (Access::Server, Caller::Server, true),
        (Access::Server, Caller::Gateway, true),
        (Access::Server, Caller::User(user("ada")), false),
        (Access::Server, Caller::Anyone, false),
        (Access::Public, Caller::Anyone, true),
    ] {
        let fixture = Fixture::with(default_policy(), |builder| builder.access(access));
        let minted = fixture.create(NewKey::default()).await;
        let verdict = fixture.keys.verify(&caller, VerifyKey::of(minted.plain)).await;
        assert_eq!(verdict.is_ok(), admitted, "{access:?} {caller:?}");
    }
}

#[tokio::test]
async fn a_server_edits_a_key_only_where_the_owner_it_names_is_right() {
    let fixture = Fixture::new(default_policy());
    let id = fixture.create(NewKey::default()).await.key.details.id.clone();
    let wrong = UpdateKey { owner: Some(owner("bob")), ..rename(&id, "x") };
    assert_eq!(refusal(fixture.keys.update(&Caller::Server, wrong).await), ErrorCode::KeyNotFound);
    let right = UpdateKey { owner: Some(owner("ada")), ..rename(&id, "x") };
    assert!(fixture.keys.update(&Caller::Server, right).await.is_ok());
}

#[tokio::test]
async fn a_user_reaches_another_configuration_only_by_its_name() {
    let eu = ConfigId::parse("eu").unwrap();
    let policy = Policy::new(vec![Configuration::default(), Configuration::new(eu.clone())]).unwrap();
    let fixture = Fixture::new(policy);
    let ada = Caller::User(user("ada"));
    let request = unowned(Some(eu.clone()), NewKey::default());
    let id = fixture.keys.create(&ada, request).await.unwrap().key.details.id.clone();
    assert_eq!(refusal(fixture.keys.get(&ada, &id, None).await), ErrorCode::KeyNotFound);
    assert!(fixture.keys.get(&ada, &id, Some(&eu)).await.is_ok());
    assert!(fixture.keys.get(&Caller::Server, &id, None).await.is_ok());
    let unknown = ConfigId::parse("us").unwrap();
    assert_eq!(refusal(fixture.keys.get(&ada, &id, Some(&unknown)).await), ErrorCode::KeyNotFound);
    let of_unknown = ListKeys { config_id: Some(unknown), ..ListKeys::default() };
    assert_eq!(fixture.keys.list(&ada, of_unknown).await.unwrap().total.at_least(), 0);
}

#[tokio::test]
async fn an_owner_has_as_many_living_keys_as_configured() {
    let configuration = Configuration { max_keys_per_user: NonZeroU32::new(1), ..Configuration::default() };
    let fixture = Fixture::new(Policy::new(vec![configuration]).unwrap());
    fixture.create(NewKey::default()).await;
    let request = CreateKey::of(owner("ada"), NewKey::default());
    assert_eq!(refusal(fixture.keys.create(&Caller::Server, request).await), ErrorCode::MaxKeysReached);
    let of_bob = CreateKey::of(owner("bob"), NewKey::default());
    assert!(fixture.keys.create(&Caller::Server, of_bob).await.is_ok());
}

#[tokio::test]
async fn an_embedder_brings_a_generator_and_a_check() {
    let fixture = Fixture::with(default_policy(), |builder| {
        builder
            .key_generator(|request| format!("{}own-{}", request.prefix.unwrap_or(""), request.random_bytes))
            .precheck(|key| key.expose().contains("own-"))
    });
    let minted = fixture.create(NewKey::default()).await;
    assert_eq!(minted.plain.expose(), "own-32");
    assert!(fixture.verify(&minted).await.accepted().is_some());
    let foreign = VerifyKey::of(PlainKey::new("foreign"));
    let verdict = fixture.keys.verify(&Caller::Server, foreign).await.unwrap();
    assert_eq!(code_of(&verdict), Some(ErrorCode::InvalidApiKey));

    for unusable in ["", "a\0b"] {
        let fixture = Fixture::with(default_policy(), |builder| builder.key_generator(|_| unusable.to_owned()));
        let made = fixture.keys.create(&Caller::Server, CreateKey::of(owner("ada"), NewKey::default())).await;
        assert!(matches!(made, Err(ServiceError::UnusableKey)), "{unusable:?}");
    }
}

#[tokio::test]
async fn a_dry_run_foretells_the_verdict_and_counts_nothing() {
    let fixture = Fixture::new(default_policy());
    let minted = fixture.create(NewKey { remaining: Field::Given(2), ..NewKey::default() }).await;
    for cost in [0, 1, 2, 3, 2, 1] {
        let request = VerifyKey { cost: Cost(cost), ..VerifyKey::of(minted.plain.clone()) };
        let before = fixture.keys.get(&Caller::Server, &minted.key.details.id, None).await.unwrap();
        let run = fixture.keys.dry_run(&Caller::Server, request.clone()).await.unwrap();
        assert_eq!(fixture.keys.get(&Caller::Server, &minted.key.details.id, None).await.unwrap(), before);
        assert_eq!(fixture.keys.verify(&Caller::Server, request).await.unwrap(), run.verdict);
    }
}

#[tokio::test]
async fn a_dry_run_is_for_servers_alone() {
    for (access, expected) in
        [(Access::Server, ErrorCode::Unauthorized), (Access::Public, ErrorCode::ServerOnlyProperty)]
    {
        let fixture = Fixture::with(default_policy(), |builder| builder.access(access));
        for caller in [Caller::Anyone, Caller::User(user("ada"))] {
            let request = VerifyKey::of(PlainKey::new("sk_any"));
            assert_eq!(refusal(fixture.keys.dry_run(&caller, request).await), expected, "{caller:?}");
        }
        let request = VerifyKey::of(PlainKey::new("sk_any"));
        let of_gateway = fixture.keys.dry_run(&Caller::Gateway, request).await;
        assert_eq!(refusal(of_gateway), ErrorCode::ServerOnlyProperty);
    }
}

#[tokio::test]
async fn a_key_that_the_precheck_refuses_is_not_looked_for_by_a_dry_run_either() {
    let fixture = Fixture::with(default_policy(), |builder| builder.precheck(|_| false));
    let minted = fixture.create(NewKey::default()).await;
    let run = fixture.keys.dry_run(&Caller::Server, VerifyKey::of(minted.plain.clone())).await.unwrap();
    assert_eq!(run.verdict, fixture.verify(&minted).await);
    assert_eq!(code_of(&run.verdict), Some(ErrorCode::InvalidApiKey));
}

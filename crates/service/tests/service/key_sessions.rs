//! Requests that present a key and act as its owner.

use keymint_domain::key::{EditKey, Field, Minted, NewKey, PlainKey};
use keymint_domain::policy::References;
use keymint_domain::value::KeyName;
use keymint_domain::{ConfigId, Configuration, ErrorCode, OwnerId, Policy};
use keymint_service::{Caller, CreateKey, KeyHolder, ListKeys, ServiceError, UpdateKey, VerifyKey};

use crate::support::{Fixture, refusal, unowned};

const HEADER: &str = "x-api-key";

fn open() -> Configuration {
    Configuration { enable_session_for_api_keys: true, ..Configuration::default() }
}

fn policy(configurations: Vec<Configuration>) -> Policy {
    Policy::new(configurations).unwrap()
}

async fn key_of_ada(fixture: &Fixture, config_id: Option<ConfigId>) -> Minted {
    let ada = fixture.sign_up("ada").await.user;
    let new = NewKey { remaining: Field::Given(5), ..NewKey::default() };
    let request = CreateKey { owner: Some(OwnerId::from(&ada.id)), ..unowned(config_id, new) };
    fixture.keys.create(&Caller::Server, request).await.unwrap()
}

async fn remaining(fixture: &Fixture, minted: &Minted) -> Option<u64> {
    fixture.keys.get(&Caller::Server, &minted.key.details.id, None).await.unwrap().usage.remaining
}

fn key_refusal(answer: Result<KeyHolder, ServiceError>) -> ErrorCode {
    match answer {
        Err(ServiceError::KeyRefused(refusal)) => refusal.code,
        other => panic!("expected a refused key, found {other:?}"),
    }
}

#[tokio::test]
async fn a_key_counts_as_its_owner_and_is_paid_for() {
    let fixture = Fixture::new(policy(vec![open()]));
    let minted = key_of_ada(&fixture, None).await;
    let holder = fixture.keys.open_session(minted.plain.clone(), HEADER, None).await.unwrap();
    assert_eq!((holder.user.name.as_str(), holder.may_manage_keys), ("ada", false));
    assert_eq!(holder.key.usage.remaining, Some(4));
}

#[tokio::test]
async fn only_a_configuration_that_says_so_opens_sessions_and_only_by_its_headers() {
    let named = |id: &str| Configuration::new(ConfigId::parse(id).unwrap());
    let by_token = Configuration { api_key_headers: vec!["x-token".to_owned()], ..open() };
    let fixture = Fixture::new(policy(vec![by_token, named("closed")]));
    let opened = key_of_ada(&fixture, None).await;
    assert!(fixture.keys.open_session(opened.plain.clone(), "x-token", None).await.is_ok());
    assert_eq!(key_refusal(fixture.keys.open_session(opened.plain, HEADER, None).await), ErrorCode::InvalidApiKey);

    let fixture = Fixture::new(policy(vec![open(), named("closed")]));
    let closed = key_of_ada(&fixture, ConfigId::parse("closed").ok()).await;
    let refused = fixture.keys.open_session(closed.plain.clone(), HEADER, None).await;
    assert_eq!(key_refusal(refused), ErrorCode::InvalidApiKey);
    assert_eq!(remaining(&fixture, &closed).await, Some(5), "nothing was paid");
}

#[tokio::test]
async fn whoever_cannot_have_a_session_pays_nothing() {
    let of_organizations = Configuration { references: References::Organization, ..open() };
    let fixture = Fixture::new(policy(vec![of_organizations]));
    let new = NewKey { remaining: Field::Given(5), ..NewKey::default() };
    let acme = keymint_domain::OrganizationId::parse("acme").ok();
    let request = CreateKey { organization: acme, ..unowned(None, new.clone()) };
    let minted = fixture.keys.create(&Caller::Server, request).await.unwrap();
    let gone = ErrorCode::InvalidReferenceIdFromApiKey;
    assert_eq!(key_refusal(fixture.keys.open_session(minted.plain.clone(), HEADER, None).await), gone);
    assert_eq!(remaining(&fixture, &minted).await, Some(5));

    let fixture = Fixture::new(policy(vec![open()]));
    let minted = fixture.create(new).await;
    assert_eq!(
        key_refusal(fixture.keys.open_session(minted.plain.clone(), HEADER, None).await),
        gone,
        "ada is no user"
    );
    assert_eq!(remaining(&fixture, &minted).await, Some(5));

    let minted = key_of_ada(&fixture, None).await;
    let ada = fixture.keys.open_session(minted.plain.clone(), HEADER, None).await.unwrap().user;
    fixture.ban(&ada);
    let banned = fixture.keys.open_session(minted.plain.clone(), HEADER, None).await;
    assert_eq!(key_refusal(banned), ErrorCode::UserBanned);
    assert_eq!(remaining(&fixture, &minted).await, Some(4), "what the first session has cost");
}

#[tokio::test]
async fn a_short_key_is_told_so_only_where_it_does_not_exist() {
    let fixture = Fixture::with(policy(vec![open()]), |builder| builder.key_generator(|_| "short".to_owned()));
    key_of_ada(&fixture, None).await;
    assert!(fixture.keys.open_session(PlainKey::new("short"), HEADER, None).await.is_ok());
    let unknown = fixture.keys.open_session(PlainKey::new("k".repeat(42)), HEADER, None).await;
    assert!(matches!(unknown, Err(ServiceError::ShortKey)));
    let unknown = fixture.keys.open_session(PlainKey::new("k".repeat(43)), HEADER, None).await;
    assert_eq!(key_refusal(unknown), ErrorCode::InvalidApiKey);
}

#[tokio::test]
async fn a_keys_session_reads_keys_and_changes_them_only_where_that_is_allowed() {
    for may_manage_keys in [false, true] {
        let fixture = Fixture::new(policy(vec![Configuration { allow_key_management: may_manage_keys, ..open() }]));
        let minted = key_of_ada(&fixture, None).await;
        let id = minted.key.details.id.clone();
        let holder = fixture.keys.open_session(minted.plain, HEADER, None).await.unwrap();
        assert_eq!(holder.may_manage_keys, may_manage_keys);
        let caller = Caller::KeyHolder { key: holder.key.details.id.clone(), user: holder.user.id, may_manage_keys };
        assert!(fixture.keys.get(&caller, &id, None).await.is_ok());
        assert_eq!(fixture.keys.list(&caller, ListKeys::default()).await.unwrap().total.at_least(), 1);
        let edit = EditKey { name: KeyName::parse("x").ok(), ..EditKey::default() };
        let update = UpdateKey { id: id.clone(), config_id: None, owner: None, edit };
        let answers = [
            fixture.keys.create(&caller, unowned(None, NewKey::default())).await.map(drop),
            fixture.keys.update(&caller, update).await.map(drop),
            fixture.keys.revoke(&caller, &id, None).await.map(drop),
            fixture.keys.delete(&caller, &id, None).await.map(drop),
        ];
        for answer in answers {
            if may_manage_keys {
                assert!(answer.is_ok(), "{answer:?}");
            } else {
                assert_eq!(refusal(answer), ErrorCode::KeyManagementNotAllowed);
            }
        }
    }
}

#[tokio::test]
async fn a_validated_key_comes_with_its_owner_where_it_is_a_user() {
    let fixture = Fixture::new(Policy::default());
    let minted = key_of_ada(&fixture, None).await;
    let validated = fixture.keys.validate(&Caller::Server, VerifyKey::of(minted.plain)).await.unwrap().unwrap();
    assert_eq!(validated.user.unwrap().name, "ada");
    assert_eq!(validated.key.usage.remaining, Some(4));
    let of_nobody = fixture.create(NewKey::default()).await;
    let validated = fixture.keys.validate(&Caller::Server, VerifyKey::of(of_nobody.plain)).await.unwrap().unwrap();
    assert_eq!(validated.user, None);
    let unknown = fixture.keys.validate(&Caller::Server, VerifyKey::of(PlainKey::new("unknown"))).await.unwrap();
    assert_eq!(unknown.unwrap_err().code, ErrorCode::InvalidApiKey);
}

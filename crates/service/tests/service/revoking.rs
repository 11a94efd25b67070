//! Revocation: immediate, permanent, and visible.

use std::sync::Arc;

use keymint_domain::key::{Actor, EditKey, NewKey, Revocation};
use keymint_domain::listing::Unreadable;
use keymint_domain::value::KeyName;
use keymint_domain::{ConfigId, ErrorCode, KeyId, OwnerId, Policy};
use keymint_ports::{KeyStub, MockKeyStore, StoreError};
use keymint_service::{Caller, Keys, ListKeys, Revoked, UpdateKey};

use crate::support::{Fixture, NOW, code_of, refusal, unowned, user};

fn enable(fixture_id: &keymint_domain::KeyId) -> UpdateKey {
    let edit = EditKey { enabled: Some(true), name: KeyName::parse("new").ok(), ..EditKey::default() };
    UpdateKey { id: fixture_id.clone(), config_id: None, owner: None, edit }
}

#[tokio::test]
async fn a_revoked_key_stops_at_once_and_shows_when_and_by_whom() {
    let fixture = Fixture::new(Policy::default());
    let ada = Caller::User(user("ada"));
    let minted = fixture.keys.create(&ada, unowned(None, NewKey::default())).await.unwrap();
    let id = &minted.key.details.id;
    let Revoked::Key(revoked) = fixture.keys.revoke(&ada, id, None).await.unwrap() else { panic!() };
    let revocation = Some(Revocation { at: NOW, by: Actor::User(user("ada")) });
    assert_eq!((&revoked.details.revocation, revoked.details.enabled), (&revocation, false));
    assert_eq!(code_of(&fixture.verify(&minted).await), Some(ErrorCode::KeyDisabled));
    assert_eq!(fixture.keys.get(&ada, id, None).await.unwrap(), revoked);
    assert_eq!(fixture.keys.list(&ada, ListKeys::default()).await.unwrap().keys, std::slice::from_ref(&revoked));

    fixture.clock.advance(5);
    let Revoked::Key(again) = fixture.keys.revoke(&Caller::Server, id, None).await.unwrap() else { panic!() };
    assert_eq!(again.details.revocation, revocation, "the first revocation stays");
}

#[tokio::test]
async fn only_a_server_takes_a_revocation_back() {
    let fixture = Fixture::new(Policy::default());
    let ada = Caller::User(user("ada"));
    let minted = fixture.create(NewKey::default()).await;
    let id = &minted.key.details.id;
    let Revoked::Key(revoked) = fixture.keys.revoke(&Caller::Server, id, None).await.unwrap() else { panic!() };
    assert_eq!(revoked.details.revocation.as_ref().unwrap().by, Actor::Server);

    assert_eq!(refusal(fixture.keys.update(&ada, enable(id)).await), ErrorCode::KeyRevoked);
    assert_eq!(fixture.keys.get(&ada, id, None).await.unwrap().details.name, None, "nothing has changed");
    let rename = EditKey { name: KeyName::parse("old").ok(), ..EditKey::default() };
    let renamed = fixture.keys.update(&ada, UpdateKey { edit: rename, ..enable(id) }).await.unwrap();
    assert!(renamed.details.revocation.is_some() && !renamed.details.enabled);

    let restored = fixture.keys.update(&Caller::Server, enable(id)).await.unwrap();
    assert!(restored.details.revocation.is_none() && restored.details.enabled);
    assert_eq!(code_of(&fixture.verify(&minted).await), None);
}

#[tokio::test]
async fn a_user_stops_and_removes_an_own_key_that_cannot_be_read_and_no_other() {
    let stub = |owner: Option<&str>| KeyStub {
        owner: owner.map(|owner| OwnerId::parse(owner).unwrap()),
        config_id: Some(ConfigId::default_id()),
        stored: Vec::new(),
    };
    let corrupt = || StoreError::Corrupt { table: "apikey", column: "permissions", id: None };
    let mut store = MockKeyStore::new();
    store.expect_find_stub().returning(move |id| Ok(Some(stub(Some(id.as_str()).filter(|id| *id != "?")))));
    store.expect_update().once().returning(move |_, _, _, _| Err(corrupt()));
    store.expect_revoke_unreadable().once().returning(|_, _, _| Ok(true));
    store.expect_remove().once().returning(|_, _| Ok(true));
    let keys = Keys::builder(Arc::new(store)).build();
    let (ada, id) = (Caller::User(user("ada")), |text| KeyId::parse(text).unwrap());
    for other in ["bob", "?"] {
        assert_eq!(refusal(keys.revoke(&ada, &id(other), None).await), ErrorCode::KeyNotFound);
        assert_eq!(refusal(keys.delete(&ada, &id(other), None).await), ErrorCode::KeyNotFound);
    }
    let unreadable = Unreadable { id: Some(id("ada")), column: "permissions" };
    assert_eq!(keys.revoke(&ada, &id("ada"), None).await.unwrap(), Revoked::Unreadable(unreadable));
    keys.delete(&ada, &id("ada"), None).await.unwrap();
}

#[tokio::test]
async fn nobody_revokes_anothers_key() {
    let fixture = Fixture::new(Policy::default());
    let id = fixture.create(NewKey::default()).await.key.details.id.clone();
    let bob = Caller::User(user("bob"));
    assert_eq!(refusal(fixture.keys.revoke(&bob, &id, None).await), ErrorCode::KeyNotFound);
    assert_eq!(refusal(fixture.keys.revoke(&Caller::Anyone, &id, None).await), ErrorCode::Unauthorized);
    assert!(fixture.keys.get(&Caller::Server, &id, None).await.unwrap().details.enabled);
}

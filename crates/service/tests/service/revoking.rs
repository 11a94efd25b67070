//! Revoking: at once, for good, and visible.

use keymint_domain::key::{Actor, EditKey, NewKey, Revocation};
use keymint_domain::value::KeyName;
use keymint_domain::{ErrorCode, Policy};
use keymint_service::{Caller, ListKeys, UpdateKey};

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
    let revoked = fixture.keys.revoke(&ada, id, None).await.unwrap();
    let revocation = Some(Revocation { at: NOW, by: Actor::User(user("ada")) });
    assert_eq!((&revoked.details.revocation, revoked.details.enabled), (&revocation, false));
    assert_eq!(code_of(&fixture.verify(&minted).await), Some(ErrorCode::KeyDisabled));
    assert_eq!(fixture.keys.get(&ada, id, None).await.unwrap(), revoked);
    assert_eq!(fixture.keys.list(&ada, ListKeys::default()).await.unwrap().keys, std::slice::from_ref(&revoked));

    fixture.clock.advance(5);
    let again = fixture.keys.revoke(&Caller::Server, id, None).await.unwrap();
    assert_eq!(again.details.revocation, revocation, "the first revocation stays");
}

#[tokio::test]
async fn only_a_server_takes_a_revocation_back() {
    let fixture = Fixture::new(Policy::default());
    let ada = Caller::User(user("ada"));
    let minted = fixture.create(NewKey::default()).await;
    let id = &minted.key.details.id;
    let revoked = fixture.keys.revoke(&Caller::Server, id, None).await.unwrap();
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
async fn nobody_revokes_anothers_key() {
    let fixture = Fixture::new(Policy::default());
    let id = fixture.create(NewKey::default()).await.key.details.id.clone();
    let bob = Caller::User(user("bob"));
    assert_eq!(refusal(fixture.keys.revoke(&bob, &id, None).await), ErrorCode::KeyNotFound);
    assert_eq!(refusal(fixture.keys.revoke(&Caller::Anyone, &id, None).await), ErrorCode::Unauthorized);
    assert!(fixture.keys.get(&Caller::Server, &id, None).await.unwrap().details.enabled);
}

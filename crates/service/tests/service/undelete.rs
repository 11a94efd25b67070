//! Deleted keys can be restored for as long as their configuration says, and are gone then.

use std::num::NonZeroU32;

use keymint_domain::key::{Actor, Field, NewKey};
use keymint_domain::{Configuration, ErrorCode, KeyId, Policy};
use keymint_ports::{KeyStore as _, RestoredKey};
use keymint_service::{Caller, ListDeleted, Revoked};

use crate::support::{Fixture, NOW, code_of, owner, refusal, unowned, user};

const DAY_MS: u64 = 86_400_000;
const BATCH: NonZeroU32 = NonZeroU32::new(2).unwrap();

fn kept(max_keys: Option<u32>) -> Fixture {
    let max_keys_per_user = max_keys.and_then(NonZeroU32::new);
    let configuration = Configuration { undelete_ms: DAY_MS, max_keys_per_user, ..Configuration::default() };
    Fixture::new(Policy::new(vec![configuration]).unwrap())
}

async fn deleted(fixture: &Fixture) -> Vec<KeyId> {
    let all = ListDeleted { owner: None, config_id: None, offset: 0, limit: 10 };
    fixture.keys.list_deleted(&Caller::Server, all).await.unwrap().into_iter().map(|key| key.id).collect()
}

#[tokio::test]
async fn an_owner_restores_a_key_as_it_was_and_nobody_else_does() {
    let fixture = kept(None);
    let [ada, bob] = ["ada", "bob"].map(|name| Caller::User(user(name)));
    let minted = fixture.create(NewKey { remaining: Field::Given(5), ..NewKey::default() }).await;
    let id = &minted.key.details.id;
    assert_eq!(code_of(&fixture.verify(&minted).await), None);
    let before = fixture.keys.get(&ada, id, None).await.unwrap();
    fixture.clock.advance(5);
    assert_eq!(fixture.keys.delete(&ada, id, None).await.unwrap(), Some(owner("ada")));
    assert_eq!(code_of(&fixture.verify(&minted).await), Some(ErrorCode::InvalidApiKey));
    assert_eq!(refusal(fixture.keys.get(&ada, id, None).await), ErrorCode::KeyNotFound);
    assert_eq!(refusal(fixture.keys.delete(&ada, id, None).await), ErrorCode::KeyNotFound);
    let found = fixture.store.find_deleted(id).await.unwrap().unwrap().deletion;
    let at = NOW.plus_millis(5);
    assert_eq!((found.at, found.by, found.until), (at, Actor::User(user("ada")), at.plus_millis(DAY_MS)));
    assert_eq!(refusal(fixture.keys.restore(&bob, id, None).await), ErrorCode::KeyNotFound);
    assert_eq!(refusal(fixture.keys.restore(&Caller::Anyone, id, None).await), ErrorCode::Unauthorized);
    let all = ListDeleted { owner: None, config_id: None, offset: 0, limit: 10 };
    assert_eq!(refusal(fixture.keys.list_deleted(&ada, all).await), ErrorCode::UnauthorizedSession);
    fixture.clock.advance(DAY_MS);
    assert_eq!(fixture.keys.restore(&ada, id, None).await.unwrap(), RestoredKey::Key(before));
    assert_eq!(code_of(&fixture.verify(&minted).await), None);
    assert_eq!(refusal(fixture.keys.restore(&ada, id, None).await), ErrorCode::KeyNotFound);
}

#[tokio::test]
async fn a_key_is_restored_until_its_time_ends_and_clean_up_removes_it_then() {
    let fixture = kept(None);
    let mut ids = Vec::new();
    for _ in 0..5 {
        let minted = fixture.create(NewKey::default()).await;
        fixture.keys.delete(&Caller::Server, &minted.key.details.id, None).await.unwrap();
        ids.push(minted.key.details.id.clone());
        fixture.clock.advance(1);
    }
    // The last instant of the fourth.
    fixture.clock.advance(DAY_MS - 2);
    assert_eq!(refusal(fixture.keys.restore(&Caller::Server, &ids[0], None).await), ErrorCode::KeyNotFound);
    assert_eq!(fixture.keys.clean_up(BATCH).await.unwrap(), 0, "they are no keys");
    assert_eq!(deleted(&fixture).await, [&ids[4], &ids[3]].map(Clone::clone));
}

#[tokio::test]
async fn a_restored_key_is_revoked_as_before_and_takes_a_place_among_its_owners_keys() {
    let fixture = kept(Some(1));
    let ada = Caller::User(user("ada"));
    let first = fixture.keys.create(&ada, unowned(None, NewKey::default())).await.unwrap();
    let id = &first.key.details.id;
    fixture.keys.delete(&ada, id, None).await.unwrap();
    let second = fixture.keys.create(&ada, unowned(None, NewKey::default())).await.unwrap();
    assert_eq!(refusal(fixture.keys.restore(&ada, id, None).await), ErrorCode::MaxKeysReached);
    let Revoked::Key(revoked) = fixture.keys.revoke(&ada, &second.key.details.id, None).await.unwrap() else {
        panic!()
    };
    fixture.keys.delete(&ada, &second.key.details.id, None).await.unwrap();
    let restored = fixture.keys.restore(&ada, &second.key.details.id, None).await.unwrap();
    assert_eq!(restored, RestoredKey::Key(revoked));
    assert_eq!(code_of(&fixture.verify(&second).await), Some(ErrorCode::KeyDisabled));
    assert_eq!(fixture.keys.restore(&ada, id, None).await.unwrap(), RestoredKey::Key(first.key));
}

#[tokio::test]
async fn without_a_time_a_deleted_key_is_gone_at_once() {
    let fixture = Fixture::new(Policy::default());
    let minted = fixture.create(NewKey::default()).await;
    fixture.keys.delete(&Caller::Server, &minted.key.details.id, None).await.unwrap();
    assert_eq!(deleted(&fixture).await, []);
    let restored = fixture.keys.restore(&Caller::Server, &minted.key.details.id, None).await;
    assert_eq!(refusal(restored), ErrorCode::KeyNotFound);
}

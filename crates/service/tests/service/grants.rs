//! The permissions that users give, and keep.

use std::sync::Arc;

use keymint_domain::event::Origin;
use keymint_domain::key::{EditKey, Field, KeyPatch, NewKey};
use keymint_domain::{ApiKey, Configuration, KeyId, Permissions, Policy, Timestamp};
use keymint_ports::{FakeClock, StoreError, delegate_key_store};
use keymint_service::{Caller, CreateKey, Keys, ServiceError, UpdateKey};
use keymint_store_memory::MemoryStore;

use crate::support::{Fixture, NOW, owner, user};

/// The store of a deployment in which each key loses its permissions just before a change of it is written.
struct TakenAway(MemoryStore);

delegate_key_store! {
    impl KeyStore for TakenAway {
        to |this| &this.0;

        async fn update(
            &self,
            id: &KeyId,
            patch: &KeyPatch,
            now: Timestamp,
            origin: &Origin
        ) -> Result<Option<ApiKey>, StoreError> {
            let edit = EditKey { permissions: Field::Null, ..EditKey::default() };
            self.0.update(id, &edit.check(&configuration(), now).unwrap(), now, origin).await?;
            self.0.update(id, patch, now, origin).await
        }
    }
}

fn configuration() -> Configuration {
    Configuration { grantable: Some(Permissions::of(&[("files", &["read", "write"])])), ..Configuration::default() }
}

fn policy() -> Policy {
    Policy::new(vec![configuration()]).unwrap()
}

fn of(files: &str, users: &str) -> Permissions {
    Permissions::of(&[("files", &[files]), ("users", &[users])])
}

fn giving(key: &ApiKey, permissions: Permissions) -> UpdateKey {
    let edit = EditKey { permissions: Field::Given(permissions), ..EditKey::default() };
    UpdateKey { id: key.details.id.clone(), config_id: None, owner: None, edit }
}

#[tokio::test]
async fn a_user_keeps_what_a_server_gave_and_adds_none_of_it() {
    let fixture = Fixture::new(policy());
    let key = fixture.create(NewKey { permissions: Some(of("read", "delete")), ..NewKey::default() }).await.key;
    let ada = Caller::User(user("ada"));
    let set = async |permissions| fixture.keys.update(&ada, giving(&key, permissions)).await;
    let kept = set(of("write", "delete")).await.unwrap();
    assert_eq!(kept.details.permissions, Some(of("write", "delete")));
    let more = Permissions::of(&[("files", &["read"]), ("users", &["delete", "read"])]);
    let above = Permissions::of(&[("users", &["read"])]);
    assert!(matches!(set(more).await, Err(ServiceError::Ungrantable(missing)) if missing == above));
    set(Permissions::of(&[("files", &["read"])])).await.unwrap();
    let gone = Permissions::of(&[("users", &["delete"])]);
    let back = set(of("read", "delete")).await;
    assert!(matches!(back, Err(ServiceError::Ungrantable(missing)) if missing == gone), "what was given up is gone");
}

#[tokio::test]
async fn a_user_keeps_nothing_that_is_taken_away_meanwhile() {
    let store = MemoryStore::default();
    let keys = Keys::builder(Arc::new(TakenAway(store))).policy(policy()).clock(Arc::new(FakeClock::at(NOW))).build();
    let new = NewKey { permissions: Some(of("read", "delete")), ..NewKey::default() };
    let key = keys.create(&Caller::Server, CreateKey::of(owner("ada"), new)).await.unwrap().key;
    let changed = keys.update(&Caller::User(user("ada")), giving(&key, of("write", "delete"))).await.unwrap();
    assert_eq!(changed.details.permissions, Some(Permissions::of(&[("files", &["write"])])));
    let all = keys.update(&Caller::Server, giving(&key, of("write", "delete"))).await.unwrap();
    assert_eq!(all.details.permissions, Some(of("write", "delete")), "a server has no ceiling");
}

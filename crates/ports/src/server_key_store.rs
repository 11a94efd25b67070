use async_trait::async_trait;
use keymint_domain::event::Origin;
use keymint_domain::server_key::ServerKey;
use keymint_domain::{KeyId, Timestamp};

use crate::StoreError;

/// Stores [`ServerKey`]s.
///
/// # Contract
///
/// As for [`KeyStore`](crate::KeyStore): atomic, durable, visible to every handle and process, values exact, no panic.
///
/// # Errors
///
/// Every method returns [`StoreError::Unavailable`] if the store fails, and a method that reads whole rows returns
/// [`StoreError::Corrupt`] for one that it cannot read. The methods list their other errors.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait ServerKeyStore: Send + Sync + 'static {
    /// Adds a server key.
    ///
    /// # Errors
    ///
    /// Returns [`StoreError::Duplicate`] if the id exists already.
    async fn insert_server_key(&self, key: &ServerKey, origin: &Origin) -> Result<(), StoreError>;

    /// Adds a server key if the store has never held one, revoked ones included. Returns false if it has.
    ///
    /// Of two processes that start at the same time only one adds its key.
    async fn insert_first_server_key(&self, key: &ServerKey, origin: &Origin) -> Result<bool, StoreError>;

    /// Lists all server keys in order of creation, revoked ones included.
    async fn list_server_keys(&self) -> Result<Vec<ServerKey>, StoreError>;

    /// Marks a server key as revoked at `now`. Returns false if there is none with that id, or it was revoked before.
    async fn revoke_server_key(&self, id: &KeyId, now: Timestamp, origin: &Origin) -> Result<bool, StoreError>;

    /// Notes that a server key was used at `at`, unless a later use is noted. One that does not exist is left out.
    async fn note_server_key_use(&self, id: &KeyId, at: Timestamp) -> Result<(), StoreError>;
}

use async_trait::async_trait;
use keymint_domain::server_key::ServerKey;
use keymint_domain::{KeyId, Timestamp};

use crate::StoreError;

/// Keeps [`ServerKey`]s.
///
/// # Contract
/// As [`KeyStore`](crate::KeyStore)'s: atomic, durable, visible to every handle and process, values exact, no panic.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait ServerKeyStore: Send + Sync + 'static {
    /// Adds a server key. Errors: [`StoreError::Duplicate`] for an id that exists.
    async fn insert_server_key(&self, key: &ServerKey) -> Result<(), StoreError>;

    /// Adds a server key where the store has never held one, revoked ones included; `false` where it has. Two
    /// processes that start at once add one between them.
    async fn insert_first_server_key(&self, key: &ServerKey) -> Result<bool, StoreError>;

    /// Lists all server keys in order of creation, revoked ones included.
    async fn list_server_keys(&self) -> Result<Vec<ServerKey>, StoreError>;

    /// Marks a server key as revoked at `now`; `false` where there is none of that id or it was revoked before.
    async fn revoke_server_key(&self, id: &KeyId, now: Timestamp) -> Result<bool, StoreError>;
}

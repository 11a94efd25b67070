use async_trait::async_trait;
use keymint_domain::event::Origin;
use keymint_domain::server_key::ServerKey;
use keymint_domain::{KeyId, Timestamp};
use keymint_ports::{ServerKeyStore, StoreError};
use keymint_store_sql::server_keys;

use crate::PgStore;

#[async_trait]
impl ServerKeyStore for PgStore {
    async fn insert_server_key(&self, key: &ServerKey, origin: &Origin) -> Result<(), StoreError> {
        call!(self.pool, server_keys::insert_server_key, key, origin)
    }

    async fn insert_first_server_key(&self, key: &ServerKey, origin: &Origin) -> Result<bool, StoreError> {
        call!(self.pool, server_keys::insert_first_server_key, key, origin)
    }

    async fn list_server_keys(&self) -> Result<Vec<ServerKey>, StoreError> {
        call!(self.pool, server_keys::list_server_keys)
    }

    async fn revoke_server_key(&self, id: &KeyId, now: Timestamp, origin: &Origin) -> Result<bool, StoreError> {
        call!(self.pool, server_keys::revoke_server_key, id, now, origin)
    }

    async fn note_server_key_use(&self, id: &KeyId, at: Timestamp) -> Result<(), StoreError> {
        call!(self.pool, server_keys::note_server_key_use, id, at)
    }
}

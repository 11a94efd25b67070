use async_trait::async_trait;
use keymint_domain::event::Origin;
use keymint_domain::server_key::ServerKey;
use keymint_domain::{KeyId, Timestamp};
use keymint_ports::{ServerKeyStore, StoreError};
use keymint_store_sql::server_keys;

use crate::SqliteStore;

#[async_trait]
impl ServerKeyStore for SqliteStore {
    async fn insert_server_key(&self, key: &ServerKey, origin: &Origin) -> Result<(), StoreError> {
        let (key, origin) = (key.clone(), origin.clone());
        self.writer.write(async move |writer| server_keys::insert_server_key(writer, &key, &origin).await).await
    }

    async fn insert_first_server_key(&self, key: &ServerKey, origin: &Origin) -> Result<bool, StoreError> {
        let (key, origin) = (key.clone(), origin.clone());
        self.writer.write(async move |writer| server_keys::insert_first_server_key(writer, &key, &origin).await).await
    }

    async fn list_server_keys(&self) -> Result<Vec<ServerKey>, StoreError> {
        read!(self, server_keys::list_server_keys)
    }

    async fn revoke_server_key(&self, id: &KeyId, now: Timestamp, origin: &Origin) -> Result<bool, StoreError> {
        let (id, origin) = (id.clone(), origin.clone());
        self.writer.write(async move |writer| server_keys::revoke_server_key(writer, &id, now, &origin).await).await
    }

    async fn note_server_key_use(&self, id: &KeyId, at: Timestamp) -> Result<(), StoreError> {
        let id = id.clone();
        self.writer.write(async move |writer| server_keys::note_server_key_use(writer, &id, at).await).await
    }
}

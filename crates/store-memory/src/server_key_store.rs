use async_trait::async_trait;
use keymint_domain::event::Origin;
use keymint_domain::server_key::ServerKey;
use keymint_domain::{KeyId, Timestamp};
use keymint_ports::{ServerKeyStore, StoreError};

use crate::MemoryStore;

#[async_trait]
impl ServerKeyStore for MemoryStore {
    async fn insert_server_key(&self, key: &ServerKey, origin: &Origin) -> Result<(), StoreError> {
        let mut state = self.lock();
        if state.server_keys.contains_key(&key.id) {
            return Err(StoreError::Duplicate);
        }
        state.server_keys.insert(key.id.clone(), key.clone());
        state.events.add(origin.server_key_created(key));
        Ok(())
    }

    async fn insert_first_server_key(&self, key: &ServerKey, origin: &Origin) -> Result<bool, StoreError> {
        let mut state = self.lock();
        let is_first = state.server_keys.is_empty();
        if is_first {
            state.server_keys.insert(key.id.clone(), key.clone());
            state.events.add(origin.server_key_created(key));
        }
        Ok(is_first)
    }

    async fn list_server_keys(&self) -> Result<Vec<ServerKey>, StoreError> {
        let mut keys: Vec<_> = self.lock().server_keys.values().cloned().collect();
        keys.sort_by_key(|key| key.created_at);
        Ok(keys)
    }

    async fn revoke_server_key(&self, id: &KeyId, now: Timestamp, origin: &Origin) -> Result<bool, StoreError> {
        let mut state = self.lock();
        let Some(key) = state.server_keys.get_mut(id).filter(|key| key.revoked_at.is_none()) else {
            return Ok(false);
        };
        key.revoked_at = Some(now);
        state.events.add(origin.server_key_revoked(id));
        Ok(true)
    }

    async fn note_server_key_use(&self, id: &KeyId, at: Timestamp) -> Result<(), StoreError> {
        if let Some(key) = self.lock().server_keys.get_mut(id) {
            key.last_used_at = key.last_used_at.max(Some(at));
        }
        Ok(())
    }
}

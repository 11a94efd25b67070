//! A store of your own, as `docs/add-a-store.md` prints it.

use async_trait::async_trait;
use keymint_conformance::Engine;
use keymint_domain::event::Origin;
use keymint_domain::server_key::ServerKey;
use keymint_domain::verify::{Attempt, Owner, Verdict};
use keymint_domain::{KeyId, OwnerId, Policy, Timestamp};
use keymint_ports::{ServerKeyStore, StoreError};
use keymint_store_memory::MemoryStore;

struct MyStore(MemoryStore);

// A store that keeps its keys itself writes out every method, as `spend` is here, under `impl KeyStore for MyStore`.
keymint_ports::delegate_key_store! {
    impl KeyStore for MyStore {
        to |this| &this.0;

        async fn spend(
            &self,
            attempts: &[Attempt],
            policy: &Policy,
            now: Timestamp,
        ) -> Result<Vec<Result<Verdict, StoreError>>, StoreError> {
            self.0.spend(attempts, policy, now).await
        }
    }
}

#[async_trait]
impl ServerKeyStore for MyStore {
    async fn insert_server_key(&self, key: &ServerKey, origin: &Origin) -> Result<(), StoreError> {
        self.0.insert_server_key(key, origin).await
    }

    async fn insert_first_server_key(&self, key: &ServerKey, origin: &Origin) -> Result<bool, StoreError> {
        self.0.insert_first_server_key(key, origin).await
    }

    async fn list_server_keys(&self) -> Result<Vec<ServerKey>, StoreError> {
        self.0.list_server_keys().await
    }

    async fn revoke_server_key(&self, id: &KeyId, now: Timestamp, origin: &Origin) -> Result<bool, StoreError> {
        self.0.revoke_server_key(id, now, origin).await
    }

    async fn note_server_key_use(&self, id: &KeyId, at: Timestamp) -> Result<(), StoreError> {
        self.0.note_server_key_use(id, at).await
    }
}

/// One empty database. For a real one: its address, and what removes it at the end.
#[derive(Default)]
struct MyEngine(MemoryStore);

#[async_trait]
impl Engine for MyEngine {
    type Store = MyStore;

    /// Another handle, as another process would open it: a pool of its own.
    async fn open(&self) -> MyStore {
        MyStore(self.0.clone())
    }

    /// Writes a row of the table `user`, or changes the ban of one that is there.
    async fn put_owner(&self, id: &OwnerId, owner: Owner) {
        self.0.put_owner(id.clone(), owner);
    }
}

// One test a case, each on an engine of its own.
keymint_conformance::suite!([#[tokio::test(flavor = "multi_thread")]] [MyEngine::default()]);

#[test]
fn random_sequences_agree_with_the_memory_store() {
    keymint_conformance::model::every_sequence_agrees(30, async || (MyEngine::default(), MemoryStore::default()));
}

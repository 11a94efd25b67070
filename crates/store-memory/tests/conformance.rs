//! The memory store under the suite that every store passes.

use async_trait::async_trait;
use keymint_conformance::Engine;
use keymint_domain::OwnerId;
use keymint_domain::verify::Owner;
use keymint_store_memory::MemoryStore;

struct Memory(MemoryStore);

#[async_trait]
impl Engine for Memory {
    type Store = MemoryStore;

    async fn open(&self) -> MemoryStore {
        self.0.clone()
    }

    async fn put_owner(&self, id: &OwnerId, owner: Owner) {
        self.0.put_owner(id.clone(), owner);
    }
}

keymint_conformance::suite!([#[tokio::test(flavor = "multi_thread")]] [Memory(MemoryStore::default())]);
keymint_conformance::identity_suite!([#[tokio::test(flavor = "multi_thread")]] [Memory(MemoryStore::default())]);
keymint_conformance::event_suite!([#[tokio::test(flavor = "multi_thread")]] [Memory(MemoryStore::default())]);
keymint_conformance::usage_suite!([#[tokio::test(flavor = "multi_thread")]] [Memory(MemoryStore::default())]);

keymint_conformance::survey_suite!([#[tokio::test(flavor = "multi_thread")]] [Memory(MemoryStore::default())]);
keymint_conformance::webhook_suite!([#[tokio::test(flavor = "multi_thread")]] [Memory(MemoryStore::default())]);

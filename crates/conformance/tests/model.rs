//! The comparison with a model distinguishes a correct store from a wrong one.

use std::panic::{AssertUnwindSafe, catch_unwind};

use async_trait::async_trait;
use keymint_conformance::Engine;
use keymint_conformance::model::every_sequence_agrees;
use keymint_domain::policy::Policy;
use keymint_domain::verify::{Attempt, Owner, Verdict};
use keymint_domain::{OwnerId, Timestamp};
use keymint_ports::{StoreError, delegate_key_store};
use keymint_store_memory::MemoryStore;

#[derive(Default)]
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

/// A store that settles the attempts of a batch from the last to the first, and is correct otherwise.
struct Backwards(MemoryStore);

delegate_key_store! {
    impl KeyStore for Backwards {
        to |this| &this.0;

        async fn spend(
            &self,
            attempts: &[Attempt],
            policy: &Policy,
            now: Timestamp,
        ) -> Result<Vec<Result<Verdict, StoreError>>, StoreError> {
            let backwards: Vec<_> = attempts.iter().rev().cloned().collect();
            let answers = self.0.spend(&backwards, policy, now).await?;
            Ok(answers.into_iter().rev().collect())
        }
    }
}

#[test]
fn a_store_agrees_with_itself() {
    every_sequence_agrees(100, async || (Memory::default(), MemoryStore::default()));
}

#[test]
fn a_store_that_answers_wrongly_is_found_out() {
    let compare = || every_sequence_agrees(200, async || (Memory::default(), Backwards(MemoryStore::default())));
    assert!(catch_unwind(AssertUnwindSafe(compare)).is_err());
}

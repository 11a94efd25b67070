//! A service over the memory store, with a clock that stands still.

use std::sync::Arc;

use keymint_domain::key::{Minted, NewKey};
use keymint_domain::verify::Verdict;
use keymint_domain::{ErrorCode, OwnerId, Policy, Timestamp};
use keymint_ports::{Clock, FakeClock, SeededEntropy};
use keymint_service::{Caller, CreateKey, KeyError, Keys, KeysBuilder, VerifyKey};
use keymint_store_memory::MemoryStore;

pub(crate) const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

pub(crate) struct Fixture {
    pub(crate) clock: Arc<FakeClock>,
    pub(crate) keys: Arc<Keys>,
}

impl Fixture {
    pub(crate) fn new(policy: Policy) -> Self {
        Self::with(policy, |builder| builder)
    }

    pub(crate) fn with(policy: Policy, finish: impl FnOnce(KeysBuilder) -> KeysBuilder) -> Self {
        let clock = Arc::new(FakeClock::at(NOW));
        let builder = Keys::builder(Arc::new(MemoryStore::default()))
            .policy(policy)
            .clock(Arc::clone(&clock) as Arc<dyn Clock>)
            .entropy(Arc::new(SeededEntropy::new(7)));
        Self { clock, keys: Arc::new(finish(builder).build()) }
    }

    pub(crate) async fn create(&self, new: NewKey) -> Minted {
        self.keys.create(&Caller::Server, CreateKey::of(owner("ada"), new)).await.unwrap()
    }

    pub(crate) async fn verify(&self, minted: &Minted) -> Verdict {
        self.keys.verify(&Caller::Server, VerifyKey::of(minted.plain.clone())).await.unwrap()
    }
}

pub(crate) fn owner(id: &str) -> OwnerId {
    OwnerId::parse(id).unwrap()
}

pub(crate) fn code_of(verdict: &Verdict) -> Option<ErrorCode> {
    verdict.refused().map(|refusal| refusal.code)
}

#[track_caller]
pub(crate) fn refusal<T: std::fmt::Debug>(result: Result<T, KeyError>) -> ErrorCode {
    match result {
        Err(KeyError::Refused(code)) => code,
        other => panic!("expected a refusal, found {other:?}"),
    }
}

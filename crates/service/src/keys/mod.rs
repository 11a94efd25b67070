//! The use cases of keys, one a file.

mod create;
mod delete;
mod dry_run;
mod find;
mod get;
mod list;
mod revoke;
mod session;
mod update;
mod validate;
mod verify;

use std::fmt;
use std::sync::Arc;

use keymint_domain::key::StoredKey;
use keymint_domain::{Policy, Timestamp};
use keymint_ports::{Clock, Entropy, IdentityStore, KeyStore, Meter, OrganizationStore};

use crate::builder::{KeyGenerator, Precheck};
use crate::deferral::Deferral;
use crate::exhausted::ExhaustedCandidates;
use crate::group_commit::GroupCommit;
use crate::idempotency::Idempotency;
use crate::readiness::Readiness;
use crate::{Access, KeysBuilder, ServiceError};

pub use create::CreateKey;
pub use list::{ListKeys, Whose};
pub use revoke::Revoked;
pub use session::KeyHolder;
pub use update::UpdateKey;
pub use validate::Validated;
pub use verify::VerifyKey;

/// Creates, verifies and manages API keys.
pub struct Keys {
    pub(crate) store: Arc<dyn KeyStore>,
    pub(crate) users: Option<Arc<dyn IdentityStore>>,
    pub(crate) organizations: Option<Arc<dyn OrganizationStore>>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) meter: Arc<dyn Meter>,
    pub(crate) policy: Arc<Policy>,
    pub(crate) access: Access,
    pub(crate) verifier: Arc<GroupCommit>,
    /// What judges keys on copies; `None` = no configuration defers usage.
    pub(crate) deferral: Option<Arc<Deferral>>,
    /// What remembers the uses that must not be paid twice; `None` = nobody asks for that.
    pub(crate) idempotency: Option<Idempotency>,
    pub(crate) generator: Option<Box<KeyGenerator>>,
    pub(crate) precheck: Option<Box<Precheck>>,
    pub(crate) readiness: Readiness,
    pub(crate) exhausted_candidates: ExhaustedCandidates,
}

impl Keys {
    /// Starts putting the service together, over `store`.
    pub fn builder(store: Arc<dyn KeyStore>) -> KeysBuilder {
        KeysBuilder::new(store)
    }

    /// What is allowed.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The present instant, by the clock that keys are judged by.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Whether verifications succeed. They do where one was accepted, and so written, within the last two seconds. Otherwise
    /// the store is probed, by a write that changes nothing, once a second at most; it has a second to answer.
    pub async fn ready(&self) -> Result<(), ServiceError> {
        self.readiness.of(self).await
    }

    /// Writes all usage that is deferred. It is written by itself every flush interval; this is for a service that is
    /// about to be dropped, with which the rest would be lost.
    ///
    /// Errors: the store failed, or its queue was full. What could not be written is kept.
    pub async fn flush(&self) -> Result<(), ServiceError> {
        match &self.deferral {
            Some(deferral) => deferral.flush().await,
            None => Ok(()),
        }
    }

    /// Lets no use of a key that was changed be judged on what it was before. `None`: nobody can use it.
    async fn forget(&self, key: Option<&StoredKey>) {
        if let (Some(deferral), Some(key)) = (&self.deferral, key) {
            deferral.forget(key).await;
        }
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys")
            .field("policy", &self.policy)
            .field("verifier", &self.verifier)
            .field("deferral", &self.deferral)
            .finish_non_exhaustive()
    }
}

//! The use cases of keys, one a file.

mod create;
mod delete;
mod find;
mod get;
mod list;
mod revoke;
mod session;
mod update;
mod validate;
mod verify;

use std::collections::HashSet;
use std::fmt;
use std::sync::{Arc, Mutex};

use keymint_domain::{KeyId, Policy};
use keymint_ports::{Clock, Entropy, IdentityStore, KeyStore, OrganizationStore};

use crate::builder::{KeyGenerator, Precheck};
use crate::group_commit::GroupCommit;
use crate::{Access, KeysBuilder, ServiceError};

pub use create::CreateKey;
pub use list::{ListKeys, Whose};
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
    pub(crate) policy: Arc<Policy>,
    pub(crate) access: Access,
    pub(crate) verifier: GroupCommit,
    pub(crate) generator: Option<Box<KeyGenerator>>,
    pub(crate) precheck: Option<Box<Precheck>>,
    /// Exhausted keys that somebody tried to use: the next clean-up removes them.
    pub(crate) graves: Mutex<HashSet<KeyId>>,
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

    /// Whether the store answers.
    pub async fn ready(&self) -> Result<(), ServiceError> {
        Ok(self.store.ping().await?)
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys").field("policy", &self.policy).field("verifier", &self.verifier).finish_non_exhaustive()
    }
}

//! The use cases, one a file.

mod create;
mod delete;
mod get;
mod list;
mod update;
mod verify;

use std::collections::HashSet;
use std::fmt;
use std::sync::{Arc, Mutex};

use keymint_domain::{ApiKey, ConfigId, ErrorCode, KeyId, OwnerId, Policy};
use keymint_ports::{Clock, Entropy, KeyStore};

use crate::builder::{KeyGenerator, Precheck};
use crate::group_commit::GroupCommit;
use crate::{Access, KeyError, KeysBuilder};

pub use create::CreateKey;
pub use list::ListKeys;
pub use update::UpdateKey;
pub use verify::VerifyKey;

/// Creates, verifies and manages API keys.
pub struct Keys {
    pub(crate) store: Arc<dyn KeyStore>,
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
    pub async fn ready(&self) -> Result<(), KeyError> {
        Ok(self.store.ping().await?)
    }

    /// The key of that id, where it is of the configuration asked for, and belongs to `owner` where one is given.
    /// Whatever does not fit is as if it did not exist.
    ///
    /// A user who names no configuration means the default one (wire document 7.2); a server, any.
    async fn find(
        &self,
        id: &KeyId,
        config_id: Option<&ConfigId>,
        user: Option<&OwnerId>,
        owner: Option<&OwnerId>,
    ) -> Result<ApiKey, KeyError> {
        let scope = match (config_id, user) {
            (None, None) => None,
            (Some(id), _) => Some(&self.policy.resolve(id)?.id),
            (None, Some(_)) => Some(&self.policy.resolve(&ConfigId::default_id())?.id),
        };
        let found = self.store.find(id).await?.filter(|key| {
            scope.is_none_or(|scope| *scope == key.details.config_id)
                && user.is_none_or(|user| *user == key.details.owner)
                && owner.is_none_or(|owner| *owner == key.details.owner)
        });
        Ok(found.ok_or(ErrorCode::KeyNotFound)?)
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys").field("policy", &self.policy).field("verifier", &self.verifier).finish_non_exhaustive()
    }
}

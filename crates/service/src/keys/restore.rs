use keymint_domain::policy::ConfigFilter;
use keymint_domain::{ConfigId, ErrorCode, KeyId, OwnerId};
use keymint_ports::{DeletedKey, DeletedQuery, RestoredKey, StoreError};

use crate::caller::Deed;
use crate::{Caller, Context, Keys, ServiceError};

/// A request for a page of deleted keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListDeleted {
    /// Only keys of this owner.
    pub owner: Option<OwnerId>,
    /// Only keys of this configuration.
    pub config_id: Option<ConfigId>,
    /// The rows to skip.
    pub offset: u64,
    /// The largest number of keys.
    pub limit: u32,
}

impl Keys {
    /// Restores a deleted key, with the counters and all else that it had. Any caller who may delete a key may restore
    /// it, until its time ends.
    ///
    /// # Errors
    ///
    /// Returns, like [`Keys::delete`], `UNAUTHORIZED`; `KEY_NOT_FOUND`, also for another user's key; a member's missing
    /// right. Also `MAX_KEYS_REACHED` like [`Keys::create`], and `KEY_EXISTS` if another key has the id or the secret by
    /// now; [`ServiceError::Store`] if the store fails.
    pub async fn restore<'a>(
        &self,
        context: impl Into<Context<'a>> + Send,
        id: &KeyId,
        config_id: Option<&ConfigId>,
    ) -> Result<RestoredKey, ServiceError> {
        let context = context.into();
        let reach = context.caller.manages(Deed::Delete, ErrorCode::Unauthorized)?;
        let now = self.clock.now();
        let stub = self.find_deleted_for(reach, Deed::Delete, id, config_id, now).await?.stub;
        let configuration = stub.config_id.as_ref().and_then(|id| self.policy.resolve(id).ok());
        let max_living = configuration.and_then(|found| found.max_keys_per_user);
        let restored = self.store.restore(id, max_living, now, &self.origin(&context, now)).await;
        self.forget(&stub.stored).await;
        match restored {
            Ok(restored) => Ok(restored.ok_or(ErrorCode::KeyNotFound)?),
            Err(StoreError::OwnerFull) => Err(ErrorCode::MaxKeysReached.into()),
            Err(StoreError::Duplicate) => Err(ErrorCode::KeyExists.into()),
            Err(error) => Err(error.into()),
        }
    }

    /// Lists deleted keys that can be restored or wait for clean-up, the last deleted first.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorCode::UnauthorizedSession`] for any caller but a server and an operator, and [`ServiceError::Store`] if the store
    /// fails.
    pub async fn list_deleted(&self, caller: &Caller, request: ListDeleted) -> Result<Vec<DeletedKey>, ServiceError> {
        if !caller.manages_all() {
            return Err(ErrorCode::UnauthorizedSession.into());
        }
        let ListDeleted { owner, config_id, offset, limit } = request;
        let configurations = config_id.map_or(ConfigFilter::Any, |id| ConfigFilter::AnyOf(vec![id]));
        Ok(self.store.list_deleted(&DeletedQuery { owner, configurations, offset, limit }).await?)
    }
}

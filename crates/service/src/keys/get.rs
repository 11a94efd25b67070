use keymint_domain::{ApiKey, ConfigId, ErrorCode, KeyId};

use crate::caller::Deed;
use crate::{Caller, Keys, ServiceError};

impl Keys {
    /// Returns one key. A user who names no configuration means the default one (docs/better-auth-wire.md 7.2); a
    /// server means any.
    ///
    /// # Errors
    ///
    /// Returns `UNAUTHORIZED`; `KEY_NOT_FOUND`, also for another user's key; a member's missing right;
    /// [`ServiceError::Store`] if the store fails.
    pub async fn get(&self, caller: &Caller, id: &KeyId, config_id: Option<&ConfigId>) -> Result<ApiKey, ServiceError> {
        let reach = caller.manages(Deed::Read, ErrorCode::Unauthorized)?;
        Ok(self.find_for(reach, Deed::Read, id, config_id).await?.as_of(self.clock.now()))
    }
}

use keymint_domain::{ApiKey, ConfigId, ErrorCode, KeyId};

use crate::{Caller, KeyError, Keys};

impl Keys {
    /// Returns one key. A user who names no configuration means the default one (wire document 7.2); a server, any.
    ///
    /// Errors: `UNAUTHORIZED`; `KEY_NOT_FOUND`, also for another user's key.
    pub async fn get(&self, caller: &Caller, id: &KeyId, config_id: Option<&ConfigId>) -> Result<ApiKey, KeyError> {
        let user = caller.manages(ErrorCode::Unauthorized)?;
        self.find(id, config_id, user, None).await
    }
}

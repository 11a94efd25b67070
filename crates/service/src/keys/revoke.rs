use keymint_domain::key::{KeyPatch, Revocation};
use keymint_domain::organization::Action;
use keymint_domain::{ApiKey, ConfigId, ErrorCode, KeyId};

use crate::caller::actor;
use crate::{Caller, Keys, ServiceError};

impl Keys {
    /// Stops a key at once, and keeps it visible: list and get show when and by whom it was revoked. A key that was
    /// revoked before stays as it was. Returns it as it is then.
    ///
    /// Whoever may delete a key may revoke it. Errors, as of [`Keys::delete`]: `UNAUTHORIZED`; `KEY_NOT_FOUND`, also for
    /// another user's key; a member's missing right.
    pub async fn revoke(
        &self,
        caller: &Caller,
        id: &KeyId,
        config_id: Option<&ConfigId>,
    ) -> Result<ApiKey, ServiceError> {
        let user = caller.manages(Action::Delete, ErrorCode::Unauthorized)?;
        let key = self.find_for(user, Action::Delete, id, config_id).await?;
        let now = self.clock.now();
        let patch = KeyPatch::revoking(Revocation { at: now, by: actor(user) });
        let updated = self.store.update(id, &patch, now).await;
        self.forget(&key).await;
        Ok(updated?.ok_or(ErrorCode::KeyNotFound)?)
    }
}

use keymint_domain::key::{KeyPatch, Revocation};
use keymint_domain::listing::Unreadable;
use keymint_domain::{ApiKey, ConfigId, ErrorCode, KeyId};
use keymint_ports::StoreError;

use crate::caller::Deed;
use crate::{Context, Keys, ServiceError};

/// A key that was revoked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Revoked {
    /// The key after the revocation.
    Key(ApiKey),
    /// A key whose row cannot be read, but is now marked as revoked.
    Unreadable(Unreadable),
}

impl Keys {
    /// Revokes a key at once. It stays visible: list and get show when and by whom it was revoked.
    ///
    /// A key that was revoked before does not change. A key whose row cannot be read is revoked, too. Any caller who
    /// may delete a key may revoke it, and a portal session with that right.
    ///
    /// # Errors
    ///
    /// Returns, like [`Keys::delete`], `UNAUTHORIZED`; `KEY_NOT_FOUND`, also for another user's key; a member's missing
    /// right; [`ServiceError::Store`] if the store fails.
    pub async fn revoke<'a>(
        &self,
        context: impl Into<Context<'a>> + Send,
        id: &KeyId,
        config_id: Option<&ConfigId>,
    ) -> Result<Revoked, ServiceError> {
        let context = context.into();
        let reach = context.caller.manages(Deed::Revoke, ErrorCode::Unauthorized)?;
        let stub = self.find_stub_for(reach, Deed::Revoke, id, config_id).await?;
        let now = self.clock.now();
        let revocation = Revocation { at: now, by: context.caller.revoker() };
        let (patch, origin) = (KeyPatch::revoking(revocation.clone()), self.origin(&context, now));
        let revoked = match self.store.update(id, &patch, now, &origin).await {
            Err(StoreError::Corrupt { column, .. }) => {
                let found = self.store.revoke_unreadable(id, &revocation, &origin).await;
                found.map(|found| found.then(|| Revoked::Unreadable(Unreadable { id: Some(id.clone()), column })))
            }
            updated => updated.map(|key| key.map(Revoked::Key)),
        };
        self.forget(&stub.stored).await;
        Ok(revoked?.ok_or(ErrorCode::KeyNotFound)?)
    }
}

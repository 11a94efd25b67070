use keymint_domain::key::{EditKey, KeyDetails};
use keymint_domain::{ApiKey, ConfigId, ErrorCode, KeyId, OwnerId};

use super::options::lets_grant;
use crate::caller::{Deed, Reach};
use crate::{Context, Keys, ServiceError};

/// A request to change a key.
#[derive(Debug, Clone, PartialEq)]
pub struct UpdateKey {
    /// The key.
    pub id: KeyId,
    /// The configuration that the key must be of; `None` = the default one for a user, any for a server.
    pub config_id: Option<ConfigId>,
    /// The owner that the key must have, if given.
    pub owner: Option<OwnerId>,
    /// The requested changes.
    pub edit: EditKey,
}

impl Keys {
    /// Changes a key, and returns the changed key.
    ///
    /// Counters are unchanged, except those that the request names. If a server or an operator enables a revoked key, it takes the
    /// revocation back; no other caller may. A user who sets permissions keeps those that the key has, also if they may not give
    /// them; one that is taken away meanwhile stays away.
    ///
    /// # Errors
    ///
    /// Returns, in Better Auth's order (docs/better-auth-wire.md 7.4): `UNAUTHORIZED_SESSION`; server-only members from
    /// any caller but a server; `KEY_NOT_FOUND`, also for another user's key; a member's missing right; the errors of
    /// [`EditKey::check`]; `KEY_REVOKED`; `ADD_REMAINING_NOT_ALLOWED` for a key without a quota. Also
    /// [`ServiceError::Ungrantable`] for permissions that the key does not have and the caller may not give, and
    /// [`ServiceError::Store`] if the store fails.
    pub async fn update<'a>(
        &self,
        context: impl Into<Context<'a>> + Send,
        request: UpdateKey,
    ) -> Result<ApiKey, ServiceError> {
        let context = context.into();
        let UpdateKey { id, config_id, owner, edit } = request;
        let reach = context.caller.manages(Deed::Update, ErrorCode::UnauthorizedSession)?;
        if let Reach::User(user) = reach {
            if owner.as_ref().is_some_and(|owner| *user != *owner) {
                return Err(ErrorCode::UnauthorizedSession.into());
            }
            let configuration = self.policy.resolve(config_id.as_ref().unwrap_or(&ConfigId::default_id()));
            let may_grant = configuration.is_ok_and(|found| lets_grant(found, context.caller));
            if edit.has_server_only_members(may_grant) {
                return Err(ErrorCode::ServerOnlyProperty.into());
            }
        }
        let key = self.find_for(reach, Deed::Update, &id, config_id.as_ref()).await?;
        if reach == Reach::Everyone && owner.is_some_and(|owner| owner != key.details.owner) {
            return Err(ErrorCode::KeyNotFound.into());
        }
        let now = self.clock.now();
        let configuration = self.policy.resolve(&key.details.config_id)?;
        let patch = edit.check(configuration, now)?;
        patch.check_end(key.details.created_at, configuration)?;
        let ceiling = match patch.given_permissions() {
            None => None,
            Some(asked) => {
                let KeyDetails { owner, permissions, .. } = &*key.details;
                self.check_grant(context.caller, configuration, owner, permissions.as_ref(), asked).await?
            }
        };
        let patch = patch.within(ceiling);
        let patch = if reach == Reach::Everyone { patch.restoring() } else { patch };
        // A key that is revoked from here on stays disabled whatever the patch says: the domain ensures it.
        if patch.enables() && key.details.revocation.is_some() {
            return Err(ErrorCode::KeyRevoked.into());
        }
        if patch.needs_quota() && key.usage.remaining.is_none() {
            return Err(ErrorCode::AddRemainingNotAllowed.into());
        }
        if patch.resets_limit() {
            // Calls that were answered on a copy count before the count ends.
            self.flush().await?;
        }
        let updated = self.store.update(&id, &patch, now, &self.origin(&context, now)).await;
        self.forget(key.details.stored_forms()).await;
        Ok(updated?.ok_or(ErrorCode::KeyNotFound)?)
    }
}

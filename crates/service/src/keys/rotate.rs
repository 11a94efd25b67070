use keymint_domain::key::{Minted, NewSecret, Rotated, RotationChange, RotationRefused};
use keymint_domain::policy::RotateSecret;
use keymint_domain::{ApiKey, ConfigId, ErrorCode, KeyId, UserId};

use crate::caller::{Deed, Reach};
use crate::{Caller, Context, Keys, ServiceError};

/// A request for a new secret of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RotateKey {
    /// The key.
    pub id: KeyId,
    /// The configuration that the key must be of; `None` = the default one for a user, any for a server.
    pub config_id: Option<ConfigId>,
    /// The rotation.
    pub rotation: RotateSecret,
}

/// A request to end a rotation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeRotation {
    /// The new secret ends before its first use, and the one in use stays.
    Cancel,
    /// All secrets but the new one end now.
    Finish,
}

impl Keys {
    /// Gives a key a new secret, beside which the one in use stays valid for a while. Its text is only in the answer.
    ///
    /// The session of a key may rotate that key where `allow_self_rotation` is set, while no rotation is under way.
    ///
    /// # Errors
    ///
    /// Returns `UNAUTHORIZED_SESSION`; `KEY_MANAGEMENT_NOT_ALLOWED`; `KEY_NOT_FOUND`, also for another user's key; a
    /// member's missing right; `KEY_REVOKED`; `KEY_EXPIRED`; `ROTATION_OPEN`. Also [`ServiceError::UnusableKey`], and
    /// [`ServiceError::Store`] if the store fails. Then nothing has changed.
    pub async fn rotate<'a>(
        &self,
        context: impl Into<Context<'a>> + Send,
        request: RotateKey,
    ) -> Result<Minted, ServiceError> {
        let minted = self.begin_rotation(&context.into(), request, None).await?;
        minted.map_err(refused)
    }

    /// Gives a key a new secret, as [`Keys::rotate`] does, if it still has the secrets with which the caller has seen it;
    /// `None` = it has others, and nothing has changed.
    ///
    /// Of any number of requests by what was seen once, one makes a secret.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`Keys::rotate`].
    pub async fn rotate_as_seen<'a>(
        &self,
        context: impl Into<Context<'a>> + Send,
        request: RotateKey,
        seen: &ApiKey,
    ) -> Result<Option<Minted>, ServiceError> {
        match self.begin_rotation(&context.into(), request, Some(seen)).await? {
            Ok(minted) => Ok(Some(minted)),
            Err(RotationRefused::Changed) => Ok(None),
            Err(reason) => Err(refused(reason)),
        }
    }

    async fn begin_rotation(
        &self,
        context: &Context<'_>,
        request: RotateKey,
        seen: Option<&ApiKey>,
    ) -> Result<Result<Minted, RotationRefused>, ServiceError> {
        let RotateKey { id, config_id, rotation } = request;
        let own = own_key(context.caller, &id);
        let reach = match own {
            Some(user) => Reach::User(user),
            None => context.caller.manages(Deed::Rotate, ErrorCode::UnauthorizedSession)?,
        };
        let key = self.find_for(reach, Deed::Rotate, &id, config_id.as_ref()).await?;
        let configuration = self.policy.resolve(&key.details.config_id)?;
        if own.is_some() && !configuration.allow_self_rotation {
            return Err(ErrorCode::KeyManagementNotAllowed.into());
        }
        let plain = self.key_text(key.details.prefix.as_deref(), configuration)?;
        let now = self.clock.now();
        let new = NewSecret {
            seen: seen.map(|key| key.details.stored_forms().cloned().collect()),
            ..configuration.new_secret(rotation, &plain, own.is_some(), now)
        };
        let changed = self.change_rotation(context, &key, &RotationChange::Begin(new)).await?;
        Ok(changed.map(|key| Minted { key, plain }))
    }

    /// Ends a rotation of a key before its time.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`Keys::rotate`], except those of a revoked or expired key; `ROTATION_NOT_OPEN`;
    /// `ROTATION_CONFIRMED` if the new secret of a rotation that is to be cancelled is in use.
    pub async fn end_rotation_of<'a>(
        &self,
        context: impl Into<Context<'a>> + Send,
        id: &KeyId,
        config_id: Option<&ConfigId>,
        change: ChangeRotation,
    ) -> Result<ApiKey, ServiceError> {
        let context = context.into();
        if own_key(context.caller, id).is_some() {
            return Err(ErrorCode::KeyManagementNotAllowed.into());
        }
        let reach = context.caller.manages(Deed::Rotate, ErrorCode::UnauthorizedSession)?;
        let key = self.find_for(reach, Deed::Rotate, id, config_id).await?;
        let change = match change {
            ChangeRotation::Cancel => RotationChange::Cancel,
            ChangeRotation::Finish => RotationChange::Finish,
        };
        self.change_rotation(&context, &key, &change).await?.map_err(refused)
    }

    async fn change_rotation(
        &self,
        context: &Context<'_>,
        key: &ApiKey,
        change: &RotationChange,
    ) -> Result<Result<ApiKey, RotationRefused>, ServiceError> {
        let now = self.clock.now();
        let outcome = self.store.rotate(&key.details.id, change, now, &self.origin(context, now)).await;
        self.forget(key.details.stored_forms()).await;
        let changed = outcome?.ok_or(ErrorCode::KeyNotFound)?;
        if let Ok(Rotated { key, turns: _ }) = &changed {
            self.forget(key.details.stored_forms()).await;
        }
        Ok(changed.map(|rotated| rotated.key))
    }
}

fn refused(reason: RotationRefused) -> ServiceError {
    match reason {
        RotationRefused::Open | RotationRefused::Changed => ErrorCode::RotationOpen.into(),
        RotationRefused::NotOpen => ErrorCode::RotationNotOpen.into(),
        RotationRefused::Confirmed => ErrorCode::RotationConfirmed.into(),
        RotationRefused::Foreign => ErrorCode::KeyUnused.into(),
        RotationRefused::Revoked => ErrorCode::KeyRevoked.into(),
        RotationRefused::Expired => ErrorCode::KeyExpired.into(),
        RotationRefused::SameSecret => ServiceError::UnusableKey,
    }
}

/// Returns the owner of the key of that id, if the caller is its own session.
fn own_key<'c>(caller: &'c Caller, id: &KeyId) -> Option<&'c UserId> {
    match caller {
        Caller::KeyHolder { key, user, may_manage_keys: _ } if key == id => Some(user),
        _ => None,
    }
}

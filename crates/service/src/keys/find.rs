use keymint_domain::organization::Action;
use keymint_domain::policy::References;
use keymint_domain::{ApiKey, ConfigId, ErrorCode, KeyId, OrganizationId, OwnerId, Timestamp, UserId};
use keymint_ports::{DeletedKey, KeyStub};

use crate::{Keys, ServiceError};

impl Keys {
    /// Finds the key that `user` takes `action` on. A server (`None`) may take any action.
    ///
    /// A mismatch returns not-found. For an organization's key, members and strangers get the reason instead
    /// (docs/better-auth-wire.md 7.2, 10).
    ///
    /// A user who names no configuration means the default one; a server means any.
    pub(super) async fn find_for(
        &self,
        user: Option<&UserId>,
        action: Action,
        id: &KeyId,
        config_id: Option<&ConfigId>,
    ) -> Result<ApiKey, ServiceError> {
        let scope = self.scope(user, config_id)?;
        let key = self.store.find(id).await?.ok_or(ErrorCode::KeyNotFound)?;
        self.authorize_on(user, action, scope, Some(&key.details.config_id), Some(&key.details.owner)).await?;
        Ok(key)
    }

    /// Finds the stub of a key under the same conditions. It suffices to revoke or remove a key whose row cannot be
    /// read.
    pub(super) async fn find_stub_for(
        &self,
        user: Option<&UserId>,
        action: Action,
        id: &KeyId,
        config_id: Option<&ConfigId>,
    ) -> Result<KeyStub, ServiceError> {
        let scope = self.scope(user, config_id)?;
        let stub = self.store.find_stub(id).await?.ok_or(ErrorCode::KeyNotFound)?;
        self.authorize_on(user, action, scope, stub.config_id.as_ref(), stub.owner.as_ref()).await?;
        Ok(stub)
    }

    /// Finds a deleted key, which can still be restored, under the same conditions.
    pub(super) async fn find_deleted_for(
        &self,
        user: Option<&UserId>,
        action: Action,
        id: &KeyId,
        config_id: Option<&ConfigId>,
        now: Timestamp,
    ) -> Result<DeletedKey, ServiceError> {
        let scope = self.scope(user, config_id)?;
        let deleted = self.store.find_deleted(id).await?.filter(|deleted| !deleted.deletion.is_final(now));
        let deleted = deleted.ok_or(ErrorCode::KeyNotFound)?;
        let KeyStub { owner, config_id, stored: _ } = &deleted.stub;
        self.authorize_on(user, action, scope, config_id.as_ref(), owner.as_ref()).await?;
        Ok(deleted)
    }

    /// Returns the configuration that a key must be of; `None` = any.
    fn scope(&self, user: Option<&UserId>, config_id: Option<&ConfigId>) -> Result<Option<&ConfigId>, ErrorCode> {
        match (config_id, user) {
            (None, None) => Ok(None),
            (Some(id), _) => Ok(Some(&self.policy.resolve(id)?.id)),
            (None, Some(_)) => Ok(Some(&self.policy.resolve(&ConfigId::default_id())?.id)),
        }
    }

    /// Checks that a key of this configuration and owner is in scope, and that `user` may take `action` on it.
    async fn authorize_on(
        &self,
        user: Option<&UserId>,
        action: Action,
        scope: Option<&ConfigId>,
        config_id: Option<&ConfigId>,
        owner: Option<&OwnerId>,
    ) -> Result<(), ServiceError> {
        if scope.is_some() && scope != config_id {
            return Err(ErrorCode::KeyNotFound.into());
        }
        let Some(user) = user else { return Ok(()) };
        let (config_id, owner) = config_id.zip(owner).ok_or(ErrorCode::KeyNotFound)?;
        match self.policy.resolve(config_id)?.references {
            References::User if *user == *owner => Ok(()),
            References::User => Err(ErrorCode::KeyNotFound.into()),
            References::Organization => {
                let organization = OrganizationId::parse(owner.as_str()).map_err(|_| ErrorCode::KeyNotFound)?;
                self.authorize(user, action, &organization).await
            }
        }
    }

    /// Checks that `user` may take `action` on the keys of `organization`.
    pub(super) async fn authorize(
        &self,
        user: &UserId,
        action: Action,
        organization: &OrganizationId,
    ) -> Result<(), ServiceError> {
        let organizations = self.organizations.as_ref().ok_or(ErrorCode::OrganizationPluginRequired)?;
        let roles = organizations.find_roles(organization, user).await?;
        Ok(self.policy.roles.authorize(roles.as_deref(), action)?)
    }
}

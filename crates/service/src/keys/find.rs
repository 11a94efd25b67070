use keymint_domain::organization::Action;
use keymint_domain::policy::References;
use keymint_domain::{ApiKey, ConfigId, ErrorCode, KeyId, OrganizationId, OwnerId, UserId};
use keymint_ports::KeyStub;

use crate::{Keys, ServiceError};

impl Keys {
    /// The key of that id, where it is of the configuration asked for, and where `user` may do `action` to it; a server
    /// (`None`) may. Whatever does not fit is as if it did not exist, but for an organization's key, of which members
    /// and strangers are told why (docs/better-auth-wire.md 7.2, 10).
    ///
    /// A user who names no configuration means the default one; a server, any.
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

    /// What is known of the key of that id, on the same conditions: enough to stop or remove one whose row cannot be read.
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

    /// The configuration that a key must be of; `None` = any.
    fn scope(&self, user: Option<&UserId>, config_id: Option<&ConfigId>) -> Result<Option<&ConfigId>, ErrorCode> {
        match (config_id, user) {
            (None, None) => Ok(None),
            (Some(id), _) => Ok(Some(&self.policy.resolve(id)?.id)),
            (None, Some(_)) => Ok(Some(&self.policy.resolve(&ConfigId::default_id())?.id)),
        }
    }

    /// Whether a key of this configuration and owner is in scope, and `user` may do `action` to it.
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

    /// Whether `user` may do `action` to the keys of `organization`.
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

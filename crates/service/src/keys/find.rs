use keymint_domain::organization::Action;
use keymint_domain::policy::References;
use keymint_domain::{ApiKey, ConfigId, ErrorCode, KeyId, OrganizationId, UserId};

use crate::{Keys, ServiceError};

impl Keys {
    /// The key of that id, where it is of the configuration asked for, and where `user` may do `action` to it; a server
    /// (`None`) may. Whatever does not fit is as if it did not exist, but for an organization's key, of which members
    /// and strangers are told why (wire document 7.2, 10).
    ///
    /// A user who names no configuration means the default one; a server, any.
    pub(super) async fn find_for(
        &self,
        user: Option<&UserId>,
        action: Action,
        id: &KeyId,
        config_id: Option<&ConfigId>,
    ) -> Result<ApiKey, ServiceError> {
        let scope = match (config_id, user) {
            (None, None) => None,
            (Some(id), _) => Some(&self.policy.resolve(id)?.id),
            (None, Some(_)) => Some(&self.policy.resolve(&ConfigId::default_id())?.id),
        };
        let found = self.store.find(id).await?.filter(|key| scope.is_none_or(|scope| *scope == key.details.config_id));
        let key = found.ok_or(ErrorCode::KeyNotFound)?;
        if let Some(user) = user {
            self.authorize_on(user, action, &key).await?;
        }
        Ok(key)
    }

    async fn authorize_on(&self, user: &UserId, action: Action, key: &ApiKey) -> Result<(), ServiceError> {
        let details = &key.details;
        match self.policy.resolve(&details.config_id)?.references {
            References::User if *user == details.owner => Ok(()),
            References::User => Err(ErrorCode::KeyNotFound.into()),
            References::Organization => {
                let organization = OrganizationId::parse(details.owner.as_str()).map_err(|_| ErrorCode::KeyNotFound)?;
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

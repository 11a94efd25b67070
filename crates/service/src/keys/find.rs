use keymint_domain::policy::References;
use keymint_domain::{ApiKey, ConfigId, ErrorCode, KeyId, OrganizationId, OwnerId, Timestamp};
use keymint_ports::{DeletedKey, KeyStub};

use crate::caller::{Deed, Reach};
use crate::{Caller, Keys, ServiceError};

impl Keys {
    /// Checks that a caller may do `deed` on a key that they see, before anybody fills in a form for it. The use case of the
    /// deed checks it again.
    ///
    /// # Errors
    ///
    /// Returns `UNAUTHORIZED`; `KEY_MANAGEMENT_NOT_ALLOWED`; `PORTAL_NOT_ALLOWED`; `KEY_NOT_FOUND` for another user's key; a
    /// member's missing right; [`ServiceError::Store`] if the store fails.
    pub async fn check_may(&self, caller: &Caller, deed: Deed, key: &ApiKey) -> Result<(), ServiceError> {
        let reach = caller.manages(deed, ErrorCode::Unauthorized)?;
        let details = &key.details;
        self.authorize_on(reach, deed, None, Some(&details.config_id), Some(&details.owner)).await
    }

    /// Finds the key that `deed` is done on, if it is within `reach`.
    ///
    /// A mismatch returns not-found. For an organization's key, members and strangers get the reason instead
    /// (docs/better-auth-wire.md 7.2, 10).
    ///
    /// A user who names no configuration means the default one; anybody else means any.
    pub(super) async fn find_for(
        &self,
        reach: Reach<'_>,
        deed: Deed,
        id: &KeyId,
        config_id: Option<&ConfigId>,
    ) -> Result<ApiKey, ServiceError> {
        let scope = self.scope(reach, config_id)?;
        let key = self.store.find(id).await?.ok_or(ErrorCode::KeyNotFound)?;
        self.authorize_on(reach, deed, scope, Some(&key.details.config_id), Some(&key.details.owner)).await?;
        Ok(key)
    }

    /// Finds the stub of a key under the same conditions. It suffices to revoke or remove a key whose row cannot be
    /// read.
    pub(super) async fn find_stub_for(
        &self,
        reach: Reach<'_>,
        deed: Deed,
        id: &KeyId,
        config_id: Option<&ConfigId>,
    ) -> Result<KeyStub, ServiceError> {
        let scope = self.scope(reach, config_id)?;
        let stub = self.store.find_stub(id).await?.ok_or(ErrorCode::KeyNotFound)?;
        self.authorize_on(reach, deed, scope, stub.config_id.as_ref(), stub.owner.as_ref()).await?;
        Ok(stub)
    }

    /// Finds a deleted key, which can still be restored, under the same conditions.
    pub(super) async fn find_deleted_for(
        &self,
        reach: Reach<'_>,
        deed: Deed,
        id: &KeyId,
        config_id: Option<&ConfigId>,
        now: Timestamp,
    ) -> Result<DeletedKey, ServiceError> {
        let scope = self.scope(reach, config_id)?;
        let deleted = self.store.find_deleted(id).await?.filter(|deleted| !deleted.deletion.is_final(now));
        let deleted = deleted.ok_or(ErrorCode::KeyNotFound)?;
        let KeyStub { owner, config_id, stored: _ } = &deleted.stub;
        self.authorize_on(reach, deed, scope, config_id.as_ref(), owner.as_ref()).await?;
        Ok(deleted)
    }

    /// Returns the configuration that a key must be of; `None` = any.
    fn scope(&self, reach: Reach<'_>, config_id: Option<&ConfigId>) -> Result<Option<&ConfigId>, ErrorCode> {
        match (config_id, reach) {
            (None, Reach::Everyone | Reach::Owner(_)) => Ok(None),
            (Some(id), _) => Ok(Some(&self.policy.resolve(id)?.id)),
            (None, Reach::User(_)) => Ok(Some(&self.policy.resolve(&ConfigId::default_id())?.id)),
        }
    }

    /// Checks that a key of this configuration and owner is in scope, and that `deed` may be done on it.
    async fn authorize_on(
        &self,
        reach: Reach<'_>,
        deed: Deed,
        scope: Option<&ConfigId>,
        config_id: Option<&ConfigId>,
        owner: Option<&OwnerId>,
    ) -> Result<(), ServiceError> {
        if scope.is_some() && scope != config_id {
            return Err(ErrorCode::KeyNotFound.into());
        }
        let user = match reach {
            Reach::Everyone => return Ok(()),
            Reach::Owner(only) if owner == Some(only) => return Ok(()),
            Reach::Owner(_) => return Err(ErrorCode::KeyNotFound.into()),
            Reach::User(user) => user,
        };
        let (config_id, owner) = config_id.zip(owner).ok_or(ErrorCode::KeyNotFound)?;
        match self.policy.resolve(config_id)?.references {
            References::User if *user == *owner => Ok(()),
            References::User => Err(ErrorCode::KeyNotFound.into()),
            References::Organization => {
                let organization = OrganizationId::parse(owner.as_str()).map_err(|_| ErrorCode::KeyNotFound)?;
                self.authorize(reach, deed, &organization).await
            }
        }
    }

    /// Checks that `deed` may be done on the keys of `organization`.
    pub(super) async fn authorize(
        &self,
        reach: Reach<'_>,
        deed: Deed,
        organization: &OrganizationId,
    ) -> Result<(), ServiceError> {
        let user = match reach {
            Reach::Everyone => return Ok(()),
            // A new key is of the kind of its configuration: a user's session must make no organization's key.
            Reach::Owner(owner) if *organization == *owner && deed == Deed::Create => {
                let is_known = self.is_organization(owner).await?;
                return if is_known { Ok(()) } else { Err(ErrorCode::PortalNotAllowed.into()) };
            }
            Reach::Owner(owner) if *organization == *owner => return Ok(()),
            Reach::Owner(_) => return Err(ErrorCode::UserNotMemberOfOrganization.into()),
            Reach::User(user) => user,
        };
        let organizations = self.organizations.as_ref().ok_or(ErrorCode::OrganizationPluginRequired)?;
        let roles = organizations.find_roles(organization, user).await?;
        Ok(self.policy.roles.authorize(roles.as_deref(), deed.action())?)
    }
}

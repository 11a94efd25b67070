use keymint_domain::policy::{Ceiling, References};
use keymint_domain::{ConfigId, Configuration, ErrorCode, OrganizationId, OwnerId, Permissions};

use crate::caller::{Deed, Reach};
use crate::{Caller, Keys, ServiceError};

/// The options of new keys: their configuration, and what the caller may set.
#[derive(Debug, Clone, PartialEq)]
pub struct KeyOptions<'a> {
    /// The configuration.
    pub configuration: &'a Configuration,
    /// True if the caller is a server or an operator, who may set everything.
    pub is_server: bool,
    /// The permissions that the caller may give; `None` = a server may give any, and a user none.
    pub grantable: Option<Permissions>,
}

impl Keys {
    /// Returns the options of new keys of a configuration, for a form to be drawn from.
    ///
    /// For keys of organizations, the permissions are those that the caller's roles allow to give: their roles in `organization`,
    /// or without it in any organization for which they may make keys.
    ///
    /// # Errors
    ///
    /// Returns `UNAUTHORIZED`; no such configuration and no default one; a stranger's missing membership;
    /// [`ServiceError::Store`] if the store fails.
    pub async fn options(
        &self,
        caller: &Caller,
        config_id: Option<&ConfigId>,
        organization: Option<&OrganizationId>,
    ) -> Result<KeyOptions<'_>, ServiceError> {
        let is_server = caller.manages(Deed::Read, ErrorCode::Unauthorized)? == Reach::Everyone;
        let configuration = self.policy.resolve(config_id.unwrap_or(&ConfigId::default_id()))?;
        let grantable = match (configuration.references, organization) {
            _ if is_server => configuration.grantable.clone(),
            _ if !lets_grant(configuration, caller) => None,
            (References::User, _) => configuration.grantable.clone(),
            (References::Organization, Some(organization)) => {
                self.ceiling(caller, configuration, &organization.into()).await?.map(|ceiling| ceiling.permissions)
            }
            (References::Organization, None) => self.ceiling_of_any(caller, configuration).await?,
        };
        Ok(KeyOptions { configuration, is_server, grantable })
    }

    /// Returns what `caller` may give to keys of one of their organizations or another; `None` = nothing.
    async fn ceiling_of_any(
        &self,
        caller: &Caller,
        configuration: &Configuration,
    ) -> Result<Option<Permissions>, ServiceError> {
        let roles = self.memberships(caller).await?.into_iter().map(|membership| membership.roles);
        let may_create = |text: &String| self.policy.roles.authorize(Some(text), Deed::Create.action()).is_ok();
        let roles: Vec<_> = roles.filter(may_create).collect();
        Ok(configuration.ceiling_of_any(&self.policy.roles, roles.iter().map(String::as_str)))
    }

    /// Checks that `caller` may give the permissions `asked` to a key of `owner` that has `before`, and returns the caller's
    /// ceiling; `None` = a server has none.
    pub(super) async fn check_grant(
        &self,
        caller: &Caller,
        configuration: &Configuration,
        owner: &OwnerId,
        before: Option<&Permissions>,
        asked: &Permissions,
    ) -> Result<Option<Ceiling>, ServiceError> {
        if caller.manages_all() {
            return Ok(None);
        }
        let ceiling = self.ceiling(caller, configuration, owner).await?.ok_or(ErrorCode::ServerOnlyProperty)?;
        match ceiling.above(before, asked) {
            None => Ok(Some(ceiling)),
            Some(above) => Err(ServiceError::Ungrantable(above)),
        }
    }

    /// Returns what `caller` may give to keys of `owner`; `None` = nothing.
    async fn ceiling(
        &self,
        caller: &Caller,
        configuration: &Configuration,
        owner: &OwnerId,
    ) -> Result<Option<Ceiling>, ServiceError> {
        let Caller::User(user) = caller else { return Ok(None) };
        let member = match configuration.references {
            References::User => None,
            References::Organization => {
                let organization = OrganizationId::parse(owner.as_str()).map_err(|_| ErrorCode::KeyNotFound)?;
                let organizations = self.organizations.as_ref().ok_or(ErrorCode::OrganizationPluginRequired)?;
                let member = organizations.find_roles(&organization, user).await?;
                Some(member.ok_or(ErrorCode::UserNotMemberOfOrganization)?)
            }
        };
        Ok(configuration.ceiling(&self.policy.roles, member.as_deref()))
    }
}

/// Returns true if the configuration lets `caller`, who is no server, give permissions. A key's own session gives none:
/// whoever has a leaked key could else make one that may do more.
pub(super) fn lets_grant(configuration: &Configuration, caller: &Caller) -> bool {
    matches!(caller, Caller::User(_)) && configuration.grantable.is_some()
}

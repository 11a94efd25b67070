use std::num::NonZeroU32;

use keymint_domain::organization::Membership;
use keymint_domain::policy::References;
use keymint_domain::{Configuration, ErrorCode, OrganizationId, OwnerId};

use crate::caller::{Deed, Reach};
use crate::{Caller, Keys, ServiceError};

/// The memberships that are read of one user. Somebody with more names organizations by their ids.
const MOST: NonZeroU32 = NonZeroU32::new(200).unwrap();

/// An organization of the caller, some of whose keys they may see or make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnOrganization {
    /// The organization's id.
    pub id: OrganizationId,
    /// Its display name.
    pub name: String,
    /// True if the caller's roles there allow them to see its keys.
    pub may_read: bool,
    /// True if the caller's roles there allow them to make keys for it.
    pub may_create: bool,
}

impl Keys {
    /// Returns the configurations under which the caller may make keys, in their order, as far as that depends on no
    /// organization's roles. Those whose keys belong to organizations are left out for a user where no organizations are kept,
    /// and for a portal session whose owner is none of those that are kept.
    ///
    /// # Errors
    ///
    /// Returns `UNAUTHORIZED_SESSION`; `PORTAL_NOT_ALLOWED`; [`ServiceError::Store`] if the store fails.
    pub async fn configurations_of_new(&self, caller: &Caller) -> Result<Vec<&Configuration>, ServiceError> {
        let of_organizations = match caller.manages(Deed::Create, ErrorCode::UnauthorizedSession)? {
            Reach::Everyone => true,
            Reach::User(_) => self.organizations.is_some(),
            Reach::Owner(owner) => self.is_organization(owner).await?,
        };
        let all = self.policy.configurations().iter();
        Ok(all.filter(|entry| of_organizations || entry.references == References::User).collect())
    }

    /// Returns true if this owner is an organization that is kept here.
    pub(super) async fn is_organization(&self, owner: &OwnerId) -> Result<bool, ServiceError> {
        let Some(organizations) = &self.organizations else { return Ok(false) };
        // What is found by its slug has another id.
        let found = organizations.find_organization(owner.as_str()).await?;
        Ok(found.is_some_and(|id| id == *owner))
    }

    /// Lists the organizations of a user in which they may see or make keys, by name: at most 200. A server, an operator and
    /// a portal session have none of their own.
    ///
    /// # Errors
    ///
    /// Returns `UNAUTHORIZED` for a gateway or an unauthenticated caller, and [`ServiceError::Store`] if the store fails.
    pub async fn own_organizations(&self, caller: &Caller) -> Result<Vec<OwnOrganization>, ServiceError> {
        let own = |Membership { organization, name, roles }: Membership| {
            let may = |deed: Deed| self.policy.roles.authorize(Some(&roles), deed.action()).is_ok();
            OwnOrganization { id: organization, name, may_read: may(Deed::Read), may_create: may(Deed::Create) }
        };
        let memberships = self.memberships(caller).await?;
        Ok(memberships.into_iter().map(own).filter(|own| own.may_read || own.may_create).collect())
    }

    /// Lists the organizations of a user.
    pub(super) async fn memberships(&self, caller: &Caller) -> Result<Vec<Membership>, ServiceError> {
        let reach = caller.manages(Deed::Read, ErrorCode::Unauthorized)?;
        let (Reach::User(user), Some(organizations)) = (reach, &self.organizations) else { return Ok(Vec::new()) };
        Ok(organizations.list_memberships(user, MOST).await?)
    }
}

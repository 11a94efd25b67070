use std::fmt;
use std::num::NonZeroU32;
use std::sync::Arc;

use keymint_domain::event::{Actor, Origin};
use keymint_domain::identity::Email;
use keymint_domain::organization::{Member, Organization, RoleName, Slug};
use keymint_domain::value::KeyName;
use keymint_domain::{OrganizationId, Timestamp, UserId};
use keymint_ports::{IdentityStore, ListedOrganization, OrganizationStore, StoreError};

use crate::Source;
use crate::surroundings::{Surroundings, takes_surroundings};

/// Makes and lists organizations, and makes and removes members, for deployments without a Better Auth server.
pub struct Organizations {
    store: Arc<dyn OrganizationStore>,
    users: Arc<dyn IdentityStore>,
    surroundings: Surroundings,
}

/// The failure to make an organization or a member. Nothing was changed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum OrganizationError {
    /// No user has that id or address.
    #[error("there is no user of that id or address")]
    UnknownUser,
    /// No organization has that id or slug.
    #[error("there is no organization of that id or slug")]
    UnknownOrganization,
    /// Another organization has the slug.
    #[error("another organization has that slug")]
    SlugTaken,
    /// The user is a member already.
    #[error("the user is a member already")]
    MemberAlready,
    /// The user is not a member.
    #[error("the user is not a member")]
    NoMember,
    /// The store failed.
    #[error("the store failed")]
    Store(#[source] StoreError),
}

takes_surroundings!(Organizations);

impl Organizations {
    /// Makes the service over organizations in `store` and users in `users`.
    pub fn new(store: Arc<dyn OrganizationStore>, users: Arc<dyn IdentityStore>) -> Self {
        Self { store, users, surroundings: Surroundings::default() }
    }

    /// Makes an organization, with its creator (an id or an address) as its first member.
    ///
    /// # Errors
    ///
    /// Returns [`OrganizationError::UnknownUser`], [`OrganizationError::SlugTaken`], or [`OrganizationError::Store`] if
    /// the store fails.
    pub async fn create(
        &self,
        name: KeyName,
        slug: Slug,
        creator: &str,
        role: RoleName,
    ) -> Result<Organization, OrganizationError> {
        let user = self.find_user(creator).await?;
        let now = self.surroundings.now();
        let mut fill = |bytes: &mut [u8]| self.surroundings.fill(bytes);
        let organization = Organization::new(name, slug, &mut fill, now);
        let member = Member::new(organization.id.clone(), user, role, &mut fill, now);
        match self.store.insert_organization(&organization, &member, &self.origin(now)).await {
            Ok(()) => Ok(organization),
            Err(StoreError::Duplicate) => Err(OrganizationError::SlugTaken),
            Err(StoreError::Dangling) => Err(OrganizationError::UnknownUser),
            Err(error) => Err(OrganizationError::Store(error)),
        }
    }

    /// Makes a user (an id or an address) a member of an organization (an id or a slug).
    ///
    /// # Errors
    ///
    /// Returns [`OrganizationError::UnknownOrganization`], [`OrganizationError::UnknownUser`],
    /// [`OrganizationError::MemberAlready`], or [`OrganizationError::Store`] if the store fails.
    pub async fn add_member(
        &self,
        organization: &str,
        user: &str,
        role: RoleName,
    ) -> Result<Member, OrganizationError> {
        let organization = self.find_organization(organization).await?;
        let user = self.find_user(user).await?;
        let mut fill = |bytes: &mut [u8]| self.surroundings.fill(bytes);
        let now = self.surroundings.now();
        let member = Member::new(organization, user, role, &mut fill, now);
        match self.store.insert_member(&member, &self.origin(now)).await {
            Ok(()) => Ok(member),
            Err(StoreError::Duplicate) => Err(OrganizationError::MemberAlready),
            // Both existed a moment ago.
            Err(StoreError::Dangling) => Err(OrganizationError::UnknownOrganization),
            Err(error) => Err(OrganizationError::Store(error)),
        }
    }

    /// Ends the membership of a user (an id or an address) in an organization (an id or a slug). The organization's keys stay.
    ///
    /// # Errors
    ///
    /// Returns [`OrganizationError::UnknownOrganization`], [`OrganizationError::UnknownUser`],
    /// [`OrganizationError::NoMember`], or [`OrganizationError::Store`] if the store fails.
    pub async fn remove_member(&self, organization: &str, user: &str) -> Result<(), OrganizationError> {
        let organization = self.find_organization(organization).await?;
        let user = self.find_user(user).await?;
        let origin = self.origin(self.surroundings.now());
        match self.store.remove_member(&organization, &user, &origin).await {
            Ok(true) => Ok(()),
            Ok(false) => Err(OrganizationError::NoMember),
            Err(error) => Err(OrganizationError::Store(error)),
        }
    }

    /// Lists organizations in the order of their ids, behind the one with the id `after`.
    ///
    /// # Errors
    ///
    /// Returns [`OrganizationError::Store`] if the store fails.
    pub async fn list(
        &self,
        after: Option<OrganizationId>,
        limit: NonZeroU32,
    ) -> Result<Vec<ListedOrganization>, OrganizationError> {
        self.store.list_organizations(after, limit).await.map_err(OrganizationError::Store)
    }

    fn origin(&self, now: Timestamp) -> Origin {
        self.surroundings.origin(Actor::Server, &Source::default(), now)
    }

    async fn find_organization(&self, id_or_slug: &str) -> Result<OrganizationId, OrganizationError> {
        let found = self.store.find_organization(id_or_slug).await.map_err(OrganizationError::Store)?;
        found.ok_or(OrganizationError::UnknownOrganization)
    }

    async fn find_user(&self, id_or_email: &str) -> Result<UserId, OrganizationError> {
        let found = match (Email::parse(id_or_email), UserId::parse(id_or_email)) {
            (Ok(email), _) => self.users.find_credential(&email).await.map(|found| found.map(|found| found.user.id)),
            (Err(_), Ok(id)) => self.users.find_user(&id).await.map(|found| found.map(|user| user.id)),
            (Err(_), Err(_)) => Ok(None),
        };
        found.map_err(OrganizationError::Store)?.ok_or(OrganizationError::UnknownUser)
    }
}

impl fmt::Debug for Organizations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Organizations")
    }
}

use std::num::NonZeroU32;

use async_trait::async_trait;
use keymint_domain::event::Origin;
use keymint_domain::organization::{Member, Membership, Organization};
use keymint_domain::{OrganizationId, UserId};

use crate::StoreError;

/// Stores organizations and their members.
///
/// # Contract
///
/// As for [`KeyStore`](crate::KeyStore): atomic, durable, visible to every handle and process, values exact, no panic.
///
/// # Errors
///
/// Every method returns [`StoreError::Unavailable`] if the store fails, and a method that reads whole rows returns
/// [`StoreError::Corrupt`] for one that it cannot read. The methods list their other errors.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait OrganizationStore: Send + Sync + 'static {
    /// Adds an organization and its first member.
    ///
    /// # Errors
    ///
    /// Returns [`StoreError::Duplicate`] if an id or the slug exists already, and [`StoreError::Dangling`] if the
    /// member is not a user.
    async fn insert_organization(
        &self,
        organization: &Organization,
        creator: &Member,
        origin: &Origin,
    ) -> Result<(), StoreError>;

    /// Adds a member. Of two concurrent inserts of the same user exactly one succeeds.
    ///
    /// # Errors
    ///
    /// Returns [`StoreError::Duplicate`] if the user is a member already or the id exists, and [`StoreError::Dangling`]
    /// if there is no such organization or user.
    async fn insert_member(&self, member: &Member, origin: &Origin) -> Result<(), StoreError>;

    /// Ends every membership of a user in an organization. Returns `false` if there was none.
    async fn remove_member(
        &self,
        organization: &OrganizationId,
        user: &UserId,
        origin: &Origin,
    ) -> Result<bool, StoreError>;

    /// Lists organizations in the order of their ids, behind the one with the id `after`.
    async fn list_organizations(
        &self,
        after: Option<OrganizationId>,
        limit: NonZeroU32,
    ) -> Result<Vec<ListedOrganization>, StoreError>;

    /// Finds an organization by id, or else by slug.
    async fn find_organization(&self, id_or_slug: &str) -> Result<Option<OrganizationId>, StoreError>;

    /// Finds the text of a member's roles, separated by commas; `None` = not a member.
    ///
    /// Other writers may have written the text. If a user has several rows, the oldest counts, then the one with the
    /// smallest id.
    async fn find_roles(&self, organization: &OrganizationId, user: &UserId) -> Result<Option<String>, StoreError>;

    /// Lists the organizations that a user is a member of, by their names and then their ids, both by bytes. At most
    /// `limit` of the user's rows are read, those with the smallest ids of organizations.
    ///
    /// An organization counts once, with the roles that [`find_roles`](Self::find_roles) finds. One without a readable id is
    /// left out.
    async fn list_memberships(&self, user: &UserId, limit: NonZeroU32) -> Result<Vec<Membership>, StoreError>;
}

/// An organization in a list, as whoever made it wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedOrganization {
    /// The id.
    pub id: OrganizationId,
    /// The display name.
    pub name: String,
    /// The name for URLs; `None` = it has none, which Better Auth allows.
    pub slug: Option<String>,
    /// The number of its members.
    pub members: u64,
}

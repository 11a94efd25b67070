use async_trait::async_trait;
use keymint_domain::organization::{Member, Organization};
use keymint_domain::{OrganizationId, UserId};

use crate::StoreError;

/// Keeps organizations and their members.
///
/// # Contract
/// As [`KeyStore`](crate::KeyStore)'s: atomic, durable, visible to every handle and process, values exact, no panic.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait OrganizationStore: Send + Sync + 'static {
    /// Adds an organization and its first member.
    ///
    /// Errors: [`StoreError::Duplicate`] for an id or a slug that exists; [`StoreError::Dangling`] where the member is
    /// no user.
    async fn insert_organization(&self, organization: &Organization, creator: &Member) -> Result<(), StoreError>;

    /// Adds a member. Of two inserts of one user at once exactly one is taken.
    ///
    /// Errors: [`StoreError::Duplicate`] for somebody who is a member already, or an id that exists;
    /// [`StoreError::Dangling`] where there is no such organization, or no such user.
    async fn insert_member(&self, member: &Member) -> Result<(), StoreError>;

    /// Finds the organization of that id, or else of that slug.
    async fn find_organization(&self, id_or_slug: &str) -> Result<Option<OrganizationId>, StoreError>;

    /// The text of the member's roles, which other writers may have put there: several stand between commas. `None` = no
    /// member. Of several rows of one user the oldest counts, then the one with the smallest id.
    async fn find_roles(&self, organization: &OrganizationId, user: &UserId) -> Result<Option<String>, StoreError>;
}

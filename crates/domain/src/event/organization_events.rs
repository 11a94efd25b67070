//! Events about organizations and their members.

use super::{Event, EventKind, Origin, Subject};
use crate::organization::{Member, Organization};
use crate::{OrganizationId, UserId};

/// Each function returns `None` if the change is not recorded.
impl Origin {
    /// Makes the event of a new organization, with its first member.
    pub fn organization_created(&self, organization: &Organization, creator: &Member) -> Option<Event> {
        let event = self.event(EventKind::OrganizationCreated, Subject::owner(&organization.id))?;
        let event = event.with("slug", organization.slug.as_str()).with("creator", creator.user_id.as_str());
        Some(event.with("name", organization.name.as_str()))
    }

    /// Makes the event of a new member of an organization.
    pub fn member_added(&self, member: &Member) -> Option<Event> {
        let event = self.event(EventKind::OrganizationMemberAdded, Subject::owner(&member.organization_id))?;
        Some(event.with("user", member.user_id.as_str()).with("role", member.role.as_str()))
    }

    /// Makes the event of a user who is no longer a member of an organization.
    pub fn member_removed(&self, organization: &OrganizationId, user: &UserId) -> Option<Event> {
        let event = self.event(EventKind::OrganizationMemberRemoved, Subject::owner(organization))?;
        Some(event.with("user", user.as_str()))
    }
}

use std::num::NonZeroU32;

use async_trait::async_trait;
use keymint_domain::event::Origin;
use keymint_domain::organization::{Member, Membership, Organization};
use keymint_domain::{OrganizationId, UserId};
use keymint_ports::{ListedOrganization, OrganizationStore, StoreError};

use crate::MemoryStore;
use crate::state::State;

#[async_trait]
impl OrganizationStore for MemoryStore {
    async fn insert_organization(
        &self,
        organization: &Organization,
        creator: &Member,
        origin: &Origin,
    ) -> Result<(), StoreError> {
        let mut state = self.lock();
        let is_taken = |other: &Organization| other.id == organization.id || other.slug == organization.slug;
        if state.organizations.values().any(is_taken) || is_id_taken(&state, creator) {
            return Err(StoreError::Duplicate);
        }
        if state.user(&creator.user_id).is_none() || creator.organization_id != organization.id {
            return Err(StoreError::Dangling);
        }
        state.organizations.insert(organization.id.clone(), organization.clone());
        state.members.push(creator.clone());
        state.events.add(origin.organization_created(organization, creator));
        Ok(())
    }

    async fn insert_member(&self, member: &Member, origin: &Origin) -> Result<(), StoreError> {
        let mut state = self.lock();
        if state.user(&member.user_id).is_none() || !state.organizations.contains_key(&member.organization_id) {
            return Err(StoreError::Dangling);
        }
        if is_id_taken(&state, member) || find(&state, &member.organization_id, &member.user_id).is_some() {
            return Err(StoreError::Duplicate);
        }
        state.members.push(member.clone());
        state.events.add(origin.member_added(member));
        Ok(())
    }

    async fn remove_member(
        &self,
        organization: &OrganizationId,
        user: &UserId,
        origin: &Origin,
    ) -> Result<bool, StoreError> {
        let mut state = self.lock();
        let before = state.members.len();
        state.members.retain(|member| member.organization_id != *organization || member.user_id != *user);
        let is_removed = state.members.len() < before;
        if is_removed {
            state.events.add(origin.member_removed(organization, user));
        }
        Ok(is_removed)
    }

    async fn list_organizations(
        &self,
        after: Option<OrganizationId>,
        limit: NonZeroU32,
    ) -> Result<Vec<ListedOrganization>, StoreError> {
        let state = self.lock();
        let mut behind: Vec<_> =
            state.organizations.values().filter(|found| Some(&found.id) > after.as_ref()).collect();
        behind.sort_by(|one, other| one.id.cmp(&other.id));
        let listed = behind.into_iter().take(limit.get() as usize).map(|found| ListedOrganization {
            id: found.id.clone(),
            name: found.name.clone(),
            slug: Some(found.slug.as_str().to_owned()),
            members: state.members.iter().filter(|member| member.organization_id == found.id).count() as u64,
        });
        Ok(listed.collect())
    }

    async fn find_organization(&self, id_or_slug: &str) -> Result<Option<OrganizationId>, StoreError> {
        let state = self.lock();
        let by_id = state.organizations.keys().find(|id| id.as_str() == id_or_slug);
        let by_slug = || state.organizations.values().find(|other| other.slug.as_str() == id_or_slug);
        Ok(by_id.or_else(|| by_slug().map(|found| &found.id)).cloned())
    }

    async fn find_roles(&self, organization: &OrganizationId, user: &UserId) -> Result<Option<String>, StoreError> {
        Ok(find(&self.lock(), organization, user).map(|member| member.role.as_str().to_owned()))
    }

    async fn list_memberships(&self, user: &UserId, limit: NonZeroU32) -> Result<Vec<Membership>, StoreError> {
        let state = self.lock();
        let of_member = |member: &Member| {
            let Organization { id, name, .. } = state.organizations.get(&member.organization_id)?;
            Some(Membership { organization: id.clone(), name: name.clone(), roles: member.role.as_str().to_owned() })
        };
        let members = state.members.iter().filter(|member| member.user_id == *user);
        let mut found: Vec<_> = members.filter_map(of_member).collect();
        found.sort_by(|one, other| one.organization.cmp(&other.organization));
        found.truncate(limit.get() as usize);
        found.sort_by(|one, other| (&one.name, &one.organization).cmp(&(&other.name, &other.organization)));
        Ok(found)
    }
}

fn find<'a>(state: &'a State, organization: &OrganizationId, user: &UserId) -> Option<&'a Member> {
    state.members.iter().find(|member| member.organization_id == *organization && member.user_id == *user)
}

fn is_id_taken(state: &State, member: &Member) -> bool {
    state.members.iter().any(|other| other.id == member.id)
}

use std::num::NonZeroU32;

use async_trait::async_trait;
use keymint_domain::event::Origin;
use keymint_domain::identity::{EditUser, Email, NewUser, PasswordHash, Session, SessionToken, User};
use keymint_domain::link::{Link, TokenHash};
use keymint_domain::organization::{Member, Membership, Organization};
use keymint_domain::portal::PortalSession;
use keymint_domain::verify::Ban;
use keymint_domain::{OrganizationId, RowId, Timestamp, UserId};
use keymint_ports::{
    BanOutcome, Claimant, Credential, Erased, IdentityStore, ListedOrganization, ListedUser, NewPassword,
    OrganizationStore, SessionsAfter, StoreError,
};
use keymint_store_sql::{identity, organization};

use crate::PgStore;
use crate::error::is_storable;

#[async_trait]
impl IdentityStore for PgStore {
    async fn insert_user(&self, new: &NewUser, session: &Session, origin: &Origin) -> Result<(), StoreError> {
        call!(self.pool, identity::insert_user, self.layout, new, session, origin)
    }

    async fn find_user(&self, id: &UserId) -> Result<Option<User>, StoreError> {
        call!(self.pool, identity::find_user, self.layout, id)
    }

    async fn find_credential(&self, email: &Email) -> Result<Option<Credential>, StoreError> {
        call!(self.pool, identity::find_credential, self.layout, email)
    }

    async fn insert_session(&self, session: &Session, origin: &Origin) -> Result<bool, StoreError> {
        call!(self.pool, identity::insert_session, self.layout, session, origin)
    }

    async fn find_session(&self, token: &SessionToken) -> Result<Option<(Session, User)>, StoreError> {
        if !is_storable(token.expose()) {
            return Ok(None);
        }
        call!(self.pool, identity::find_session, self.layout, token)
    }

    async fn refresh_session(
        &self,
        token: &SessionToken,
        expires_at: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        if !is_storable(token.expose()) {
            return Ok(false);
        }
        call!(self.pool, identity::refresh_session, token, expires_at, now)
    }

    async fn remove_session(&self, token: &SessionToken, origin: &Origin) -> Result<bool, StoreError> {
        if !is_storable(token.expose()) {
            return Ok(false);
        }
        call!(self.pool, identity::remove_session, token, origin)
    }

    async fn erase_user(&self, id: &UserId, now: Timestamp, origin: &Origin) -> Result<Option<Erased>, StoreError> {
        call!(self.pool, identity::erase_user, id, now, origin)
    }

    async fn insert_user_alone(&self, new: &NewUser, origin: &Origin) -> Result<(), StoreError> {
        call!(self.pool, identity::insert_user_alone, self.layout, new, origin)
    }

    async fn list_users(&self, after: Option<UserId>, limit: NonZeroU32) -> Result<Vec<ListedUser>, StoreError> {
        call!(self.pool, identity::list_users, self.layout, after.as_ref(), limit)
    }

    async fn find_password(&self, id: &UserId) -> Result<Option<PasswordHash>, StoreError> {
        call!(self.pool, identity::find_password, id)
    }

    async fn set_password(
        &self,
        id: &UserId,
        password: &NewPassword,
        after: &SessionsAfter,
        now: Timestamp,
        origin: &Origin,
    ) -> Result<bool, StoreError> {
        call!(self.pool, identity::set_password, self.layout, id, password, after, now, origin)
    }

    async fn list_sessions(&self, id: &UserId) -> Result<Vec<Session>, StoreError> {
        call!(self.pool, identity::list_sessions, self.layout, id)
    }

    async fn remove_sessions(
        &self,
        id: &UserId,
        kept: Option<SessionToken>,
        origin: &Origin,
    ) -> Result<u64, StoreError> {
        call!(self.pool, identity::remove_sessions, id, kept.as_ref(), origin)
    }

    async fn update_user(
        &self,
        id: &UserId,
        edit: &EditUser,
        now: Timestamp,
        origin: &Origin,
    ) -> Result<Option<User>, StoreError> {
        call!(self.pool, identity::update_user, self.layout, id, edit, now, origin)
    }

    async fn set_ban(
        &self,
        id: &UserId,
        ban: Option<Ban>,
        now: Timestamp,
        origin: &Origin,
    ) -> Result<Option<BanOutcome>, StoreError> {
        call!(self.pool, identity::set_ban, self.layout, id, ban, now, origin)
    }

    async fn has_users(&self) -> Result<bool, StoreError> {
        call!(self.pool, identity::has_users)
    }

    async fn is_operator(&self, id: &UserId) -> Result<bool, StoreError> {
        call!(self.pool, identity::is_operator, id)
    }

    async fn make_operator(&self, id: &UserId, now: Timestamp, origin: &Origin) -> Result<Option<bool>, StoreError> {
        call!(self.pool, identity::make_operator, id, now, origin)
    }

    async fn remove_operator(&self, id: &UserId, origin: &Origin) -> Result<bool, StoreError> {
        call!(self.pool, identity::remove_operator, id, origin)
    }

    async fn insert_link(&self, link: &Link, origin: &Origin) -> Result<bool, StoreError> {
        call!(self.pool, identity::insert_link, link, origin)
    }

    async fn find_link(&self, hash: &TokenHash) -> Result<Option<Link>, StoreError> {
        call!(self.pool, identity::find_link, hash)
    }

    async fn claim(
        &self,
        hash: &TokenHash,
        claimant: &Claimant,
        now: Timestamp,
        origin: &Origin,
    ) -> Result<bool, StoreError> {
        call!(self.pool, identity::claim, self.layout, hash, claimant, now, origin)
    }

    async fn reset_password(
        &self,
        hash: &TokenHash,
        password: &NewPassword,
        now: Timestamp,
        origin: &Origin,
    ) -> Result<Option<UserId>, StoreError> {
        call!(self.pool, identity::reset_password, self.layout, hash, password, now, origin)
    }

    async fn open_portal_session(
        &self,
        link: &TokenHash,
        id: &RowId,
        token: &TokenHash,
        now: Timestamp,
        origin: &Origin,
    ) -> Result<Option<PortalSession>, StoreError> {
        call!(self.pool, identity::open_portal_session, link, id, token, now, origin)
    }

    async fn find_portal_session(&self, token: &TokenHash) -> Result<Option<PortalSession>, StoreError> {
        call!(self.pool, identity::find_portal_session, token)
    }

    async fn remove_portal_session(&self, token: &TokenHash, origin: &Origin) -> Result<bool, StoreError> {
        call!(self.pool, identity::remove_portal_session, token, origin)
    }

    async fn purge_links(&self, now: Timestamp, limit: NonZeroU32) -> Result<u32, StoreError> {
        call!(self.pool, identity::purge_links, now, limit)
    }

    async fn keep_secret(&self, offered: &str) -> Result<String, StoreError> {
        call!(self.pool, identity::keep_secret, offered)
    }
}

#[async_trait]
impl OrganizationStore for PgStore {
    async fn insert_organization(
        &self,
        organization: &Organization,
        creator: &Member,
        origin: &Origin,
    ) -> Result<(), StoreError> {
        call!(self.pool, organization::insert_organization, organization, creator, origin)
    }

    async fn insert_member(&self, member: &Member, origin: &Origin) -> Result<(), StoreError> {
        call!(self.pool, organization::insert_member, member, origin)
    }

    async fn remove_member(
        &self,
        organization: &OrganizationId,
        user: &UserId,
        origin: &Origin,
    ) -> Result<bool, StoreError> {
        call!(self.pool, organization::remove_member, organization, user, origin)
    }

    async fn list_organizations(
        &self,
        after: Option<OrganizationId>,
        limit: NonZeroU32,
    ) -> Result<Vec<ListedOrganization>, StoreError> {
        call!(self.pool, organization::list_organizations, after.as_ref(), limit)
    }

    async fn find_organization(&self, id_or_slug: &str) -> Result<Option<OrganizationId>, StoreError> {
        if !is_storable(id_or_slug) {
            return Ok(None);
        }
        call!(self.pool, organization::find_organization, id_or_slug)
    }

    async fn find_roles(&self, organization: &OrganizationId, user: &UserId) -> Result<Option<String>, StoreError> {
        call!(self.pool, organization::find_roles, organization, user)
    }

    async fn list_memberships(&self, user: &UserId, limit: NonZeroU32) -> Result<Vec<Membership>, StoreError> {
        call!(self.pool, organization::list_memberships, user, limit)
    }
}

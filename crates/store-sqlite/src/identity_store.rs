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

use crate::SqliteStore;
use crate::writer::WriterConnection;

#[async_trait]
impl IdentityStore for SqliteStore {
    async fn insert_user(&self, new: &NewUser, session: &Session, origin: &Origin) -> Result<(), StoreError> {
        let (layout, new, session, origin) = (self.layout, new.clone(), session.clone(), origin.clone());
        self.writer
            .write(async move |writer| identity::insert_user(writer, layout, &new, &session, &origin).await)
            .await
    }

    async fn find_user(&self, id: &UserId) -> Result<Option<User>, StoreError> {
        read!(self, identity::find_user, self.layout, id)
    }

    async fn find_credential(&self, email: &Email) -> Result<Option<Credential>, StoreError> {
        read!(self, identity::find_credential, self.layout, email)
    }

    async fn insert_session(&self, session: &Session, origin: &Origin) -> Result<bool, StoreError> {
        let (layout, session, origin) = (self.layout, session.clone(), origin.clone());
        self.writer.write(async move |writer| identity::insert_session(writer, layout, &session, &origin).await).await
    }

    async fn find_session(&self, token: &SessionToken) -> Result<Option<(Session, User)>, StoreError> {
        read!(self, identity::find_session, self.layout, token)
    }

    async fn refresh_session(
        &self,
        token: &SessionToken,
        expires_at: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let token = token.clone();
        self.writer.write(async move |writer| identity::refresh_session(writer, &token, expires_at, now).await).await
    }

    async fn remove_session(&self, token: &SessionToken, origin: &Origin) -> Result<bool, StoreError> {
        let (token, origin) = (token.clone(), origin.clone());
        self.writer.write(async move |writer| identity::remove_session(writer, &token, &origin).await).await
    }

    async fn erase_user(&self, id: &UserId, now: Timestamp, origin: &Origin) -> Result<Option<Erased>, StoreError> {
        let (id, origin) = (id.clone(), origin.clone());
        self.writer.write(async move |writer| identity::erase_user(writer, &id, now, &origin).await).await
    }

    async fn insert_user_alone(&self, new: &NewUser, origin: &Origin) -> Result<(), StoreError> {
        let (layout, new, origin) = (self.layout, new.clone(), origin.clone());
        self.writer.write(async move |writer| identity::insert_user_alone(writer, layout, &new, &origin).await).await
    }

    async fn list_users(&self, after: Option<UserId>, limit: NonZeroU32) -> Result<Vec<ListedUser>, StoreError> {
        read!(self, identity::list_users, self.layout, after.as_ref(), limit)
    }

    async fn find_password(&self, id: &UserId) -> Result<Option<PasswordHash>, StoreError> {
        read!(self, identity::find_password, id)
    }

    async fn set_password(
        &self,
        id: &UserId,
        password: &NewPassword,
        after: &SessionsAfter,
        now: Timestamp,
        origin: &Origin,
    ) -> Result<bool, StoreError> {
        let (layout, id, password) = (self.layout, id.clone(), password.clone());
        let (after, origin) = (after.clone(), origin.clone());
        let set = async move |writer: &mut WriterConnection| {
            identity::set_password(writer, layout, &id, &password, &after, now, &origin).await
        };
        self.writer.write(set).await
    }

    async fn list_sessions(&self, id: &UserId) -> Result<Vec<Session>, StoreError> {
        read!(self, identity::list_sessions, self.layout, id)
    }

    async fn remove_sessions(
        &self,
        id: &UserId,
        kept: Option<SessionToken>,
        origin: &Origin,
    ) -> Result<u64, StoreError> {
        let (id, origin) = (id.clone(), origin.clone());
        self.writer
            .write(async move |writer| identity::remove_sessions(writer, &id, kept.as_ref(), &origin).await)
            .await
    }

    async fn update_user(
        &self,
        id: &UserId,
        edit: &EditUser,
        now: Timestamp,
        origin: &Origin,
    ) -> Result<Option<User>, StoreError> {
        let (layout, id, edit, origin) = (self.layout, id.clone(), edit.clone(), origin.clone());
        self.writer
            .write(async move |writer| identity::update_user(writer, layout, &id, &edit, now, &origin).await)
            .await
    }

    async fn set_ban(
        &self,
        id: &UserId,
        ban: Option<Ban>,
        now: Timestamp,
        origin: &Origin,
    ) -> Result<Option<BanOutcome>, StoreError> {
        let (layout, id, origin) = (self.layout, id.clone(), origin.clone());
        self.writer.write(async move |writer| identity::set_ban(writer, layout, &id, ban, now, &origin).await).await
    }

    async fn has_users(&self) -> Result<bool, StoreError> {
        read!(self, identity::has_users)
    }

    async fn is_operator(&self, id: &UserId) -> Result<bool, StoreError> {
        read!(self, identity::is_operator, id)
    }

    async fn make_operator(&self, id: &UserId, now: Timestamp, origin: &Origin) -> Result<Option<bool>, StoreError> {
        let (id, origin) = (id.clone(), origin.clone());
        self.writer.write(async move |writer| identity::make_operator(writer, &id, now, &origin).await).await
    }

    async fn remove_operator(&self, id: &UserId, origin: &Origin) -> Result<bool, StoreError> {
        let (id, origin) = (id.clone(), origin.clone());
        self.writer.write(async move |writer| identity::remove_operator(writer, &id, &origin).await).await
    }

    async fn insert_link(&self, link: &Link, origin: &Origin) -> Result<bool, StoreError> {
        let (link, origin) = (link.clone(), origin.clone());
        self.writer.write(async move |writer| identity::insert_link(writer, &link, &origin).await).await
    }

    async fn find_link(&self, hash: &TokenHash) -> Result<Option<Link>, StoreError> {
        read!(self, identity::find_link, hash)
    }

    async fn claim(
        &self,
        hash: &TokenHash,
        claimant: &Claimant,
        now: Timestamp,
        origin: &Origin,
    ) -> Result<bool, StoreError> {
        let (layout, hash, claimant, origin) = (self.layout, hash.clone(), claimant.clone(), origin.clone());
        self.writer
            .write(async move |writer| identity::claim(writer, layout, &hash, &claimant, now, &origin).await)
            .await
    }

    async fn reset_password(
        &self,
        hash: &TokenHash,
        password: &NewPassword,
        now: Timestamp,
        origin: &Origin,
    ) -> Result<Option<UserId>, StoreError> {
        let (layout, hash, password, origin) = (self.layout, hash.clone(), password.clone(), origin.clone());
        self.writer
            .write(async move |writer| identity::reset_password(writer, layout, &hash, &password, now, &origin).await)
            .await
    }

    async fn open_portal_session(
        &self,
        link: &TokenHash,
        id: &RowId,
        token: &TokenHash,
        now: Timestamp,
        origin: &Origin,
    ) -> Result<Option<PortalSession>, StoreError> {
        let (link, id, token, origin) = (link.clone(), id.clone(), token.clone(), origin.clone());
        self.writer
            .write(async move |writer| identity::open_portal_session(writer, &link, &id, &token, now, &origin).await)
            .await
    }

    async fn find_portal_session(&self, token: &TokenHash) -> Result<Option<PortalSession>, StoreError> {
        read!(self, identity::find_portal_session, token)
    }

    async fn remove_portal_session(&self, token: &TokenHash, origin: &Origin) -> Result<bool, StoreError> {
        let (token, origin) = (token.clone(), origin.clone());
        self.writer.write(async move |writer| identity::remove_portal_session(writer, &token, &origin).await).await
    }

    async fn purge_links(&self, now: Timestamp, limit: NonZeroU32) -> Result<u32, StoreError> {
        self.writer.write(async move |writer| identity::purge_links(writer, now, limit).await).await
    }

    async fn keep_secret(&self, offered: &str) -> Result<String, StoreError> {
        let offered = offered.to_owned();
        self.writer.write(async move |writer| identity::keep_secret(writer, &offered).await).await
    }
}

#[async_trait]
impl OrganizationStore for SqliteStore {
    async fn insert_organization(
        &self,
        organization: &Organization,
        creator: &Member,
        origin: &Origin,
    ) -> Result<(), StoreError> {
        let (new, creator, origin) = (organization.clone(), creator.clone(), origin.clone());
        self.writer
            .write(async move |writer| organization::insert_organization(writer, &new, &creator, &origin).await)
            .await
    }

    async fn insert_member(&self, member: &Member, origin: &Origin) -> Result<(), StoreError> {
        let (member, origin) = (member.clone(), origin.clone());
        self.writer.write(async move |writer| organization::insert_member(writer, &member, &origin).await).await
    }

    async fn remove_member(
        &self,
        organization: &OrganizationId,
        user: &UserId,
        origin: &Origin,
    ) -> Result<bool, StoreError> {
        let (organization, user, origin) = (organization.clone(), user.clone(), origin.clone());
        self.writer
            .write(async move |writer| organization::remove_member(writer, &organization, &user, &origin).await)
            .await
    }

    async fn list_organizations(
        &self,
        after: Option<OrganizationId>,
        limit: NonZeroU32,
    ) -> Result<Vec<ListedOrganization>, StoreError> {
        read!(self, organization::list_organizations, after.as_ref(), limit)
    }

    async fn find_organization(&self, id_or_slug: &str) -> Result<Option<OrganizationId>, StoreError> {
        read!(self, organization::find_organization, id_or_slug)
    }

    async fn find_roles(&self, organization: &OrganizationId, user: &UserId) -> Result<Option<String>, StoreError> {
        read!(self, organization::find_roles, organization, user)
    }

    async fn list_memberships(&self, user: &UserId, limit: NonZeroU32) -> Result<Vec<Membership>, StoreError> {
        read!(self, organization::list_memberships, user, limit)
    }
}

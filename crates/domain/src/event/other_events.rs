//! Events about server keys, users, organizations and webhooks.

use super::{Actor, Event, EventKind, EventQuery, KindPattern, Origin, Subject};
use crate::identity::{EditUser, Session, User};
use crate::link::{Link, LinkPurpose};
use crate::organization::{Member, Organization};
use crate::portal::PortalSession;
use crate::server_key::ServerKey;
use crate::verify::Ban;
use crate::webhook::{Webhook, WebhookId, WebhookState};
use crate::{KeyId, OrganizationId, OwnerId, Timestamp, UserId};

/// Each function returns `None` if the change is not recorded.
impl Origin {
    /// Makes the event of a new server key.
    pub fn server_key_created(&self, key: &ServerKey) -> Option<Event> {
        let event = self.about_server_key(EventKind::ServerKeyCreated, &key.id)?;
        Some(event.with("start", key.start.as_str()).with_personal("name", key.name.clone()))
    }

    /// Makes the event of a revoked server key.
    pub fn server_key_revoked(&self, id: &KeyId) -> Option<Event> {
        self.about_server_key(EventKind::ServerKeyRevoked, id)
    }

    fn about_server_key(&self, kind: EventKind, id: &KeyId) -> Option<Event> {
        self.event(kind, Subject { key_id: Some(id.clone()), ..Subject::default() })
    }

    /// Makes the event of a user who signed up.
    pub fn user_created(&self, user: &User) -> Option<Event> {
        let event = self.event(EventKind::UserCreated, Subject::owner(&user.id))?;
        Some(event.with_personal("name", Some(user.name.as_str())).with_personal("email", Some(user.email.as_str())))
    }

    /// Makes the event of a user who signed in.
    pub fn signed_in(&self, session: &Session) -> Option<Event> {
        self.event(EventKind::UserSignedIn, Subject::owner(&session.user_id))
    }

    /// Makes the event of a user who signed out. The actor is the user, because only the holder of a session can end it.
    pub fn signed_out(&self, user: &UserId) -> Option<Event> {
        let event = self.event(EventKind::UserSignedOut, Subject::owner(user))?;
        Some(Event { actor: Actor::User(user.clone()), ..event })
    }

    /// Makes the event of a refused sign-in; `user` is the one that the address belongs to.
    pub fn sign_in_refused(&self, user: Option<&UserId>) -> Option<Event> {
        self.event(EventKind::UserSignInRefused, Subject { owner: user.map(OwnerId::from), ..Subject::default() })
    }

    /// Makes the event of a user who became an operator; `by_claim` says that it was the first one, by a link.
    pub fn operator_added(&self, user: &UserId, by_claim: bool) -> Option<Event> {
        Some(self.event(EventKind::UserOperatorAdded, Subject::owner(user))?.with("claimed", by_claim))
    }

    /// Makes the event of a user who is no longer kept as an operator.
    pub fn operator_removed(&self, user: &UserId) -> Option<Event> {
        self.event(EventKind::UserOperatorRemoved, Subject::owner(user))
    }

    /// Makes the event of a user who got another password, which ended so many of their sessions; `by_link` says that they
    /// chose it by a link.
    pub fn password_changed(&self, user: &UserId, by_link: bool, sessions: u64) -> Option<Event> {
        let event = self.event(EventKind::UserPasswordChanged, Subject::owner(user))?;
        Some(event.with("reset", by_link).with("sessions", sessions))
    }

    /// Makes the event of a user who changed their name or picture.
    pub fn user_updated(&self, user: &UserId, edit: &EditUser) -> Option<Event> {
        let changed = [("name", edit.name.is_some()), ("image", edit.image.is_some())];
        let changed: Vec<_> = changed.into_iter().filter(|(_, is_changed)| *is_changed).map(|(name, _)| name).collect();
        let event = self.event(EventKind::UserUpdated, Subject::owner(user))?;
        Some(event.with("changed", changed).with_personal("newName", edit.name.as_deref()))
    }

    /// Makes the event of a user so many of whose sessions were ended.
    pub fn sessions_ended(&self, user: &UserId, sessions: u64) -> Option<Event> {
        Some(self.event(EventKind::UserSessionsEnded, Subject::owner(user))?.with("sessions", sessions))
    }

    /// Makes the event of a user who was banned, which ended so many of their sessions, or whose ban was taken back.
    pub fn ban_set(&self, user: &UserId, ban: Option<Ban>, sessions: u64) -> Option<Event> {
        let Some(ban) = ban else { return self.event(EventKind::UserUnbanned, Subject::owner(user)) };
        let event = self.event(EventKind::UserBanned, Subject::owner(user))?;
        Some(event.with("until", ban.until.map(|until| until.to_string())).with("sessions", sessions))
    }

    /// Makes the event of a new link. A claim has none, since it belongs to nobody yet, nor has a form: what it does has one.
    pub fn link_created(&self, link: &Link) -> Option<Event> {
        match &link.purpose {
            LinkPurpose::Claim | LinkPurpose::Form => None,
            LinkPurpose::Reset(user) => self.event(EventKind::UserResetLinkCreated, Subject::owner(user)),
            LinkPurpose::Portal(grant) => {
                let event = self.event(EventKind::PortalLinkCreated, Subject::owner(grant.owner.clone()))?;
                Some(event.with("may", grant.may.names().collect::<Vec<_>>()))
            }
        }
    }

    /// Makes the event of a portal session that was opened. The actor is the guest: only the holder of its link opens it.
    pub fn portal_session_opened(&self, session: &PortalSession) -> Option<Event> {
        let event = self.about_portal_session(EventKind::PortalSessionOpened, session)?;
        let expires_at = session.expires_at.to_string();
        Some(event.with("may", session.may.names().collect::<Vec<_>>()).with("expiresAt", expires_at))
    }

    /// Makes the event of a portal session that its guest ended.
    pub fn portal_session_ended(&self, session: &PortalSession) -> Option<Event> {
        self.about_portal_session(EventKind::PortalSessionEnded, session)
    }

    fn about_portal_session(&self, kind: EventKind, session: &PortalSession) -> Option<Event> {
        let event = self.event(kind, Subject::owner(session.owner.clone()))?.with("sessionId", session.id.as_str());
        Some(Event { actor: Actor::Portal(session.owner.clone()), ..event })
    }

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

    /// Makes the event of somebody who reads the log: what they ask for.
    pub fn audit_read(&self, query: &EventQuery) -> Option<Event> {
        let EventQuery { key_id, owners, config_id, kinds, actor, time, direction: _, after, limit } = query;
        let subject = Subject { key_id: key_id.clone(), owner: None, config_id: config_id.clone() };
        let event = self.event(EventKind::AuditRead, subject)?;
        let owners = owners.as_ref().map(|owners| owners.iter().map(OwnerId::as_str).collect::<Vec<_>>());
        let instant = |at: Option<Timestamp>| at.map(|at| at.to_string());
        let event =
            event.with("owners", owners).with("actor", actor.clone()).with("limit", *limit).with("after", *after);
        let event = event.with("kinds", kinds.iter().map(KindPattern::as_str).collect::<Vec<_>>());
        let (from, to) = (time.as_ref().map(|time| time.start), time.as_ref().map(|time| time.end));
        Some(event.with("from", instant(from)).with("to", instant(to)))
    }

    /// Makes the event of a user whose details about persons were erased from so many events.
    pub fn user_erased(&self, user: &UserId, events: u64, sessions: u64) -> Option<Event> {
        let event = self.event(EventKind::UserErased, Subject::owner(user))?;
        Some(event.with("events", events).with("sessions", sessions))
    }

    /// Makes the event of a server that took over a changed configuration: the names of the changed settings, and of
    /// those that wait for a restart.
    pub fn config_reloaded(&self, changed: &[String], waiting: &[&str]) -> Option<Event> {
        let event = self.event(EventKind::ConfigReloaded, Subject::default())?;
        Some(event.with("changed", changed).with("needRestart", waiting))
    }

    /// Makes the event of a new webhook. Its path may be a secret, and is left out.
    pub fn webhook_created(&self, webhook: &Webhook) -> Option<Event> {
        let event = self.about_webhook(EventKind::WebhookCreated, &webhook.id)?;
        Some(event.with("host", webhook.url.host()).with("kinds", webhook.kinds.globs().collect::<Vec<_>>()))
    }

    /// Makes the event of a webhook that somebody paused, resumed or disabled.
    pub fn webhook_state_set(&self, id: &WebhookId, state: WebhookState) -> Option<Event> {
        Some(self.about_webhook(EventKind::WebhookUpdated, id)?.with("state", state.as_str()))
    }

    /// Makes the event of a webhook that got another secret.
    pub fn webhook_secret_rotated(&self, id: &WebhookId) -> Option<Event> {
        Some(self.about_webhook(EventKind::WebhookUpdated, id)?.with("secret", "rotated"))
    }

    /// Makes the event of a webhook that is told again of what happened behind a position.
    pub fn webhook_replayed(&self, id: &WebhookId, position: u64) -> Option<Event> {
        Some(self.about_webhook(EventKind::WebhookUpdated, id)?.with("replayedFrom", position))
    }

    /// Makes the event of a webhook that Keymint paused or disabled, because it does not accept events.
    pub fn webhook_stopped(&self, id: &WebhookId, state: WebhookState) -> Option<Event> {
        Some(self.about_webhook(EventKind::WebhookStopped, id)?.with("state", state.as_str()))
    }

    /// Makes the event of a deleted webhook.
    pub fn webhook_deleted(&self, id: &WebhookId) -> Option<Event> {
        self.about_webhook(EventKind::WebhookDeleted, id)
    }

    fn about_webhook(&self, kind: EventKind, id: &WebhookId) -> Option<Event> {
        Some(self.event(kind, Subject::default())?.with("webhookId", id.as_str()))
    }
}

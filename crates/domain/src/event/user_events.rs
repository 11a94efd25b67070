//! Events about users, their sessions, and links that they use.

use super::{Actor, Event, EventKind, Origin, Subject};
use crate::identity::{EditUser, Session, User};
use crate::link::{Link, LinkPurpose};
use crate::portal::PortalSession;
use crate::verify::Ban;
use crate::{OwnerId, UserId};

/// Each function returns `None` if the change is not recorded.
impl Origin {
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

    /// Makes the event of a user who changed their name or picture.
    pub fn user_updated(&self, user: &UserId, edit: &EditUser) -> Option<Event> {
        let changed = [("name", edit.name.is_some()), ("image", edit.image.is_some())];
        let changed: Vec<_> = changed.into_iter().filter(|(_, is_changed)| *is_changed).map(|(name, _)| name).collect();
        let event = self.event(EventKind::UserUpdated, Subject::owner(user))?;
        Some(event.with("changed", changed).with_personal("newName", edit.name.as_deref()))
    }

    /// Makes the event of a user who got another password, which ended so many of their sessions; `by_link` says that they
    /// chose it by a link.
    pub fn password_changed(&self, user: &UserId, by_link: bool, sessions: u64) -> Option<Event> {
        let event = self.event(EventKind::UserPasswordChanged, Subject::owner(user))?;
        Some(event.with("reset", by_link).with("sessions", sessions))
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

    /// Makes the event of a user who became an operator; `by_claim` says that it was the first one, by a link.
    pub fn operator_added(&self, user: &UserId, by_claim: bool) -> Option<Event> {
        Some(self.event(EventKind::UserOperatorAdded, Subject::owner(user))?.with("claimed", by_claim))
    }

    /// Makes the event of a user who is no longer kept as an operator.
    pub fn operator_removed(&self, user: &UserId) -> Option<Event> {
        self.event(EventKind::UserOperatorRemoved, Subject::owner(user))
    }

    /// Makes the event of a user whose details about persons were erased from so many events.
    pub fn user_erased(&self, user: &UserId, events: u64, sessions: u64) -> Option<Event> {
        let event = self.event(EventKind::UserErased, Subject::owner(user))?;
        Some(event.with("events", events).with("sessions", sessions))
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
}

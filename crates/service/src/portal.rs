//! Portal sessions: guests of a backend who see and manage the keys of one owner.

use std::fmt;
use std::sync::Arc;

use keymint_domain::event::Actor;
use keymint_domain::link::{Link, LinkPurpose, NewLink, SecretToken};
use keymint_domain::portal::{PortalGrant, PortalSession};
use keymint_domain::{ErrorCode, RowId, Timestamp};
use keymint_ports::IdentityStore;

use crate::surroundings::{Surroundings, takes_surroundings};
use crate::{Caller, Context, ServiceError, Source};

/// Makes links that open portal sessions, and finds these sessions.
pub struct Portal {
    store: Arc<dyn IdentityStore>,
    surroundings: Surroundings,
}

/// A portal session that was just opened, with the token that is never seen again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenedPortal {
    /// The token, which the guest's cookie holds.
    pub token: SecretToken,
    /// The session.
    pub session: PortalSession,
}

takes_surroundings!(Portal);

impl Portal {
    /// Makes the service over links and sessions in `store`.
    pub fn new(store: Arc<dyn IdentityStore>) -> Self {
        Self { store, surroundings: Surroundings::default() }
    }

    /// Returns the current instant, by the clock that sessions are judged by.
    pub fn now(&self) -> Timestamp {
        self.surroundings.now()
    }

    /// Makes a link that opens one session.
    ///
    /// # Errors
    ///
    /// Returns `UNAUTHORIZED` for any caller but a server and an operator, and [`ServiceError::Store`] if the store fails.
    pub async fn create<'a>(
        &self,
        context: impl Into<Context<'a>> + Send,
        grant: PortalGrant,
    ) -> Result<NewLink, ServiceError> {
        let context = context.into();
        if !context.caller.manages_all() {
            return Err(ErrorCode::Unauthorized.into());
        }
        let now = self.surroundings.now();
        let made = Link::begin(LinkPurpose::Portal(grant), &mut |bytes: &mut [u8]| self.surroundings.fill(bytes), now);
        let origin = self.surroundings.origin(context.actor(), &context.source, now);
        self.store.insert_link(&made.link, &origin).await?;
        Ok(made)
    }

    /// Looks at a link, which stays as it is. Returns the session that it would open; `None` = the text is no link that may
    /// be used now.
    ///
    /// # Errors
    ///
    /// Returns [`ServiceError::Store`] if the store fails.
    pub async fn look_at(&self, token: &str) -> Result<Option<PortalGrant>, ServiceError> {
        let Some(token) = SecretToken::parse(token) else { return Ok(None) };
        let found = self.store.find_link(&token.hash()).await?.filter(|link| link.is_valid(self.surroundings.now()));
        Ok(found.and_then(|link| match link.purpose {
            LinkPurpose::Portal(grant) => Some(grant),
            LinkPurpose::Claim | LinkPurpose::Reset(_) | LinkPurpose::Form => None,
        }))
    }

    /// Opens the session of a link, which is used up.
    ///
    /// # Errors
    ///
    /// Returns `LINK_NOT_VALID` for a link that was used or has expired, and [`ServiceError::Store`] if the store fails.
    pub async fn open(&self, token: &str, source: &Source) -> Result<OpenedPortal, ServiceError> {
        let link = SecretToken::parse(token).ok_or(ErrorCode::LinkNotValid)?;
        let mut fill = |bytes: &mut [u8]| self.surroundings.fill(bytes);
        let (id, token) = (RowId::random(&mut fill), SecretToken::random(&mut fill));
        let now = self.surroundings.now();
        // The store knows whose guest it is, and names them as the actor.
        let origin = self.surroundings.origin(Actor::Anyone, source, now);
        let session = self.store.open_portal_session(&link.hash(), &id, &token.hash(), now, &origin).await?;
        Ok(OpenedPortal { token, session: session.ok_or(ErrorCode::LinkNotValid)? })
    }

    /// Finds a valid session by its token.
    ///
    /// # Errors
    ///
    /// Returns [`ServiceError::Store`] if the store fails.
    pub async fn find(&self, token: &str) -> Result<Option<PortalSession>, ServiceError> {
        let Some(token) = SecretToken::parse(token) else { return Ok(None) };
        let found = self.store.find_portal_session(&token.hash()).await?;
        Ok(found.filter(|session| session.is_valid(self.surroundings.now())))
    }

    /// Ends a session. One that does not exist counts as ended.
    ///
    /// # Errors
    ///
    /// Returns [`ServiceError::Store`] if the store fails.
    pub async fn end(&self, token: &str, source: &Source) -> Result<(), ServiceError> {
        if let Some(token) = SecretToken::parse(token) {
            let origin = self.surroundings.origin(Actor::Anyone, source, self.surroundings.now());
            self.store.remove_portal_session(&token.hash(), &origin).await?;
        }
        Ok(())
    }
}

/// The caller that the guest of a session is.
impl From<&PortalSession> for Caller {
    fn from(session: &PortalSession) -> Self {
        Self::Portal { owner: session.owner.clone(), may: session.may.clone() }
    }
}

impl fmt::Debug for Portal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Portal")
    }
}

use keymint_domain::ErrorCode;
use keymint_domain::event::Origin;
use keymint_domain::identity::SessionToken;

use super::{Identity, SignedIn};
use crate::ServiceError;

/// A valid session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundSession {
    /// The user and the session.
    pub signed_in: SignedIn,
    /// True if its end was just moved, so that its cookie must be sent again.
    pub refreshed: bool,
}

impl Identity {
    /// Finds a valid session by its token.
    ///
    /// A session that has ended is removed. One that is a day old is refreshed, if `may_refresh`
    /// (docs/better-auth-wire.md 5.4).
    ///
    /// # Errors
    ///
    /// Returns `FAILED_TO_GET_SESSION` if the session ended while it was refreshed, and [`ServiceError::Store`] if the
    /// store fails.
    pub async fn session(&self, token: &SessionToken, may_refresh: bool) -> Result<Option<FoundSession>, ServiceError> {
        let Some((mut session, user)) = self.store.find_session(token).await? else {
            return Ok(None);
        };
        let now = self.surroundings.now();
        if session.is_expired(now) {
            // Its end was due; nobody has signed out.
            self.store.remove_session(token, &Origin::unrecorded()).await?;
            return Ok(None);
        }
        let lifetime = self.options.lifetime;
        let refreshed = may_refresh && lifetime.is_refresh_due(session.expires_at, now);
        if refreshed {
            session.expires_at = lifetime.end(now);
            session.updated_at = now;
            if !self.store.refresh_session(token, session.expires_at, now).await? {
                return Err(ErrorCode::FailedToGetSession.into());
            }
        }
        Ok(Some(FoundSession { signed_in: SignedIn { user, session }, refreshed }))
    }
}

use keymint_domain::ErrorCode;
use keymint_domain::identity::SessionToken;

use super::{Identity, SignedIn};
use crate::ServiceError;

/// A living session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundSession {
    /// Whose it is.
    pub signed_in: SignedIn,
    /// Whether its end was moved just now, so that its cookie must be sent again.
    pub refreshed: bool,
}

impl Identity {
    /// Finds a living session by its token. One that has ended is removed; one that is a day old is refreshed, where
    /// `may_refresh` (docs/better-auth-wire.md 5.4).
    ///
    /// Errors: `FAILED_TO_GET_SESSION` where it was ended while it was refreshed; a failed store.
    pub async fn session(&self, token: &SessionToken, may_refresh: bool) -> Result<Option<FoundSession>, ServiceError> {
        let Some((mut session, user)) = self.store.find_session(token).await? else {
            return Ok(None);
        };
        let now = self.clock.now();
        if session.is_expired(now) {
            self.store.remove_session(token).await?;
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

//! Links that are used once, and the portal that some of them open.

use keymint_domain::identity::{Password, SignUp, User};
use keymint_domain::link::LinkPurpose;
use keymint_service::{Portal, SignedIn};

use super::PageRequest;
use crate::callers::session::Outbox;
use crate::error::ApiError;
use crate::extract::admit;

impl PageRequest {
    /// Looks at a link that makes an operator or another password; it stays as it is. `None` = it may not be used now.
    ///
    /// # Errors
    ///
    /// Nobody signs in here; the client has guessed too often; the store fails.
    pub async fn look_at_link(&self, token: &str) -> Result<Option<LinkPurpose>, ApiError> {
        let _turn = self.api.process.reads.take().await?;
        let found = self.sessions()?.identity.look_at_link(token).await?;
        if found.is_none() {
            self.count_guess()?;
        }
        Ok(found)
    }

    /// Makes the first operator by a claim, and sets the cookies of their first session.
    ///
    /// # Errors
    ///
    /// Nobody signs in here; the client has tried too often; the errors of
    /// [`Identity::claim`](keymint_service::Identity::claim).
    pub async fn claim(&self, token: &str, asked: SignUp) -> Result<SignedIn, ApiError> {
        let sessions = self.sessions()?;
        let client = admit(&self.http, &self.api, sessions)?;
        let signed_in = sessions.identity.claim(token, asked, client, &self.source()).await?;
        Outbox::send(&self.http, sessions.cookies.set(&signed_in.session.token, true));
        Ok(signed_in)
    }

    /// Makes a user, who is signed in, the first operator by a claim.
    ///
    /// # Errors
    ///
    /// Nobody signs in here; the client has tried too often; the errors of
    /// [`Identity::claim_as`](keymint_service::Identity::claim_as).
    pub async fn claim_as(&self, token: &str, user: &User) -> Result<(), ApiError> {
        let sessions = self.sessions()?;
        admit(&self.http, &self.api, sessions)?;
        Ok(sessions.identity.claim_as(token, user, &self.source()).await?)
    }

    /// Sets another password by a reset, ends all sessions of its user, and clears the cookies of the request.
    ///
    /// # Errors
    ///
    /// Nobody signs in here; the client has tried too often; the errors of
    /// [`Identity::reset_password`](keymint_service::Identity::reset_password).
    pub async fn reset_password(&self, token: &str, password: Password) -> Result<(), ApiError> {
        let sessions = self.sessions()?;
        admit(&self.http, &self.api, sessions)?;
        sessions.identity.reset_password(token, password, &self.source()).await?;
        Outbox::send(&self.http, sessions.cookies.clear());
        Ok(())
    }

    /// Returns the use cases of the portal.
    ///
    /// # Errors
    ///
    /// `NOT_FOUND`: there is no portal here.
    pub fn portal(&self) -> Result<&Portal, ApiError> {
        self.api.portal.as_ref().map(|links| &*links.portal).ok_or(ApiError::NotFound)
    }

    /// Counts a request with a link that may not be used, as a guess, in the throttle of sign-ins.
    ///
    /// # Errors
    ///
    /// The client has guessed too often.
    pub fn count_guess(&self) -> Result<(), ApiError> {
        match &self.api.sessions {
            Some(sessions) => admit(&self.http, &self.api, sessions).map(drop),
            None => Ok(()),
        }
    }
}

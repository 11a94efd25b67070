//! The person who is signed in, and how they get in and out.

use keymint_domain::identity::{Password, SignUp};
use keymint_service::{Caller, IdentityOptions, ServiceError, SignIn, SignedIn};

use super::PageRequest;
use crate::callers::session::Outbox;
use crate::error::ApiError;
use crate::extract::admit;

impl PageRequest {
    /// Returns the user who is signed in. A session that is due is refreshed, and the cookies of an ended one are cleared.
    ///
    /// # Errors
    ///
    /// The session ended while it was refreshed, or the store has failed.
    pub async fn signed_in(&self) -> Result<Option<SignedIn>, ServiceError> {
        let _turn = self.api.process.reads.take().await?;
        match &self.api.sessions {
            Some(sessions) => sessions.find(&self.http, true).await,
            None => Ok(None),
        }
    }

    /// Returns the caller that the use cases take for a user who is signed in, and who may be an operator.
    ///
    /// # Errors
    ///
    /// `USER_BANNED`; `NOT_FOUND` if nobody signs in here; the store fails.
    pub async fn caller(&self, signed_in: SignedIn) -> Result<Caller, ApiError> {
        Ok(self.sessions()?.identity.caller_in_person(signed_in).await?)
    }

    /// Returns the options of the bundled identity; `None` = nobody signs in here.
    pub fn identity(&self) -> Option<IdentityOptions> {
        self.api.sessions.as_ref().map(|sessions| sessions.identity.options())
    }

    /// Signs a user in, and sets the cookies of their session.
    ///
    /// # Errors
    ///
    /// Nobody signs in here; the client has tried too often; the errors of
    /// [`Identity::sign_in`](keymint_service::Identity::sign_in).
    pub async fn sign_in(&self, asked: SignIn) -> Result<SignedIn, ApiError> {
        let sessions = self.sessions()?;
        let client = admit(&self.http, &self.api, sessions)?;
        let remember = asked.remember;
        let signed_in = sessions.identity.sign_in(asked, client, &self.source()).await?;
        Outbox::send(&self.http, sessions.cookies.set(&signed_in.session.token, remember));
        Ok(signed_in)
    }

    /// Begins another session of a user who enters their password again, in place of the one that they have.
    ///
    /// # Errors
    ///
    /// Nobody signs in here; the client has tried too often; the errors of
    /// [`Identity::sign_in`](keymint_service::Identity::sign_in).
    pub async fn sign_in_again(&self, signed_in: &SignedIn, password: Password) -> Result<(), ApiError> {
        let sessions = self.sessions()?;
        let client = admit(&self.http, &self.api, sessions)?;
        let remember = sessions.is_remembered(&self.http);
        let asked = SignIn { email: signed_in.user.email.clone(), password, remember };
        let began = sessions.identity.sign_in(asked, client, &self.source()).await?;
        Outbox::send(&self.http, sessions.cookies.set(&began.session.token, remember));
        sessions.identity.sign_out(&signed_in.session.token, &self.source()).await?;
        Ok(())
    }

    /// Makes a user, and sets the cookies of their first session.
    ///
    /// # Errors
    ///
    /// Nobody signs in here; the client has tried too often; the errors of
    /// [`Identity::sign_up`](keymint_service::Identity::sign_up).
    pub async fn sign_up(&self, asked: SignUp, remember: bool) -> Result<SignedIn, ApiError> {
        let sessions = self.sessions()?;
        let client = admit(&self.http, &self.api, sessions)?;
        let signed_in = sessions.identity.sign_up(asked, client, remember, &self.source()).await?;
        Outbox::send(&self.http, sessions.cookies.set(&signed_in.session.token, remember));
        Ok(signed_in)
    }

    /// Ends the sessions that the request shows, and clears their cookies.
    ///
    /// # Errors
    ///
    /// Nobody signs in here, or the store has failed.
    pub async fn sign_out(&self) -> Result<(), ApiError> {
        let sessions = self.sessions()?;
        for presented in sessions.presented(&self.http) {
            sessions.identity.sign_out(presented.token(), &self.source()).await?;
        }
        Outbox::send(&self.http, sessions.cookies.clear());
        Ok(())
    }
}

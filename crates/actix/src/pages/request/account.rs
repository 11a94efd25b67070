//! The account of a user: their name, their password and their sessions.

use keymint_domain::ErrorCode;
use keymint_domain::identity::{EditUser, Password, Session, User};
use keymint_service::{Identity, ServiceError, SignedIn};

use super::PageRequest;
use crate::callers::session::Outbox;
use crate::error::ApiError;
use crate::extract::admit;

impl PageRequest {
    /// Returns the use cases of users.
    ///
    /// # Errors
    ///
    /// `NOT_FOUND`: nobody signs in here.
    pub fn users(&self) -> Result<&Identity, ApiError> {
        self.sessions().map(|sessions| &*sessions.identity)
    }

    /// Lists the valid sessions of a user; `None` = theirs is a day old, and they must sign in again to see them.
    ///
    /// # Errors
    ///
    /// Nobody signs in here; the errors of [`Identity::list_sessions`](keymint_service::Identity::list_sessions).
    pub async fn sessions_of(&self, signed_in: &SignedIn) -> Result<Option<Vec<Session>>, ApiError> {
        let _turn = self.api.process.reads.take().await?;
        match self.sessions()?.identity.list_sessions(signed_in).await {
            Ok(sessions) => Ok(Some(sessions)),
            Err(ServiceError::Refused(ErrorCode::SessionNotFresh)) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Ends the session with this id, if it is one of the user's.
    ///
    /// # Errors
    ///
    /// Nobody signs in here; the errors of [`Identity::list_sessions`](keymint_service::Identity::list_sessions).
    pub async fn end_session(&self, signed_in: &SignedIn, id: &str) -> Result<(), ApiError> {
        let identity = &self.sessions()?.identity;
        let sessions = identity.list_sessions(signed_in).await?;
        if let Some(session) = sessions.iter().find(|session| session.id.as_str() == id) {
            identity.revoke_session(signed_in, &session.token, &self.source()).await?;
        }
        Ok(())
    }

    /// Ends all sessions of a user but this one.
    ///
    /// # Errors
    ///
    /// Nobody signs in here; the errors of [`Identity::revoke_sessions`](keymint_service::Identity::revoke_sessions).
    pub async fn end_other_sessions(&self, signed_in: &SignedIn) -> Result<(), ApiError> {
        self.sessions()?.identity.revoke_sessions(signed_in, true, &self.source()).await?;
        Ok(())
    }

    /// Ends all sessions of a user, this one included, and clears its cookies.
    ///
    /// # Errors
    ///
    /// Nobody signs in here; the errors of [`Identity::revoke_sessions`](keymint_service::Identity::revoke_sessions).
    pub async fn end_all_sessions(&self, signed_in: &SignedIn) -> Result<(), ApiError> {
        let sessions = self.sessions()?;
        sessions.identity.revoke_sessions(signed_in, false, &self.source()).await?;
        Outbox::send(&self.http, sessions.cookies.clear());
        Ok(())
    }

    /// Changes the name of a user.
    ///
    /// # Errors
    ///
    /// Nobody signs in here; the errors of [`Identity::update_user`](keymint_service::Identity::update_user).
    pub async fn update_user(&self, signed_in: &SignedIn, edit: &EditUser) -> Result<User, ApiError> {
        Ok(self.sessions()?.identity.update_user(signed_in, edit, &self.source()).await?)
    }

    /// Changes the password of a user. With `end_others` all their sessions end, and the cookies of a new one are set.
    ///
    /// # Errors
    ///
    /// Nobody signs in here; the client has tried too often; the errors of
    /// [`Identity::change_password`](keymint_service::Identity::change_password).
    pub async fn change_password(
        &self,
        signed_in: &SignedIn,
        current: Password,
        new: Password,
        end_others: bool,
    ) -> Result<(), ApiError> {
        let sessions = self.sessions()?;
        let client = end_others.then_some(admit(&self.http, &self.api, sessions)?);
        let began = sessions.identity.change_password(signed_in, current, new, client, &self.source()).await?;
        if let Some(session) = began {
            Outbox::send(&self.http, sessions.renewed(&self.http, &session.token));
        }
        Ok(())
    }
}

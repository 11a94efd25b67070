use keymint_domain::event::Actor;
use keymint_domain::identity::{Client, Email, Password};
use keymint_domain::{ErrorCode, UserId};
use keymint_ports::Credential;

use super::{Identity, SignedIn};
use crate::{ServiceError, Source};

/// A request for a session.
#[derive(Debug, Clone)]
pub struct SignIn {
    /// The address, as it was sent.
    pub email: String,
    /// The password, as it was sent.
    pub password: Password,
    /// True if the session outlives the browser, and a day.
    pub remember: bool,
}

impl Identity {
    /// Makes a session for a user who presents their address and password.
    ///
    /// # Errors
    ///
    /// Returns, in Better Auth's order (docs/better-auth-wire.md 5.2): `EMAIL_PASSWORD_DISABLED`; `INVALID_EMAIL`;
    /// `PASSWORD_TOO_LONG`; `INVALID_EMAIL_OR_PASSWORD`, after the same time whether the user exists or not;
    /// `BANNED_USER`; [`ServiceError::Overloaded`]; [`ServiceError::Store`] if the store fails.
    pub async fn sign_in(&self, request: SignIn, client: Client, source: &Source) -> Result<SignedIn, ServiceError> {
        if !self.options.email_and_password {
            return Err(ErrorCode::EmailPasswordDisabled.into());
        }
        let SignIn { email, password, remember } = request;
        let email = Email::parse(&email).map_err(|_| ErrorCode::InvalidEmail)?;
        password.check_presented()?;
        let found = self.store.find_credential(&email).await?;
        let Some(Credential { user, password_hash: Some(stored) }) = found else {
            self.hasher.hash(password, self.salt()).await?;
            return Err(self.refuse(ErrorCode::InvalidEmailOrPassword, None, source).await);
        };
        if !self.hasher.matches(password, stored).await? {
            return Err(self.refuse(ErrorCode::InvalidEmailOrPassword, Some(&user.id), source).await);
        }
        let now = self.surroundings.now();
        if user.is_banned(now) {
            return Err(self.refuse(ErrorCode::BannedUser, Some(&user.id), source).await);
        }
        let session = self.begin_session(user.id.clone(), client, remember, now);
        let origin = self.origin(Actor::User(user.id.clone()), source, now);
        if self.store.insert_session(&session, &origin).await? {
            Ok(SignedIn { user, session })
        } else {
            Err(ErrorCode::InvalidEmailOrPassword.into())
        }
    }
    /// Records a refused sign-in, and returns its error. `user` is the one that the address belongs to.
    async fn refuse(&self, code: ErrorCode, user: Option<&UserId>, source: &Source) -> ServiceError {
        let origin = self.origin(Actor::Anyone, source, self.surroundings.now());
        if let (Some(events), Some(event)) = (&self.events, origin.sign_in_refused(user)) {
            // The answer does not depend on whether it could be recorded.
            if let Err(error) = events.record(&event.with("code", code.as_str())).await {
                tracing::warn!(error = &error as &dyn std::error::Error, "a refused sign-in could not be recorded");
            }
        }
        code.into()
    }
}

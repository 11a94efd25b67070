use keymint_domain::ErrorCode;
use keymint_domain::identity::{Client, Email, Password};
use keymint_ports::Credential;

use super::{Identity, SignedIn};
use crate::ServiceError;

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
    pub async fn sign_in(&self, request: SignIn, client: Client) -> Result<SignedIn, ServiceError> {
        if !self.options.email_and_password {
            return Err(ErrorCode::EmailPasswordDisabled.into());
        }
        let SignIn { email, password, remember } = request;
        let email = Email::parse(&email).map_err(|_| ErrorCode::InvalidEmail)?;
        password.check_presented()?;
        let Some(Credential { user, password_hash: Some(stored) }) = self.store.find_credential(&email).await? else {
            self.hasher.hash(password, self.salt()).await?;
            return Err(ErrorCode::InvalidEmailOrPassword.into());
        };
        if !self.hasher.matches(password, stored).await? {
            return Err(ErrorCode::InvalidEmailOrPassword.into());
        }
        let now = self.clock.now();
        if user.is_banned(now) {
            return Err(ErrorCode::BannedUser.into());
        }
        let session = self.begin_session(user.id.clone(), client, remember, now);
        if self.store.insert_session(&session).await? {
            Ok(SignedIn { user, session })
        } else {
            Err(ErrorCode::InvalidEmailOrPassword.into())
        }
    }
}

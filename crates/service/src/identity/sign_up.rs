use keymint_domain::ErrorCode;
use keymint_domain::event::Actor;
use keymint_domain::identity::{Client, SignUp};
use keymint_ports::StoreError;

use super::{Identity, SignedIn};
use crate::{ServiceError, Source};

impl Identity {
    /// Makes a user, with a first session.
    ///
    /// # Errors
    ///
    /// Returns, in Better Auth's order (docs/better-auth-wire.md 5.1): `EMAIL_PASSWORD_SIGN_UP_DISABLED`;
    /// `PASSWORD_TOO_SHORT` and `PASSWORD_TOO_LONG`; `USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL`, also for the address of an operator;
    /// [`ServiceError::Overloaded`]; [`ServiceError::Store`] if the store fails.
    pub async fn sign_up(
        &self,
        request: SignUp,
        client: Client,
        remember: bool,
        source: &Source,
    ) -> Result<SignedIn, ServiceError> {
        if !(self.options.email_and_password && self.options.sign_up) {
            return Err(ErrorCode::EmailPasswordSignUpDisabled.into());
        }
        request.password.check_new()?;
        // An operator's address is answered like one that is taken: nobody learns which it is.
        if self.operators.reserves(&request.email) || self.store.find_credential(&request.email).await?.is_some() {
            return Err(ErrorCode::UserAlreadyExists.into());
        }
        let hash = self.hasher.hash(request.password.clone(), self.salt()).await?;
        let now = self.surroundings.now();
        let new = request.accept(hash, &mut |bytes: &mut [u8]| self.surroundings.fill(bytes), now);
        let session = self.begin_session(new.user.id.clone(), client, remember, now);
        let origin = self.origin(Actor::User(new.user.id.clone()), source, now);
        match self.store.insert_user(&new, &session, &origin).await {
            Ok(()) => Ok(SignedIn { user: new.user, session }),
            Err(StoreError::Duplicate) => Err(ErrorCode::UserAlreadyExists.into()),
            Err(error) => Err(error.into()),
        }
    }
}

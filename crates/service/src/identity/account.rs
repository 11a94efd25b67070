use std::num::NonZeroU32;

use keymint_domain::event::Actor;
use keymint_domain::identity::{Client, EditUser, Password, Session, SessionToken, SignUp, User};
use keymint_domain::verify::Ban;
use keymint_domain::{ErrorCode, UserId};
use keymint_ports::{BanOutcome, ListedUser, SessionsAfter, StoreError};

use super::operators::check_is_another;
use super::{Identity, SignedIn};
use crate::{Caller, Context, ServiceError, Source};

impl Identity {
    /// Lists the valid sessions of a user, the oldest first.
    ///
    /// # Errors
    ///
    /// Returns `USER_BANNED`; `SESSION_NOT_FRESH` if `signed_in` is a day old; [`ServiceError::Store`] if the store fails.
    pub async fn list_sessions(&self, signed_in: &SignedIn) -> Result<Vec<Session>, ServiceError> {
        self.check_not_banned(&signed_in.user)?;
        let now = self.surroundings.now();
        if !signed_in.session.is_fresh(now) {
            return Err(ErrorCode::SessionNotFresh.into());
        }
        let sessions = self.store.list_sessions(&signed_in.user.id).await?;
        Ok(sessions.into_iter().filter(|session| now < session.expires_at).collect())
    }

    /// Ends a session of this user. One of somebody else, or of nobody, stays as it is.
    ///
    /// # Errors
    ///
    /// Returns `USER_BANNED`, and [`ServiceError::Store`] if the store fails.
    pub async fn revoke_session(
        &self,
        signed_in: &SignedIn,
        token: &SessionToken,
        source: &Source,
    ) -> Result<(), ServiceError> {
        self.check_not_banned(&signed_in.user)?;
        let found = self.store.find_session(token).await?;
        if found.is_some_and(|(session, _)| session.user_id == signed_in.user.id) {
            self.sign_out(token, source).await?;
        }
        Ok(())
    }

    /// Ends all sessions of this user, or with `keep_own` all but the one that is used.
    ///
    /// # Errors
    ///
    /// Returns `USER_BANNED`, and [`ServiceError::Store`] if the store fails.
    pub async fn revoke_sessions(
        &self,
        signed_in: &SignedIn,
        keep_own: bool,
        source: &Source,
    ) -> Result<u64, ServiceError> {
        self.check_not_banned(&signed_in.user)?;
        let user = &signed_in.user.id;
        let origin = self.origin(Actor::User(user.clone()), source, self.surroundings.now());
        let kept = keep_own.then(|| signed_in.session.token.clone());
        Ok(self.store.remove_sessions(user, kept, &origin).await?)
    }

    /// Changes the password of a user who presents the current one. With `revoke_others` all of their sessions end, and a
    /// new one begins for `client`, which is returned.
    ///
    /// # Errors
    ///
    /// Returns, in Better Auth's order: `USER_BANNED`; `PASSWORD_TOO_SHORT` and `PASSWORD_TOO_LONG`;
    /// `CREDENTIAL_ACCOUNT_NOT_FOUND` for a user without a password; `INVALID_PASSWORD`; [`ServiceError::Overloaded`];
    /// [`ServiceError::Store`] if the store fails.
    pub async fn change_password(
        &self,
        signed_in: &SignedIn,
        current: Password,
        new: Password,
        revoke_others: Option<Client>,
        source: &Source,
    ) -> Result<Option<Session>, ServiceError> {
        let user = &signed_in.user;
        self.check_not_banned(user)?;
        new.check_new()?;
        current.check_presented()?;
        let stored = self.store.find_password(&user.id).await?.ok_or(ErrorCode::CredentialAccountNotFound)?;
        if !self.hasher.matches(current, stored).await? {
            return Err(ErrorCode::InvalidPassword.into());
        }
        let password = self.new_password(new).await?;
        let now = self.surroundings.now();
        let session = revoke_others.map(|client| self.begin_session(user.id.clone(), client, true, now));
        let after = match session.clone() {
            Some(session) => SessionsAfter::Only(Box::new(session)),
            None => SessionsAfter::All,
        };
        let origin = self.origin(Actor::User(user.id.clone()), source, now);
        if self.store.set_password(&user.id, &password, &after, now, &origin).await? {
            Ok(session)
        } else {
            Err(ErrorCode::Unauthorized.into())
        }
    }

    /// Changes the name or the picture of a user. Returns the user as they are then.
    ///
    /// # Errors
    ///
    /// Returns `USER_BANNED`; `NO_FIELDS_TO_UPDATE`; `UNAUTHORIZED` if the user was removed; [`ServiceError::Store`] if the
    /// store fails.
    pub async fn update_user(
        &self,
        signed_in: &SignedIn,
        edit: &EditUser,
        source: &Source,
    ) -> Result<User, ServiceError> {
        self.check_not_banned(&signed_in.user)?;
        if edit.is_empty() {
            return Err(ErrorCode::NoFieldsToUpdate.into());
        }
        let (user, now) = (&signed_in.user.id, self.surroundings.now());
        let origin = self.origin(Actor::User(user.clone()), source, now);
        Ok(self.store.update_user(user, edit, now, &origin).await?.ok_or(ErrorCode::Unauthorized)?)
    }

    fn check_not_banned(&self, user: &User) -> Result<(), ErrorCode> {
        if user.is_banned(self.surroundings.now()) { Err(ErrorCode::UserBanned) } else { Ok(()) }
    }

    /// Makes a user without a session. Their address may be that of an operator, and counts as proved with `is_verified`.
    ///
    /// # Errors
    ///
    /// Returns `UNAUTHORIZED` for any caller but a server and an operator; `PASSWORD_TOO_SHORT` and `PASSWORD_TOO_LONG`;
    /// `USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL`; [`ServiceError::Overloaded`]; [`ServiceError::Store`] if the store fails.
    pub async fn create_user<'a>(
        &self,
        context: impl Into<Context<'a>> + Send,
        request: SignUp,
        is_verified: bool,
    ) -> Result<User, ServiceError> {
        let context = context.into();
        check_manages_all(context.caller)?;
        request.password.check_new()?;
        if self.store.find_credential(&request.email).await?.is_some() {
            return Err(ErrorCode::UserAlreadyExists.into());
        }
        let hash = self.hasher.hash(request.password.clone(), self.salt()).await?;
        let now = self.surroundings.now();
        let mut new = request.accept(hash, &mut |bytes: &mut [u8]| self.surroundings.fill(bytes), now);
        new.user.email_verified = is_verified;
        let origin = self.origin(context.actor(), &context.source, now);
        match self.store.insert_user_alone(&new, &origin).await {
            Ok(()) => Ok(new.user),
            Err(StoreError::Duplicate) => Err(ErrorCode::UserAlreadyExists.into()),
            Err(error) => Err(error.into()),
        }
    }

    /// Lists at most `limit` users behind the user `after`, in the order of their ids.
    ///
    /// # Errors
    ///
    /// Returns `UNAUTHORIZED` for any caller but a server and an operator, and [`ServiceError::Store`] if the store fails.
    pub async fn list_users(
        &self,
        caller: &Caller,
        after: Option<UserId>,
        limit: NonZeroU32,
    ) -> Result<Vec<ListedUser>, ServiceError> {
        check_manages_all(caller)?;
        let now = self.surroundings.now();
        let mut listed = self.store.list_users(after, limit).await?;
        for user in &mut listed {
            user.is_operator = self.operators.admits(&user.user, user.is_operator, now);
        }
        Ok(listed)
    }

    /// Finds a user (an id or an address); `None` = there is no such user.
    ///
    /// # Errors
    ///
    /// Returns `UNAUTHORIZED` for any caller but a server and an operator, and [`ServiceError::Store`] if the store fails.
    pub async fn find_user(&self, caller: &Caller, id_or_email: &str) -> Result<Option<ListedUser>, ServiceError> {
        check_manages_all(caller)?;
        let Some(user) = self.find(id_or_email).await? else { return Ok(None) };
        let is_operator = self.is_operator(&user).await?;
        Ok(Some(ListedUser { user, is_operator }))
    }

    /// Sets the password of a user (an id or an address), and ends their sessions. `None` = there is no such user.
    ///
    /// # Errors
    ///
    /// Returns `UNAUTHORIZED` for any caller but a server and an operator; `PASSWORD_TOO_SHORT` and `PASSWORD_TOO_LONG`;
    /// [`ServiceError::Overloaded`]; [`ServiceError::Store`] if the store fails.
    pub async fn set_password<'a>(
        &self,
        context: impl Into<Context<'a>> + Send,
        id_or_email: &str,
        password: Password,
    ) -> Result<Option<UserId>, ServiceError> {
        let context = context.into();
        let Some(user) = self.find_as_operator(&context, id_or_email).await? else { return Ok(None) };
        password.check_new()?;
        let password = self.new_password(password).await?;
        let now = self.surroundings.now();
        let origin = self.origin(context.actor(), &context.source, now);
        let is_set = self.store.set_password(&user.id, &password, &SessionsAfter::None, now, &origin).await?;
        Ok(is_set.then_some(user.id))
    }

    /// Bans a user (an id or an address) and ends their sessions, or takes a ban back. Returns the user with the outcome;
    /// `None` = there is no such user.
    ///
    /// # Errors
    ///
    /// Returns `UNAUTHORIZED` for any caller but a server and an operator, `NOT_ON_YOURSELF` if an operator bans themselves,
    /// and [`ServiceError::Store`] if the store fails.
    pub async fn set_ban<'a>(
        &self,
        context: impl Into<Context<'a>> + Send,
        id_or_email: &str,
        ban: Option<Ban>,
    ) -> Result<Option<(UserId, BanOutcome)>, ServiceError> {
        let context = context.into();
        let Some(user) = self.find_as_operator(&context, id_or_email).await? else { return Ok(None) };
        if ban.is_some() {
            check_is_another(&context, &user)?;
        }
        let now = self.surroundings.now();
        let origin = self.origin(context.actor(), &context.source, now);
        let outcome = self.store.set_ban(&user.id, ban, now, &origin).await?;
        Ok(outcome.map(|outcome| (user.id, outcome)))
    }
}

fn check_manages_all(caller: &Caller) -> Result<(), ErrorCode> {
    if caller.manages_all() { Ok(()) } else { Err(ErrorCode::Unauthorized) }
}

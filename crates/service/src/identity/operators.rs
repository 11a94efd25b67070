use keymint_domain::ErrorCode;
use keymint_domain::identity::{Email, Operators, User};
use keymint_domain::{Timestamp, UserId};

use super::{Identity, SignedIn};
use crate::{Caller, Context, ServiceError};

/// A user who is no longer kept as an operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemovedOperator {
    /// The user.
    pub user: UserId,
    /// True if they were kept as an operator.
    pub was_kept: bool,
    /// True if they are an operator all the same: by their role, or by an address of the configuration.
    pub remains_one: bool,
}

/// Checks that an operator does not mean themselves: nobody might be left to take the change back.
pub(super) fn check_is_another(context: &Context<'_>, user: &User) -> Result<(), ErrorCode> {
    match context.caller {
        Caller::Operator(own) if *own == user.id => Err(ErrorCode::NotOnYourself),
        _ => Ok(()),
    }
}

impl Identity {
    /// Sets the addresses of operators; the default is none.
    #[must_use]
    pub fn with_operators(self, operators: Operators) -> Self {
        Self { operators, ..self }
    }

    /// Returns true if this user is an operator now: by their role, by an address of the configuration that they have
    /// proved, or because the store keeps them as one. A banned user is none.
    ///
    /// # Errors
    ///
    /// Returns [`ServiceError::Store`] if the store fails.
    pub async fn is_operator(&self, user: &User) -> Result<bool, ServiceError> {
        let now = self.surroundings.now();
        Ok(self.admits(user, now) || (!user.is_banned(now) && self.store.is_operator(&user.id).await?))
    }

    fn admits(&self, user: &User, now: Timestamp) -> bool {
        self.operators.admits(user, false, now)
    }

    /// Returns the caller that a person in their session is: an operator, or a user.
    ///
    /// # Errors
    ///
    /// Returns `USER_BANNED` if the user is banned, and [`ServiceError::Store`] if the store fails.
    pub async fn caller_in_person(&self, signed_in: SignedIn) -> Result<Caller, ServiceError> {
        if self.is_operator(&signed_in.user).await? {
            return Ok(Caller::Operator(signed_in.user.id));
        }
        self.caller(signed_in)
    }

    /// Keeps a user (an id or an address) as an operator. Returns the user, and true if they were not kept already; `None` =
    /// there is no such user.
    ///
    /// # Errors
    ///
    /// Returns `UNAUTHORIZED` for any caller but a server and an operator, and [`ServiceError::Store`] if the store fails.
    pub async fn make_operator<'a>(
        &self,
        context: impl Into<Context<'a>> + Send,
        id_or_email: &str,
    ) -> Result<Option<(UserId, bool)>, ServiceError> {
        let context = context.into();
        let Some(user) = self.find_as_operator(&context, id_or_email).await? else { return Ok(None) };
        let now = self.surroundings.now();
        let origin = self.origin(context.actor(), &context.source, now);
        let is_new = self.store.make_operator(&user.id, now, &origin).await?;
        Ok(is_new.map(|is_new| (user.id, is_new)))
    }

    /// Keeps a user (an id or an address) as an operator no longer; `None` = there is no such user.
    ///
    /// # Errors
    ///
    /// Returns `UNAUTHORIZED` for any caller but a server and an operator, `NOT_ON_YOURSELF` if an operator names
    /// themselves, and [`ServiceError::Store`] if the store fails.
    pub async fn remove_operator<'a>(
        &self,
        context: impl Into<Context<'a>> + Send,
        id_or_email: &str,
    ) -> Result<Option<RemovedOperator>, ServiceError> {
        let context = context.into();
        let Some(user) = self.find_as_operator(&context, id_or_email).await? else { return Ok(None) };
        check_is_another(&context, &user)?;
        let now = self.surroundings.now();
        let origin = self.origin(context.actor(), &context.source, now);
        let was_kept = self.store.remove_operator(&user.id, &origin).await?;
        Ok(Some(RemovedOperator { was_kept, remains_one: self.admits(&user, now), user: user.id }))
    }

    /// Finds a user by their id or address, for a caller who may do everything.
    pub(super) async fn find_as_operator(
        &self,
        context: &Context<'_>,
        id_or_email: &str,
    ) -> Result<Option<User>, ServiceError> {
        if !context.caller.manages_all() {
            return Err(ErrorCode::Unauthorized.into());
        }
        self.find(id_or_email).await
    }

    /// Finds a user by their id or address.
    pub(super) async fn find(&self, id_or_email: &str) -> Result<Option<User>, ServiceError> {
        Ok(match (Email::parse(id_or_email), UserId::parse(id_or_email)) {
            (Ok(email), _) => self.store.find_credential(&email).await?.map(|found| found.user),
            (Err(_), Ok(id)) => self.store.find_user(&id).await?,
            (Err(_), Err(_)) => None,
        })
    }
}

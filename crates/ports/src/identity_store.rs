use async_trait::async_trait;
use keymint_domain::identity::{Email, NewUser, PasswordHash, Session, SessionToken, User};
use keymint_domain::{Timestamp, UserId};

use crate::StoreError;

/// Keeps users, what they sign in with, and their sessions.
///
/// # Contract
/// As [`KeyStore`](crate::KeyStore)'s: atomic, durable, visible to every handle and process, bounded in time, values exact, no panic.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait IdentityStore: Send + Sync + 'static {
    /// Adds a user, the account that holds the password, and the first session.
    ///
    /// Errors: [`StoreError::Duplicate`] for an address or an id that exists.
    async fn insert_user(&self, new: &NewUser, session: &Session) -> Result<(), StoreError>;

    /// Finds a user.
    async fn find_user(&self, id: &UserId) -> Result<Option<User>, StoreError>;

    /// Finds the user of an address, with what is kept of their password: that of their account whose provider is
    /// `credential` and whose account id is the user's.
    async fn find_credential(&self, email: &Email) -> Result<Option<Credential>, StoreError>;

    /// Adds a session; `false` where its user does not exist.
    ///
    /// Errors: [`StoreError::Duplicate`] for an id or a token that exists.
    async fn insert_session(&self, session: &Session) -> Result<bool, StoreError>;

    /// Finds a session by its token, with its user. Whether it still counts is the caller's question.
    async fn find_session(&self, token: &SessionToken) -> Result<Option<(Session, User)>, StoreError>;

    /// Moves the end of a session to `expires_at`; `false` where there is none.
    async fn refresh_session(
        &self,
        token: &SessionToken,
        expires_at: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError>;

    /// Ends a session; `false` where there was none.
    async fn remove_session(&self, token: &SessionToken) -> Result<bool, StoreError>;

    /// Keeps `offered` as the secret that signs cookies, where none is kept, and returns the one that is kept. Of
    /// processes that start at once all get the same one.
    async fn keep_secret(&self, offered: &str) -> Result<String, StoreError>;
}

/// A user, and what they sign in with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credential {
    /// The user.
    pub user: User,
    /// What is kept of the password; `None` = the user has none.
    pub password_hash: Option<PasswordHash>,
}

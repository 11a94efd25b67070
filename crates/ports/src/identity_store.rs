use async_trait::async_trait;
use keymint_domain::event::Origin;
use keymint_domain::identity::{Email, NewUser, PasswordHash, Session, SessionToken, User};
use keymint_domain::{Timestamp, UserId};

use crate::StoreError;

/// Stores users, their credentials and their sessions.
///
/// # Contract
///
/// As for [`KeyStore`](crate::KeyStore): atomic, durable, visible to every handle and process, bounded in time, values
/// exact, no panic.
///
/// # Errors
///
/// Every method returns [`StoreError::Unavailable`] if the store fails, and a method that reads whole rows returns
/// [`StoreError::Corrupt`] for one that it cannot read. The methods list their other errors.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait IdentityStore: Send + Sync + 'static {
    /// Adds a user, the account that holds the password, and the first session.
    ///
    /// # Errors
    ///
    /// Returns [`StoreError::Duplicate`] if the address or an id exists already.
    async fn insert_user(&self, new: &NewUser, session: &Session, origin: &Origin) -> Result<(), StoreError>;

    /// Finds a user by id.
    async fn find_user(&self, id: &UserId) -> Result<Option<User>, StoreError>;

    /// Finds a user by address, with the hash of their password.
    ///
    /// The hash is that of the user's account whose provider is `credential` and whose account id is the user's id.
    async fn find_credential(&self, email: &Email) -> Result<Option<Credential>, StoreError>;

    /// Adds a session. Returns false if its user does not exist.
    ///
    /// # Errors
    ///
    /// Returns [`StoreError::Duplicate`] if the id or the token exists already.
    async fn insert_session(&self, session: &Session, origin: &Origin) -> Result<bool, StoreError>;

    /// Finds a session by its token, with its user. The caller checks whether the session has expired.
    async fn find_session(&self, token: &SessionToken) -> Result<Option<(Session, User)>, StoreError>;

    /// Moves the end of a session to `expires_at`. Returns false if there is no such session.
    async fn refresh_session(
        &self,
        token: &SessionToken,
        expires_at: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError>;

    /// Ends a session. Returns false if there was none.
    async fn remove_session(&self, token: &SessionToken, origin: &Origin) -> Result<bool, StoreError>;

    /// Erases the names and addresses of a user: from their row, which stays, and from the events by or about them. Removes
    /// their accounts, so that nobody signs in as them, and their sessions. Returns `None` if there is no such user.
    async fn erase_user(&self, id: &UserId, now: Timestamp, origin: &Origin) -> Result<Option<Erased>, StoreError>;

    /// Stores `offered` as the secret that signs cookies if there is none yet, and returns the stored secret.
    ///
    /// Processes that start at the same time all get the same one.
    async fn keep_secret(&self, offered: &str) -> Result<String, StoreError>;
}

/// The numbers of an erasure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Erased {
    /// The events whose details about persons were erased.
    pub events: u64,
    /// The sessions that were ended.
    pub sessions: u64,
}

/// A user and their credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credential {
    /// The user.
    pub user: User,
    /// The hash of the password; `None` = the user has none.
    pub password_hash: Option<PasswordHash>,
}

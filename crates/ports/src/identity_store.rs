use std::num::NonZeroU32;

use async_trait::async_trait;
use keymint_domain::event::Origin;
use keymint_domain::identity::{EditUser, Email, NewUser, PasswordHash, Session, SessionToken, User};
use keymint_domain::link::{Link, TokenHash};
use keymint_domain::portal::PortalSession;
use keymint_domain::verify::Ban;
use keymint_domain::{RowId, Timestamp, UserId};

use crate::StoreError;

/// Stores users, their credentials and their sessions, links that are used once, and the portal sessions that such links
/// open.
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
    /// their accounts, so that nobody signs in as them, their sessions, their links, and portal sessions on their keys. They
    /// are no operator any more. Returns `None` if there is no such user.
    async fn erase_user(&self, id: &UserId, now: Timestamp, origin: &Origin) -> Result<Option<Erased>, StoreError>;

    /// Adds a user and the account that holds the password, without a session.
    ///
    /// # Errors
    ///
    /// Returns [`StoreError::Duplicate`] if the address or an id exists already.
    async fn insert_user_alone(&self, new: &NewUser, origin: &Origin) -> Result<(), StoreError>;

    /// Lists at most `limit` users behind the user `after`, in the order of the bytes of their ids.
    async fn list_users(&self, after: Option<UserId>, limit: NonZeroU32) -> Result<Vec<ListedUser>, StoreError>;

    /// Finds the hash of a user's password; `None` = they have none.
    async fn find_password(&self, id: &UserId) -> Result<Option<PasswordHash>, StoreError>;

    /// Sets the password of a user, ends sessions as `after` says, and removes the user's resets. Returns false if there is no
    /// such user.
    ///
    /// # Errors
    ///
    /// Returns [`StoreError::Duplicate`] if the id or the token of the new session exists already.
    async fn set_password(
        &self,
        id: &UserId,
        password: &NewPassword,
        after: &SessionsAfter,
        now: Timestamp,
        origin: &Origin,
    ) -> Result<bool, StoreError>;

    /// Lists the sessions of a user in the order of their beginning, those that have expired included.
    async fn list_sessions(&self, id: &UserId) -> Result<Vec<Session>, StoreError>;

    /// Ends the sessions of a user, except `kept`. Returns their number.
    async fn remove_sessions(
        &self,
        id: &UserId,
        kept: Option<SessionToken>,
        origin: &Origin,
    ) -> Result<u64, StoreError>;

    /// Changes the row of a user. Returns the user as they are then; `None` = there is no such user.
    async fn update_user(
        &self,
        id: &UserId,
        edit: &EditUser,
        now: Timestamp,
        origin: &Origin,
    ) -> Result<Option<User>, StoreError>;

    /// Bans a user and ends their sessions, or takes their ban back. `None` = there is no such user.
    async fn set_ban(
        &self,
        id: &UserId,
        ban: Option<Ban>,
        now: Timestamp,
        origin: &Origin,
    ) -> Result<Option<BanOutcome>, StoreError>;

    /// Returns true if there is any user.
    async fn has_users(&self) -> Result<bool, StoreError>;

    /// Returns true if the store keeps this user as an operator.
    async fn is_operator(&self, id: &UserId) -> Result<bool, StoreError>;

    /// Keeps a user as an operator. Returns false if they are kept already, and `None` if there is no such user.
    async fn make_operator(&self, id: &UserId, now: Timestamp, origin: &Origin) -> Result<Option<bool>, StoreError>;

    /// Keeps a user as an operator no longer. Returns false if they were none.
    async fn remove_operator(&self, id: &UserId, origin: &Origin) -> Result<bool, StoreError>;

    /// Adds a link. Returns false if it is a claim and the store keeps an operator, or a reset for a user who does not exist.
    ///
    /// # Errors
    ///
    /// Returns [`StoreError::Duplicate`] if the hash exists already.
    async fn insert_link(&self, link: &Link, origin: &Origin) -> Result<bool, StoreError>;

    /// Finds a link, and consumes nothing. The caller checks whether it has expired.
    async fn find_link(&self, hash: &TokenHash) -> Result<Option<Link>, StoreError>;

    /// Uses a claim: keeps the claimant as the first operator. Returns false if there is no such claim that is valid at
    /// `now`, or the store keeps an operator, or the claimant does not exist.
    ///
    /// Of any number of uses of any number of claims, one succeeds. A claim that fails stays.
    ///
    /// # Errors
    ///
    /// Returns [`StoreError::Duplicate`] if the address or an id of a new user exists already.
    async fn claim(
        &self,
        hash: &TokenHash,
        claimant: &Claimant,
        now: Timestamp,
        origin: &Origin,
    ) -> Result<bool, StoreError>;

    /// Uses a reset: sets the password of its user, ends their sessions, and removes their other resets. Returns the user;
    /// `None` = there is no such reset that is valid at `now`, or its user does not exist.
    ///
    /// Of any number of uses of any number of resets of one user, one succeeds.
    async fn reset_password(
        &self,
        hash: &TokenHash,
        password: &NewPassword,
        now: Timestamp,
        origin: &Origin,
    ) -> Result<Option<UserId>, StoreError>;

    /// Uses the link of a portal: opens its session under this id and token. `None` = there is no such link that is valid
    /// at `now`.
    ///
    /// Of any number of uses of one link, one succeeds.
    ///
    /// # Errors
    ///
    /// Returns [`StoreError::Duplicate`] if the id or the token exists already. Then the link stays.
    async fn open_portal_session(
        &self,
        link: &TokenHash,
        id: &RowId,
        token: &TokenHash,
        now: Timestamp,
        origin: &Origin,
    ) -> Result<Option<PortalSession>, StoreError>;

    /// Finds a portal session by its token. The caller checks whether it has expired.
    async fn find_portal_session(&self, token: &TokenHash) -> Result<Option<PortalSession>, StoreError>;

    /// Ends a portal session. Returns false if there was none.
    async fn remove_portal_session(&self, token: &TokenHash, origin: &Origin) -> Result<bool, StoreError>;

    /// Removes at most `limit` links and as many portal sessions that are not valid at `now`. Returns the larger of the two
    /// numbers: fewer than `limit` means that none is left.
    async fn purge_links(&self, now: Timestamp, limit: NonZeroU32) -> Result<u32, StoreError>;

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

/// The person who becomes the first operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claimant {
    /// Somebody without an account, which is made with its first session.
    New(Box<NewUser>, Box<Session>),
    /// A user.
    User(UserId),
}

/// A password that replaces another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPassword {
    /// The hash.
    pub hash: PasswordHash,
    /// The id of the account that is made if the user has none with a password.
    pub account_id: RowId,
}

/// The sessions of a user after their password was set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SessionsAfter {
    /// All stay.
    All,
    /// All end.
    None,
    /// All end, and this one begins.
    Only(Box<Session>),
}

/// A user in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedUser {
    /// The user.
    pub user: User,
    /// True if they are kept as an operator.
    pub is_operator: bool,
}

/// The outcome of a ban, or of its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BanOutcome {
    /// It was written, and so many sessions have ended.
    Set {
        /// The number of sessions.
        sessions: u64,
    },
    /// Nothing was changed: the table of users has no columns for it, which Better Auth's admin plugin adds.
    NoColumns,
}

/// A user and their credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credential {
    /// The user.
    pub user: User,
    /// The hash of the password; `None` = the user has none.
    pub password_hash: Option<PasswordHash>,
}

//! Users with e-mail and password, and their sessions, as in Better Auth.

mod account;
mod erase;
mod hasher;
mod links;
mod operators;
mod scrypt;
mod session;
mod sign_in;
mod sign_up;

use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;

use keymint_domain::event::{Actor, Origin};
use keymint_domain::identity::{Client, Operators, Session, SessionLifetime, SessionToken, User};
use keymint_domain::{ErrorCode, Timestamp, UserId};
use keymint_ports::{EventStore, IdentityStore};

use crate::surroundings::{Surroundings, takes_surroundings};
use crate::{Caller, Recorder, ServiceError, Source};
use hasher::Hasher;

pub use erase::ErasedUser;
pub use operators::RemovedOperator;
pub use session::FoundSession;
pub use sign_in::SignIn;

/// Signs users up, in and out, and finds them by their sessions.
pub struct Identity {
    store: Arc<dyn IdentityStore>,
    surroundings: Surroundings,
    hasher: Hasher,
    options: IdentityOptions,
    operators: Operators,
    /// Records refused sign-ins.
    events: Option<Arc<dyn EventStore>>,
}

/// The options of [`Identity`].
#[derive(Debug, Clone, Copy)]
pub struct IdentityOptions {
    /// True if users may sign in with e-mail and password. Existing sessions are valid either way.
    pub email_and_password: bool,
    /// True if new users may sign up.
    pub sign_up: bool,
    /// The lifetime of sessions.
    pub lifetime: SessionLifetime,
    /// The number of passwords that are hashed at the same time. Each takes 32 MiB, and a core for a tenth of a second.
    pub hashes_at_once: NonZeroUsize,
}

impl Default for IdentityOptions {
    /// Returns the defaults: everything is allowed, sessions live for a week, one hash at a time.
    fn default() -> Self {
        Self {
            email_and_password: true,
            sign_up: true,
            lifetime: SessionLifetime::default(),
            hashes_at_once: NonZeroUsize::MIN,
        }
    }
}

/// A user, and the session that authenticates them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedIn {
    /// The user.
    pub user: User,
    /// The session.
    pub session: Session,
}

takes_surroundings!(Identity, except the recorder);

impl Identity {
    /// Makes the service over users in `store`, with the default options.
    pub fn new(store: Arc<dyn IdentityStore>) -> Self {
        let options = IdentityOptions::default();
        Self {
            store,
            surroundings: Surroundings::default(),
            hasher: Hasher::new(options.hashes_at_once),
            options,
            operators: Operators::default(),
            events: None,
        }
    }

    /// Sets the options.
    #[must_use]
    pub fn with_options(self, options: IdentityOptions) -> Self {
        Self { hasher: Hasher::new(options.hashes_at_once), options, ..self }
    }

    /// Sets whether changes are recorded as events, and the store of those that change nothing: refused sign-ins. By
    /// default nothing is recorded.
    #[must_use]
    pub fn with_recorder(mut self, recorder: Recorder, events: Arc<dyn EventStore>) -> Self {
        self.surroundings.recorder = recorder;
        Self { events: Some(events), ..self }
    }

    /// Returns the options.
    pub fn options(&self) -> IdentityOptions {
        self.options
    }

    /// Returns the lifetime of sessions.
    pub fn lifetime(&self) -> SessionLifetime {
        self.options.lifetime
    }

    /// Returns the current instant, by the clock that sessions are judged by.
    pub fn now(&self) -> Timestamp {
        self.surroundings.now()
    }

    /// Returns the caller that the use cases of keys take.
    ///
    /// # Errors
    ///
    /// Returns `USER_BANNED` if the user is banned.
    pub fn caller(&self, signed_in: SignedIn) -> Result<Caller, ServiceError> {
        if signed_in.user.is_banned(self.surroundings.now()) {
            return Err(ErrorCode::UserBanned.into());
        }
        Ok(Caller::User(signed_in.user.id))
    }

    /// Ends a session. One that does not exist counts as ended.
    ///
    /// # Errors
    ///
    /// Returns [`ServiceError::Store`] if the store fails.
    pub async fn sign_out(&self, token: &SessionToken, source: &Source) -> Result<(), ServiceError> {
        let origin = self.origin(Actor::Anyone, source, self.surroundings.now());
        self.store.remove_session(token, &origin).await?;
        Ok(())
    }

    /// Returns the secret that signs cookies. `offered` is stored first if the store has none.
    ///
    /// # Errors
    ///
    /// Returns [`ServiceError::Store`] if the store fails.
    pub async fn keep_secret(&self, offered: &str) -> Result<String, ServiceError> {
        Ok(self.store.keep_secret(offered).await?)
    }

    /// Returns the origin of a change at `now`.
    fn origin(&self, actor: Actor, source: &Source, now: Timestamp) -> Origin {
        self.surroundings.origin(actor, source, now)
    }

    fn begin_session(&self, user_id: UserId, client: Client, remember: bool, now: Timestamp) -> Session {
        let mut fill = |bytes: &mut [u8]| self.surroundings.fill(bytes);
        Session::begin(user_id, client, self.options.lifetime, remember, &mut fill, now)
    }

    fn salt(&self) -> [u8; 16] {
        let mut salt = [0; 16];
        self.surroundings.fill(&mut salt);
        salt
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity").field("options", &self.options).finish_non_exhaustive()
    }
}

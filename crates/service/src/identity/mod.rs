//! Users by e-mail and password, and their sessions, as Better Auth has them.

mod hasher;
mod scrypt;
mod session;
mod sign_in;
mod sign_up;

use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;

use keymint_domain::identity::{Client, Session, SessionLifetime, SessionToken, User};
use keymint_domain::{ErrorCode, Timestamp, UserId};
use keymint_ports::{Clock, Entropy, IdentityStore};

use crate::{Caller, OsEntropy, ServiceError, SystemClock};
use hasher::Hasher;

pub use session::FoundSession;
pub use sign_in::SignIn;

/// Signs users up, in and out, and knows them by their sessions.
pub struct Identity {
    store: Arc<dyn IdentityStore>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    hasher: Hasher,
    options: IdentityOptions,
}

/// What is allowed, and for how long.
#[derive(Debug, Clone, Copy)]
pub struct IdentityOptions {
    /// Whether users may sign in by e-mail and password. Sessions that exist count either way.
    pub email_and_password: bool,
    /// Whether new users may sign up.
    pub sign_up: bool,
    /// How long sessions live.
    pub lifetime: SessionLifetime,
    /// Passwords that are hashed at once; each takes 32 MiB and a core for a tenth of a second.
    pub hashes_at_once: NonZeroUsize,
}

impl Default for IdentityOptions {
    /// All is allowed, sessions live for a week, one hash at a time.
    fn default() -> Self {
        Self {
            email_and_password: true,
            sign_up: true,
            lifetime: SessionLifetime::default(),
            hashes_at_once: NonZeroUsize::MIN,
        }
    }
}

/// A user and the session that shows who they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedIn {
    /// Who.
    pub user: User,
    /// By which session.
    pub session: Session,
}

impl Identity {
    /// Keeps users in `store`, within the default options.
    pub fn new(store: Arc<dyn IdentityStore>) -> Self {
        let options = IdentityOptions::default();
        Self {
            store,
            clock: Arc::new(SystemClock),
            entropy: Arc::new(OsEntropy),
            hasher: Hasher::new(options.hashes_at_once),
            options,
        }
    }

    /// Allows what `options` say, and for as long.
    #[must_use]
    pub fn with_options(self, options: IdentityOptions) -> Self {
        Self { hasher: Hasher::new(options.hashes_at_once), options, ..self }
    }

    /// Takes the time from `clock`; by default from the system.
    #[must_use]
    pub fn with_clock(self, clock: Arc<dyn Clock>) -> Self {
        Self { clock, ..self }
    }

    /// Takes randomness from `entropy`; by default from the system.
    #[must_use]
    pub fn with_entropy(self, entropy: Arc<dyn Entropy>) -> Self {
        Self { entropy, ..self }
    }

    /// How long sessions live.
    pub fn lifetime(&self) -> SessionLifetime {
        self.options.lifetime
    }

    /// The present instant, by the clock that sessions are judged by.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Who somebody is, to the use cases of keys. Errors: `USER_BANNED`.
    pub fn caller(&self, signed_in: SignedIn) -> Result<Caller, ServiceError> {
        if signed_in.user.is_banned(self.clock.now()) {
            return Err(ErrorCode::UserBanned.into());
        }
        Ok(Caller::User(signed_in.user.id))
    }

    /// Ends a session; one that does not exist has ended before.
    pub async fn sign_out(&self, token: &SessionToken) -> Result<(), ServiceError> {
        self.store.remove_session(token).await?;
        Ok(())
    }

    /// The secret that signs cookies: the one that the store keeps, which is `offered` where it kept none.
    pub async fn keep_secret(&self, offered: &str) -> Result<String, ServiceError> {
        Ok(self.store.keep_secret(offered).await?)
    }

    fn begin_session(&self, user_id: UserId, client: Client, remember: bool, now: Timestamp) -> Session {
        let mut fill = |bytes: &mut [u8]| self.entropy.fill(bytes);
        Session::begin(user_id, client, self.options.lifetime, remember, &mut fill, now)
    }

    fn salt(&self) -> [u8; 16] {
        let mut salt = [0; 16];
        self.entropy.fill(&mut salt);
        salt
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity").field("options", &self.options).finish_non_exhaustive()
    }
}

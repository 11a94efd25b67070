//! Users' sessions over HTTP: Better Auth's cookies, and session tokens as bearer tokens.

mod cookie;
mod find;
mod outbox;
mod signature;

use std::fmt;
use std::sync::Arc;

use keymint_service::{Identity, Throttle};

use cookie::Cookies;

pub(crate) use outbox::{Outbox, deliver};
pub use signature::{CookieSecret, InvalidSecret};

/// Recognizes users by their sessions, and signs them up and in.
pub struct Sessions {
    pub(crate) identity: Arc<Identity>,
    pub(crate) throttle: Option<Arc<Throttle>>,
    pub(crate) cookies: Cookies,
    /// True if sessions show their `activeOrganizationId`, as with Better Auth's organization plugin.
    pub(crate) shows_organization: bool,
}

impl Sessions {
    /// Signs cookies by `secret`. `is_secure` says that browsers reach the server by https alone: cookies then have `Secure`,
    /// and `__Secure-` before their names (docs/better-auth-wire.md 4.1).
    pub fn new(identity: Arc<Identity>, secret: CookieSecret, is_secure: bool) -> Self {
        let lifetime = identity.lifetime();
        let cookies = Cookies::new(secret, is_secure, lifetime);
        Self { identity, throttle: None, cookies, shows_organization: false }
    }

    /// Slows down sign-in and sign-up, by the client's address.
    #[must_use]
    pub fn throttled(self, throttle: impl Into<Arc<Throttle>>) -> Self {
        Self { throttle: Some(throttle.into()), ..self }
    }

    /// Shows the `activeOrganizationId` of sessions, as with Better Auth's organization plugin.
    #[must_use]
    pub fn with_organizations(self) -> Self {
        Self { shows_organization: true, ..self }
    }
}

impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sessions").field("identity", &self.identity).finish_non_exhaustive()
    }
}

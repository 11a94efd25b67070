use std::net::IpAddr;

use keymint_domain::address::ClientAddress;
use keymint_domain::key::Actor;
use keymint_domain::organization::Action;
use keymint_domain::{ErrorCode, KeyId, UserId};

/// The authenticated caller. The use cases, in this crate, decide what each caller may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Caller {
    /// A backend with a server key. It may do everything, on any owner's keys.
    Server,
    /// A user with a session. They may manage the keys that belong to them, and an organization's as their roles allow,
    /// without server-only members.
    User(UserId),
    /// A user in a session that was opened by one of their keys (docs/better-auth-wire.md 9).
    KeyHolder {
        /// The key.
        key: KeyId,
        /// The key's owner.
        user: UserId,
        /// True if the key's configuration allows its session to change keys (`allow_key_management`).
        may_manage_keys: bool,
    },
    /// A gateway in front of the API. It may verify, and nothing else.
    Gateway,
    /// An unauthenticated caller.
    Anyone,
}

/// The callers that may verify keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Access {
    /// Servers and gateways.
    #[default]
    Server,
    /// Anyone who can reach the service.
    Public,
}

impl Caller {
    /// Checks that the caller may take `action` on keys. Returns `None` for a server, which may act on any owner's
    /// keys, and a user, who may act on the keys that belong to them.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorCode::KeyManagementNotAllowed`] for a key's session that may not change keys, and `otherwise` for
    /// a gateway or an unauthenticated caller.
    pub(crate) fn manages(&self, action: Action, otherwise: ErrorCode) -> Result<Option<&UserId>, ErrorCode> {
        match self {
            Self::Server => Ok(None),
            Self::User(user) => Ok(Some(user)),
            Self::KeyHolder { key: _, user, may_manage_keys } if *may_manage_keys || action == Action::Read => {
                Ok(Some(user))
            }
            Self::KeyHolder { .. } => Err(ErrorCode::KeyManagementNotAllowed),
            Self::Gateway | Self::Anyone => Err(otherwise),
        }
    }

    /// Returns the address of the client whose key is verified.
    ///
    /// A server and a gateway verify on behalf of a client, and `client_ip` is its address. Any other caller is the
    /// client itself, at the address `caller_ip`.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorCode::ServerOnlyProperty`] if any other caller names a client's address.
    pub(crate) fn client(
        &self,
        client_ip: Option<IpAddr>,
        caller_ip: Option<IpAddr>,
    ) -> Result<ClientAddress, ErrorCode> {
        match self {
            Self::Server | Self::Gateway => Ok(client_ip.into()),
            Self::User(_) | Self::KeyHolder { .. } | Self::Anyone => match client_ip {
                None => Ok(caller_ip.into()),
                Some(_) => Err(ErrorCode::ServerOnlyProperty),
            },
        }
    }

    /// Returns true if this caller may verify keys under `access`.
    pub(crate) fn may_verify(&self, access: Access) -> bool {
        match self {
            Self::Server | Self::Gateway => true,
            Self::User(_) | Self::KeyHolder { .. } | Self::Anyone => access == Access::Public,
        }
    }
}

/// Returns the actor that is recorded for a change by this manager of keys.
pub(crate) fn actor(user: Option<&UserId>) -> Actor {
    user.map_or(Actor::Server, |user| Actor::User(user.clone()))
}

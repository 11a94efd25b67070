use std::net::IpAddr;

use keymint_domain::address::ClientAddress;
use keymint_domain::key::Actor;
use keymint_domain::organization::Action;
use keymint_domain::{ErrorCode, UserId};

/// Who asks, after authentication. What each may do is decided by the use cases, in this crate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Caller {
    /// A backend with a server key: may do everything, on any owner's keys.
    Server,
    /// A user with a session: manages the keys that belong to them, and an organization's as their roles allow, without
    /// server-only members.
    User(UserId),
    /// A user by the session of one of their keys (docs/better-auth-wire.md 9).
    KeyHolder {
        /// The key's owner.
        user: UserId,
        /// Whether the key's configuration lets its session change keys (`allow_key_management`).
        may_manage_keys: bool,
    },
    /// A gateway in front of the API: may verify, and nothing else.
    Gateway,
    /// Nobody in particular.
    Anyone,
}

/// Who may verify keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Access {
    /// Servers and gateways.
    #[default]
    Server,
    /// Anybody who can reach the service.
    Public,
}

impl Caller {
    /// Passes those who may do `action` to keys: a server (`None`: to any owner's) or a user (`Some`: to those that
    /// belong to them). Nobody in particular is answered `otherwise`.
    pub(crate) fn manages(&self, action: Action, otherwise: ErrorCode) -> Result<Option<&UserId>, ErrorCode> {
        match self {
            Self::Server => Ok(None),
            Self::User(user) => Ok(Some(user)),
            Self::KeyHolder { user, may_manage_keys } if *may_manage_keys || action == Action::Read => Ok(Some(user)),
            Self::KeyHolder { .. } => Err(ErrorCode::KeyManagementNotAllowed),
            Self::Gateway | Self::Anyone => Err(otherwise),
        }
    }

    /// From where a key is used that this caller asks about. A server and a gateway ask for a client, whose address is
    /// `client_ip`; anybody else is the client, whose address is `caller_ip`.
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

    /// Whether this caller may verify keys under `access`.
    pub(crate) fn may_verify(&self, access: Access) -> bool {
        match self {
            Self::Server | Self::Gateway => true,
            Self::User(_) | Self::KeyHolder { .. } | Self::Anyone => access == Access::Public,
        }
    }
}

/// How a manager of keys is remembered by what they did.
pub(crate) fn actor(user: Option<&UserId>) -> Actor {
    user.map_or(Actor::Server, |user| Actor::User(user.clone()))
}

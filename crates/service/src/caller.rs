use std::net::IpAddr;

use keymint_domain::address::ClientAddress;
use keymint_domain::key::Actor;
use keymint_domain::organization::Action;
use keymint_domain::portal::{PortalRight, PortalRights};
use keymint_domain::{ErrorCode, KeyId, OwnerId, UserId};

/// The authenticated caller. The use cases, in this crate, decide what each caller may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Caller {
    /// A backend with a server key. It may do everything, on any owner's keys.
    Server,
    /// A person who operates the server, in a session of theirs. They may do what a server may, on any owner's keys; their
    /// changes are recorded as theirs.
    Operator(UserId),
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
    /// A guest in a portal session. They may see the keys of one owner, and do what the session allows, without server-only
    /// members.
    Portal {
        /// The owner: a user, or an organization.
        owner: OwnerId,
        /// The rights of the session.
        may: PortalRights,
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

/// The owners whose keys a caller may act on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach<'c> {
    /// All.
    Everyone,
    /// The user themselves, and organizations as their roles there allow.
    User(&'c UserId),
    /// This owner alone, of keys of any configuration.
    Owner(&'c OwnerId),
}

/// An act on keys, by which a portal session is judged. A member of an organization is judged by the action that it needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    /// Makes a key.
    Create,
    /// Sees keys and their usage.
    Read,
    /// Changes the settings of a key.
    Update,
    /// Gives a key another secret, or ends a rotation.
    Rotate,
    /// Revokes a key.
    Revoke,
    /// Deletes keys, or restores deleted ones.
    Delete,
}

impl Deed {
    /// Returns the action that a member of an organization must be allowed.
    pub(crate) fn action(self) -> Action {
        match self {
            Self::Create => Action::Create,
            Self::Read => Action::Read,
            Self::Update | Self::Rotate => Action::Update,
            Self::Revoke | Self::Delete => Action::Delete,
        }
    }

    /// Returns true if a portal session with these rights may do it.
    fn is_allowed_by(self, may: &PortalRights) -> bool {
        match self {
            Self::Read => true,
            Self::Create => may.allow(PortalRight::Create),
            Self::Rotate => may.allow(PortalRight::Rotate),
            Self::Revoke => may.allow(PortalRight::Revoke),
            Self::Update | Self::Delete => false,
        }
    }
}

impl Caller {
    /// Returns true if the caller may do everything, on any owner's keys: a server or an operator.
    pub fn manages_all(&self) -> bool {
        matches!(self, Self::Server | Self::Operator(_))
    }

    /// Checks that the caller may do `deed` on keys, and returns the owners of those keys.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorCode::KeyManagementNotAllowed`] for a key's session that may not change keys,
    /// [`ErrorCode::PortalNotAllowed`] for a portal session without that right, and `otherwise` for a gateway or an
    /// unauthenticated caller.
    pub(crate) fn manages(&self, deed: Deed, otherwise: ErrorCode) -> Result<Reach<'_>, ErrorCode> {
        match self {
            Self::Server | Self::Operator(_) => Ok(Reach::Everyone),
            Self::User(user) => Ok(Reach::User(user)),
            Self::KeyHolder { key: _, user, may_manage_keys } if *may_manage_keys || deed == Deed::Read => {
                Ok(Reach::User(user))
            }
            Self::KeyHolder { .. } => Err(ErrorCode::KeyManagementNotAllowed),
            Self::Portal { owner, may } if deed.is_allowed_by(may) => Ok(Reach::Owner(owner)),
            Self::Portal { .. } => Err(ErrorCode::PortalNotAllowed),
            Self::Gateway | Self::Anyone => Err(otherwise),
        }
    }

    /// Returns the actor that a revocation or a deletion names.
    pub(crate) fn revoker(&self) -> Actor {
        match self {
            Self::Operator(user) | Self::User(user) | Self::KeyHolder { user, .. } => Actor::User(user.clone()),
            Self::Portal { .. } => Actor::Portal,
            Self::Server | Self::Gateway | Self::Anyone => Actor::Server,
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
            Self::Server | Self::Operator(_) | Self::Gateway => Ok(client_ip.into()),
            Self::User(_) | Self::KeyHolder { .. } | Self::Portal { .. } | Self::Anyone => match client_ip {
                None => Ok(caller_ip.into()),
                Some(_) => Err(ErrorCode::ServerOnlyProperty),
            },
        }
    }

    /// Returns true if this caller may verify keys under `access`.
    pub(crate) fn may_verify(&self, access: Access) -> bool {
        match self {
            Self::Server | Self::Operator(_) | Self::Gateway => true,
            Self::User(_) | Self::KeyHolder { .. } | Self::Anyone => access == Access::Public,
            // Its guest sees keys, and no more than that.
            Self::Portal { .. } => false,
        }
    }
}

use keymint_domain::{ErrorCode, OwnerId};

/// Who asks, after authentication. What each may do is decided by the use cases, in this crate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Caller {
    /// A backend with a server key: may do everything, on any owner's keys.
    Server,
    /// A user with a session: manages the keys that belong to them, without server-only members.
    User(OwnerId),
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
    /// Passes those who manage keys: a server (`None`: any owner's) or a user (`Some`: their own).
    pub(crate) fn manages(&self, otherwise: ErrorCode) -> Result<Option<&OwnerId>, ErrorCode> {
        match self {
            Self::Server => Ok(None),
            Self::User(user) => Ok(Some(user)),
            Self::Gateway | Self::Anyone => Err(otherwise),
        }
    }

    /// Whether this caller may verify keys under `access`.
    pub(crate) fn may_verify(&self, access: Access) -> bool {
        match self {
            Self::Server | Self::Gateway => true,
            Self::User(_) | Self::Anyone => access == Access::Public,
        }
    }
}

use std::fmt;

use crate::Timestamp;
use crate::value::UserId;

/// The time of a key's revocation, and who revoked it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revocation {
    /// The first instant at which the key was refused.
    pub at: Timestamp,
    /// The actor who revoked the key.
    pub by: Actor,
}

/// The actor behind a change of a key. Its text is `server`, `leak_report`, `portal`, or `user:` with the user's
/// id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// A backend with a server key, or the command line.
    Server,
    /// A user.
    User(UserId),
    /// A report that the key's secret is public.
    LeakReport,
    /// A portal session of the owner.
    Portal,
}

/// The error for a text that names no actor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be `server`, `leak_report`, `portal` or `user:ID`")]
pub struct InvalidActor;

impl Actor {
    /// Reads the text of a stored row.
    ///
    /// # Errors
    ///
    /// Returns [`InvalidActor`] unless the text is `server`, `leak_report`, `portal`, or `user:` with a valid
    /// id.
    pub fn from_stored(text: &str) -> Result<Self, InvalidActor> {
        match text.strip_prefix("user:") {
            Some(id) => UserId::parse(id).map(Self::User).map_err(|_| InvalidActor),
            None => match text {
                "server" => Ok(Self::Server),
                "leak_report" => Ok(Self::LeakReport),
                "portal" => Ok(Self::Portal),
                _ => Err(InvalidActor),
            },
        }
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Server => f.write_str("server"),
            Self::User(id) => write!(f, "user:{id}"),
            Self::LeakReport => f.write_str("leak_report"),
            Self::Portal => f.write_str("portal"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_actor_is_read_as_it_is_printed() {
        for text in ["server", "leak_report", "portal", "user:ada", "user:user:server"] {
            assert_eq!(Actor::from_stored(text).map(|actor| actor.to_string()), Ok(text.to_owned()));
        }
        for text in ["", "ada", "user:", "Server"] {
            assert_eq!(Actor::from_stored(text), Err(InvalidActor), "{text}");
        }
    }
}

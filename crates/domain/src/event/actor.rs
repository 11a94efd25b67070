use std::fmt;

use crate::KeyId;
use crate::value::{OwnerId, UserId, heap_block};

/// The actor behind an event. Its text is one of the forms that the variants list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// `user:ID`: a user in a session.
    User(UserId),
    /// `key_session:ID`: a user in a session that was opened by one of their keys.
    KeySession(UserId),
    /// `portal:ID`: a guest in a portal session of this owner.
    Portal(OwnerId),
    /// `server`: a backend with a server key that was given at start, or code that embeds Keymint.
    Server,
    /// `server_key:ID`: a backend with this server key of the store.
    ServerKey(KeyId),
    /// `cli:NAME`: a command, run by this user of the operating system.
    CommandLine(Box<str>),
    /// `clean_up`: the job that removes dead keys.
    CleanUp,
    /// `leak_report`: whoever reported that a key leaked.
    LeakReport,
    /// `keymint`: Keymint itself.
    Keymint,
    /// `anyone`: a caller without authentication.
    Anyone,
}

/// The error for a text that names no actor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "must be `user:ID`, `key_session:ID`, `portal:ID`, `server`, `server_key:ID`, `cli:NAME`, `clean_up`, `leak_report`, \
     `keymint` or `anyone`"
)]
pub struct InvalidActor;

impl Actor {
    /// Returns the text for users: without the names of the operating system's users and the ids of server keys.
    pub fn outline(&self) -> String {
        match self {
            Self::CommandLine(_) => "cli".to_owned(),
            Self::ServerKey(_) => "server".to_owned(),
            other => other.to_string(),
        }
    }

    /// Returns about the number of bytes that the actor holds on the heap.
    pub(crate) fn heap_bytes(&self) -> usize {
        match self {
            Self::User(id) | Self::KeySession(id) => heap_block(id.as_str().len()),
            Self::Portal(id) => heap_block(id.as_str().len()),
            Self::ServerKey(id) => heap_block(id.as_str().len()),
            Self::CommandLine(name) => heap_block(name.len()),
            Self::Server | Self::CleanUp | Self::LeakReport | Self::Keymint | Self::Anyone => 0,
        }
    }

    /// Reads the text of an actor.
    ///
    /// # Errors
    ///
    /// Returns [`InvalidActor`] for any other text.
    pub fn parse(text: &str) -> Result<Self, InvalidActor> {
        match text.split_once(':') {
            Some(("user", id)) => UserId::parse(id).map(Self::User).map_err(|_| InvalidActor),
            Some(("key_session", id)) => UserId::parse(id).map(Self::KeySession).map_err(|_| InvalidActor),
            Some(("portal", id)) => OwnerId::parse(id).map(Self::Portal).map_err(|_| InvalidActor),
            Some(("server_key", id)) => KeyId::parse(id).map(Self::ServerKey).map_err(|_| InvalidActor),
            Some(("cli", name)) if !name.contains('\0') => Ok(Self::CommandLine(name.into())),
            Some(_) => Err(InvalidActor),
            None => [Self::Server, Self::CleanUp, Self::LeakReport, Self::Keymint, Self::Anyone]
                .into_iter()
                .find(|actor| actor.to_string() == text)
                .ok_or(InvalidActor),
        }
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(id) => write!(f, "user:{id}"),
            Self::KeySession(id) => write!(f, "key_session:{id}"),
            Self::Portal(id) => write!(f, "portal:{id}"),
            Self::Server => f.write_str("server"),
            Self::ServerKey(id) => write!(f, "server_key:{id}"),
            Self::CommandLine(name) => write!(f, "cli:{name}"),
            Self::CleanUp => f.write_str("clean_up"),
            Self::LeakReport => f.write_str("leak_report"),
            Self::Keymint => f.write_str("keymint"),
            Self::Anyone => f.write_str("anyone"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_actor_is_read_as_it_is_printed() {
        for text in [
            "user:ada",
            "key_session:ada",
            "portal:acme",
            "server",
            "server_key:k1",
            "cli:root",
            "cli:",
            "cli:a:b",
            "clean_up",
            "leak_report",
            "keymint",
            "anyone",
            "user:user:x",
        ] {
            assert_eq!(Actor::parse(text).map(|actor| actor.to_string()), Ok(text.to_owned()));
        }
        for (text, outline) in
            [("cli:root", "cli"), ("server_key:k1", "server"), ("server", "server"), ("user:ada", "user:ada")]
        {
            assert_eq!(Actor::parse(text).unwrap().outline(), outline);
        }
        for text in ["", "user", "user:", "server_key:", "cli", "Server", "nobody", "nobody:x", "cli:\0"] {
            assert_eq!(Actor::parse(text), Err(InvalidActor), "{text}");
        }
    }
}

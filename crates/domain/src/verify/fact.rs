use crate::{Permissions, Timestamp};

/// A value that a rule looks at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fact {
    /// The value is absent.
    None,
    /// A yes or no.
    Flag(bool),
    /// An id, or one of a few words.
    Text(Box<str>),
    /// A count, or milliseconds.
    Number(u64),
    /// An instant.
    Instant(Timestamp),
    /// Permissions.
    Permissions(Permissions),
}

impl<T: Into<Self>> From<Option<T>> for Fact {
    fn from(fact: Option<T>) -> Self {
        fact.map_or(Self::None, Into::into)
    }
}

impl From<bool> for Fact {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}

impl From<&str> for Fact {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

impl From<u64> for Fact {
    fn from(number: u64) -> Self {
        Self::Number(number)
    }
}

impl From<Timestamp> for Fact {
    fn from(instant: Timestamp) -> Self {
        Self::Instant(instant)
    }
}

impl From<&Permissions> for Fact {
    fn from(permissions: &Permissions) -> Self {
        Self::Permissions(permissions.clone())
    }
}

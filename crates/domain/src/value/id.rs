use std::fmt;

use crate::Randomness;

/// The error for a text that cannot be stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidText {
    /// An id without characters.
    #[error("must have 1 or more characters")]
    Empty,
    /// An id that is too long for an index of Postgres.
    #[error("must have 2048 bytes or fewer")]
    TooLong,
    /// A text that people write about themselves, with more characters than this.
    #[error("must have {0} characters or fewer")]
    TooManyCharacters(usize),
    /// A text with U+0000, which Postgres cannot store.
    #[error("must not contain U+0000")]
    Nul,
    /// A name with an invisible character that changes how the text around it is shown.
    #[error("must not contain U+{:04X}, which is not seen", u32::from(*.0))]
    Unseen(char),
}

/// The largest length of an id in bytes. Postgres' indexes hold 2704.
const MAX_ID_LENGTH: usize = 2048;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Box<str>);

        impl $name {
            /// Takes any text of 1 to 2048 bytes without U+0000.
            ///
            /// # Errors
            ///
            /// Returns [`InvalidText`] for any other text.
            pub fn parse(text: impl Into<Box<str>>) -> Result<Self, InvalidText> {
                let text = text.into();
                if text.is_empty() {
                    return Err(InvalidText::Empty);
                }
                if text.len() > MAX_ID_LENGTH {
                    return Err(InvalidText::TooLong);
                }
                if text.contains('\0') {
                    return Err(InvalidText::Nul);
                }
                Ok(Self(text))
            }

            /// Returns the text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({:?})"), self.0)
            }
        }
    };
}

id! {
    /// The id of a key. It is not a secret.
    KeyId
}
id! {
    /// The id of a key's owner: a user or an organization, known to Keymint or only to the caller.
    OwnerId
}
id! {
    /// The id of a row of the `user` table.
    UserId
}
id! {
    /// The id of a row of the `organization` table.
    OrganizationId
}
id! {
    /// The id of a row that is rarely referred to: a session, an account, a membership.
    RowId
}
id! {
    /// The id of one of the configurations (`[[api_key]]`) of a deployment.
    ConfigId
}

macro_rules! random {
    ($($name:ident)*) => {
        $(impl $name {
            /// Generates 32 characters of `[a-zA-Z0-9]`, as Better Auth generates ids (docs/better-auth-wire.md 4.6).
            pub fn random(fill: Randomness<'_>) -> Self {
                Self(alphanumeric::<32>(fill).into())
            }
        })*
    };
}

random! { KeyId UserId OrganizationId RowId }

macro_rules! owns_keys {
    ($($name:ident)*) => {
        $(impl From<&$name> for OwnerId {
            fn from(id: &$name) -> Self {
                Self(id.0.clone())
            }
        }

        /// Compares the texts, so that a user or an organization is found to be a key's owner.
        impl PartialEq<OwnerId> for $name {
            fn eq(&self, owner: &OwnerId) -> bool {
                self.0 == owner.0
            }
        })*
    };
}

owns_keys! { UserId OrganizationId }

impl OwnerId {
    /// Takes the text of a stored row, which may be longer than a request's: Better Auth takes an id of any length from
    /// its callers.
    ///
    /// # Errors
    ///
    /// Returns [`InvalidText::Empty`] for an empty text.
    pub fn from_stored(text: &str) -> Result<Self, InvalidText> {
        if text.is_empty() { Err(InvalidText::Empty) } else { Ok(Self(text.into())) }
    }
}

impl ConfigId {
    /// Returns `default`: the configuration of keys and requests that name none.
    pub fn default_id() -> Self {
        Self("default".into())
    }

    /// Returns the id that a row or a request names. Null, empty and `default` mean the same (docs/better-auth-wire.md
    /// 6.4).
    pub fn from_optional(text: Option<&str>) -> Self {
        text.and_then(|text| Self::parse(text).ok()).unwrap_or_else(Self::default_id)
    }
}

/// Generates `N` letters and digits, each equally likely.
pub(crate) fn alphanumeric<const N: usize>(fill: Randomness<'_>) -> String {
    const ALPHABET: &[u8; 62] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    // The largest multiple of 62 that a byte can hold. Bytes above it would favour the first letters.
    const FAIR: u8 = 248;
    let mut text = String::with_capacity(N);
    while text.len() < N {
        let mut bytes = [0; N];
        fill(&mut bytes);
        let missing = N - text.len();
        let fair = bytes.iter().filter(|byte| **byte < FAIR);
        text.extend(fair.take(missing).map(|byte| char::from(ALPHABET[usize::from(byte % 62)])));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_text_and_nul_are_no_ids() {
        assert_eq!(KeyId::parse(""), Err(InvalidText::Empty));
        assert_eq!(OwnerId::parse("a\0b"), Err(InvalidText::Nul));
        assert_eq!(OwnerId::parse("a".repeat(2049)), Err(InvalidText::TooLong));
        assert!(OwnerId::parse("a".repeat(2048)).is_ok());
        assert_eq!(OwnerId::parse("👩‍🚀 '\"%_").map(|id| id.to_string()).as_deref(), Ok("👩‍🚀 '\"%_"));
    }

    #[test]
    fn random_ids_skip_unfair_bytes() {
        let mut next = 0u8;
        let id = KeyId::random(&mut |bytes: &mut [u8]| {
            for byte in bytes {
                *byte = if next.is_multiple_of(2) { 255 } else { 1 };
                next = next.wrapping_add(1);
            }
        });
        assert_eq!(id.as_str(), "b".repeat(32));
    }

    #[test]
    fn no_configuration_means_the_default_one() {
        for text in [None, Some(""), Some("default")] {
            assert_eq!(ConfigId::from_optional(text), ConfigId::default_id());
        }
        assert_eq!(ConfigId::from_optional(Some("eu")).as_str(), "eu");
    }
}

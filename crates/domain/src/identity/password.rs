use std::fmt;

use crate::ErrorCode;
use crate::value::utf16_len;

/// A password as a user typed it. It is never printed and never stored.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(Box<str>);

/// A stored password hash: `<salt>:<key>` in hexadecimal (docs/better-auth-wire.md 5.6). It is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(Box<str>);

/// The smallest length of a new password, in UTF-16 units.
const MIN_LENGTH: usize = 8;
/// The largest length of a password, in UTF-16 units.
const MAX_LENGTH: usize = 128;

impl Password {
    /// Takes any text. The two checks below decide whether it is acceptable.
    pub fn new(text: impl Into<Box<str>>) -> Self {
        Self(text.into())
    }

    /// Returns the text, to be hashed.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Checks the length of a password that a user chooses: 8 to 128 UTF-16 units (docs/better-auth-wire.md 5.1).
    ///
    /// # Errors
    ///
    /// Returns [`ErrorCode::PasswordTooShort`] or [`ErrorCode::PasswordTooLong`].
    pub fn check_new(&self) -> Result<(), ErrorCode> {
        if utf16_len(&self.0) < MIN_LENGTH {
            return Err(ErrorCode::PasswordTooShort);
        }
        self.check_presented()
    }

    /// Checks the length of a password that a user presents, before it is hashed.
    ///
    /// A longer one is no user's password, and hashing it would only cost time.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorCode::PasswordTooLong`] for more than 128 UTF-16 units.
    pub fn check_presented(&self) -> Result<(), ErrorCode> {
        if utf16_len(&self.0) > MAX_LENGTH { Err(ErrorCode::PasswordTooLong) } else { Ok(()) }
    }
}

impl PasswordHash {
    /// Takes the text of a stored row, unchecked.
    pub fn from_stored(text: impl Into<Box<str>>) -> Self {
        Self(text.into())
    }

    /// Returns the text for a row.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password")
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_utf16_units() {
        let check = |text: String| Password::new(text).check_new();
        assert_eq!(check("😀".repeat(3)), Err(ErrorCode::PasswordTooShort));
        assert_eq!(check("😀".repeat(4)), Ok(()));
        assert_eq!(check("p".repeat(128)), Ok(()));
        assert_eq!(check("p".repeat(129)), Err(ErrorCode::PasswordTooLong));
    }
}

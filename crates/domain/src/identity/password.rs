use std::fmt;

use crate::ErrorCode;
use crate::value::utf16_len;

/// A password as somebody typed it. Never printed, never stored.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(Box<str>);

/// What is stored of a password: `<salt>:<key>` in hexadecimal (docs/better-auth-wire.md 5.6). Never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(Box<str>);

/// UTF-16 units of a new password at least.
const MIN_LENGTH: usize = 8;
/// UTF-16 units of a password at most.
const MAX_LENGTH: usize = 128;

impl Password {
    /// Takes any text; whether it will do is for the two checks below.
    pub fn new(text: impl Into<Box<str>>) -> Self {
        Self(text.into())
    }

    /// The text itself, to be hashed.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether somebody may choose it: 8 to 128 UTF-16 units (docs/better-auth-wire.md 5.1).
    pub fn check_new(&self) -> Result<(), ErrorCode> {
        if utf16_len(&self.0) < MIN_LENGTH {
            return Err(ErrorCode::PasswordTooShort);
        }
        self.check_presented()
    }

    /// Whether it may be compared at all: a longer one is nobody's, and hashing it would be work (15.2).
    pub fn check_presented(&self) -> Result<(), ErrorCode> {
        if utf16_len(&self.0) > MAX_LENGTH { Err(ErrorCode::PasswordTooLong) } else { Ok(()) }
    }
}

impl PasswordHash {
    /// Takes the text of a stored row, whatever it is.
    pub fn from_stored(text: impl Into<Box<str>>) -> Self {
        Self(text.into())
    }

    /// The text, for a row.
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

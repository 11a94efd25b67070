use super::user::{check_image, check_name};
use super::{Email, Password, PasswordHash, User};
use crate::value::{InvalidText, RowId, UserId};
use crate::{Randomness, Timestamp};

/// A request to become a user, as it was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignUp {
    /// A display name.
    pub name: String,
    /// The address, which must be unique.
    pub email: Email,
    /// The chosen password.
    pub password: Password,
    /// The URL of a picture.
    pub image: Option<String>,
}

/// A user to be inserted, with the account that holds their password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewUser {
    /// The user's row.
    pub user: User,
    /// The id of the account's row; its `providerId` is `credential`, its `accountId` the user's id.
    pub account_id: RowId,
    /// The hash of the password.
    pub password_hash: PasswordHash,
}

impl SignUp {
    /// Checks the name for invisible characters, as a key's name is checked, the picture's URL for U+0000, which Postgres
    /// cannot store, and the length of both.
    ///
    /// # Errors
    ///
    /// Returns the name of the first member that fails, with the reason.
    pub fn check_texts(&self) -> Result<(), (&'static str, InvalidText)> {
        check_name(&self.name)?;
        self.image.as_deref().map_or(Ok(()), check_image)
    }

    /// Makes the user, once the password is checked and hashed.
    pub fn accept(self, password_hash: PasswordHash, fill: Randomness<'_>, now: Timestamp) -> NewUser {
        let user = User {
            id: UserId::random(fill),
            name: self.name,
            email: self.email.as_str().to_owned(),
            email_verified: false,
            image: self.image,
            created_at: now,
            updated_at: now,
            ban: None,
            role: None,
        };
        NewUser { user, account_id: RowId::random(fill), password_hash }
    }
}

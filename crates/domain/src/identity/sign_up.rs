use super::{Email, Password, PasswordHash, User};
use crate::value::{InvalidText, RowId, UserId, check_name};
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
    /// Checks the name for invisible characters, as a key's name is checked, and the picture's URL for U+0000, which Postgres
    /// cannot store.
    ///
    /// # Errors
    ///
    /// Returns the name of the first member that fails, with [`InvalidText::Nul`] or [`InvalidText::Unseen`].
    pub fn check_texts(&self) -> Result<(), (&'static str, InvalidText)> {
        check_name(&self.name).map_err(|error| ("name", error))?;
        let has_nul = self.image.as_deref().is_some_and(|image| image.contains('\0'));
        if has_nul { Err(("image", InvalidText::Nul)) } else { Ok(()) }
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

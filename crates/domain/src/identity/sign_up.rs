use super::{Email, Password, PasswordHash, User};
use crate::value::{InvalidText, RowId, UserId, check_name};
use crate::{Randomness, Timestamp};

/// A request to become a user, as it was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignUp {
    /// A name for people.
    pub name: String,
    /// The address, which nobody else may have.
    pub email: Email,
    /// The password that was chosen.
    pub password: Password,
    /// A picture's URL.
    pub image: Option<String>,
}

/// A user who is about to exist, with the account that holds their password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewUser {
    /// The user's row.
    pub user: User,
    /// The id of the account's row; its `providerId` is `credential`, its `accountId` the user's id.
    pub account_id: RowId,
    /// What is kept of the password.
    pub password_hash: PasswordHash,
}

impl SignUp {
    /// Refuses a name with what is not seen, as that of a key is refused, and a picture that Postgres cannot store. Names the
    /// member.
    pub fn check_texts(&self) -> Result<(), (&'static str, InvalidText)> {
        check_name(&self.name).map_err(|error| ("name", error))?;
        let has_nul = self.image.as_deref().is_some_and(|image| image.contains('\0'));
        if has_nul { Err(("image", InvalidText::Nul)) } else { Ok(()) }
    }

    /// The user that comes of it, once the password was checked and hashed.
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
        };
        NewUser { user, account_id: RowId::random(fill), password_hash }
    }
}

use crate::Timestamp;
use crate::value::{self, InvalidText, UserId};
use crate::verify::Ban;

/// A user, as in its row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The user's id.
    pub id: UserId,
    /// A display name.
    pub name: String,
    /// The address, in lower case where Better Auth or Keymint wrote it.
    pub email: String,
    /// True if the user has proved that the address is theirs.
    pub email_verified: bool,
    /// The URL of a picture.
    pub image: Option<String>,
    /// The instant at which the row was created.
    pub created_at: Timestamp,
    /// The instant at which the row was last changed.
    pub updated_at: Timestamp,
    /// The ban, if there is one and the table has columns for it.
    pub ban: Option<Ban>,
    /// The roles, separated by commas, if the table has the column of Better Auth's admin plugin.
    pub role: Option<String>,
}

impl User {
    /// The largest length of a new name, in characters. It is read with every request in a session.
    pub const MAX_NAME: usize = 255;
    /// The largest length of the URL of a new picture, in characters: small pictures are themselves in their URLs.
    pub const MAX_IMAGE: usize = 16 * 1024;

    /// Returns true if one of the user's roles is `role`. Blanks are part of a role's name, as in Better Auth.
    pub fn has_role(&self, role: &str) -> bool {
        self.role.as_deref().is_some_and(|roles| roles.split(',').any(|name| name == role))
    }

    /// Returns true if a ban is in force at `now`.
    pub fn is_banned(&self, now: Timestamp) -> bool {
        self.ban.is_some_and(|ban| ban.is_in_force(now))
    }
}

/// Checks a new name.
pub(super) fn check_name(name: &str) -> Result<(), (&'static str, InvalidText)> {
    let checked = value::check_name(name).and_then(|()| check_length(name, User::MAX_NAME));
    checked.map_err(|error| ("name", error))
}

/// Checks the URL of a new picture.
pub(super) fn check_image(url: &str) -> Result<(), (&'static str, InvalidText)> {
    let checked = if url.contains('\0') { Err(InvalidText::Nul) } else { check_length(url, User::MAX_IMAGE) };
    checked.map_err(|error| ("image", error))
}

fn check_length(text: &str, most: usize) -> Result<(), InvalidText> {
    if text.chars().nth(most).is_none() { Ok(()) } else { Err(InvalidText::TooManyCharacters(most)) }
}

/// Returns the address of a user whose own was erased: unique, and nobody's (RFC 2606).
pub fn erased_email(id: &UserId) -> String {
    format!("{}@erased.invalid", id.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_users_have_a_length() {
        let too_many = |most| Err(InvalidText::TooManyCharacters(most));
        let name = |characters| check_name(&"é".repeat(characters)).map_err(|(_, error)| error);
        assert_eq!((name(0), name(255), name(256)), (Ok(()), Ok(()), too_many(255)));
        let image = |characters| check_image(&"😀".repeat(characters)).map_err(|(_, error)| error);
        assert_eq!((image(16_384), image(16_385)), (Ok(()), too_many(16_384)));
    }
}

use crate::Timestamp;
use crate::value::UserId;
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
    /// Returns true if one of the user's roles is `role`. Blanks are part of a role's name, as in Better Auth.
    pub fn has_role(&self, role: &str) -> bool {
        self.role.as_deref().is_some_and(|roles| roles.split(',').any(|name| name == role))
    }

    /// Returns true if a ban is in force at `now`.
    pub fn is_banned(&self, now: Timestamp) -> bool {
        self.ban.is_some_and(|ban| ban.is_in_force(now))
    }
}

/// Returns the address of a user whose own was erased: unique, and nobody's (RFC 2606).
pub fn erased_email(id: &UserId) -> String {
    format!("{}@erased.invalid", id.as_str())
}

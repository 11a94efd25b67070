use crate::Timestamp;
use crate::value::UserId;
use crate::verify::Ban;

/// A user, as the row has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The user's id.
    pub id: UserId,
    /// A name for people.
    pub name: String,
    /// The address, in lower case where Better Auth or Keymint wrote it.
    pub email: String,
    /// Whether the address was shown to be the user's.
    pub email_verified: bool,
    /// A picture's URL.
    pub image: Option<String>,
    /// When the row was made.
    pub created_at: Timestamp,
    /// When the row was last changed.
    pub updated_at: Timestamp,
    /// The ban, where there is one and the table has columns for it.
    pub ban: Option<Ban>,
}

impl User {
    /// Whether a ban is in force at `now`.
    pub fn is_banned(&self, now: Timestamp) -> bool {
        self.ban.is_some_and(|ban| ban.is_in_force(now))
    }
}

use crate::Timestamp;

/// The state of a key's owner in the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Owner {
    /// There is no row in the `user` table: the owner is an organization, an id that only the caller knows, or a user
    /// who was deleted.
    #[default]
    Absent,
    /// There is a row without a ban.
    Present,
    /// There is a row with `banned` set.
    Banned(Ban),
}

/// A user's ban, as in the columns of Better Auth's admin plugin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Ban {
    /// The first instant after the ban; `None` = it does not end.
    pub until: Option<Timestamp>,
}

impl Ban {
    /// Returns true if the ban is in force at `now`.
    pub fn is_in_force(self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| now < until)
    }
}

impl Owner {
    /// Returns true if a ban is in force at `now`.
    pub fn is_banned(self, now: Timestamp) -> bool {
        matches!(self, Self::Banned(ban) if ban.is_in_force(now))
    }
}

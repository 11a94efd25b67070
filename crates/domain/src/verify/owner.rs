use crate::Timestamp;

/// What the store knows about a key's owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Owner {
    /// No row of the `user` table: an organization, an id that only the caller knows, or somebody who is gone.
    #[default]
    Absent,
    /// A row that carries no ban.
    Present,
    /// A row with `banned` set.
    Banned(Ban),
}

/// A user's ban, as the columns of Better Auth's admin plugin have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Ban {
    /// The first instant after the ban; `None` = it does not end.
    pub until: Option<Timestamp>,
}

impl Ban {
    /// Whether it is in force at `now`.
    pub fn is_in_force(self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| now < until)
    }
}

impl Owner {
    /// Whether a ban is in force at `now`.
    pub fn is_banned(self, now: Timestamp) -> bool {
        matches!(self, Self::Banned(ban) if ban.is_in_force(now))
    }
}

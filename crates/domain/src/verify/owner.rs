use crate::Timestamp;

/// What the store knows about a key's owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Owner {
    /// No row: an id that only the caller knows, or somebody who is gone.
    #[default]
    Absent,
    /// A row that carries no ban.
    Present,
    /// A row with `banned` set; the ban ends at `until`, where that is given.
    Banned {
        /// The first instant after the ban.
        until: Option<Timestamp>,
    },
}

impl Owner {
    /// Whether a ban is in force at `now`.
    pub fn is_banned(self, now: Timestamp) -> bool {
        matches!(self, Self::Banned { until } if until.is_none_or(|until| now < until))
    }
}

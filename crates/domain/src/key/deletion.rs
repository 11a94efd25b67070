use super::Actor;
use crate::Timestamp;

/// The deletion of a key, as long as it can be taken back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deletion {
    /// The instant of the deletion.
    pub at: Timestamp,
    /// The actor who deleted the key.
    pub by: Actor,
    /// The last instant at which the key can be restored.
    pub until: Timestamp,
}

impl Deletion {
    /// Returns true if the key can be restored no more.
    pub fn is_final(&self, now: Timestamp) -> bool {
        now > self.until
    }
}

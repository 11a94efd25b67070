use std::num::NonZeroU32;

/// The consequence of a leak for a key: what its configuration asks for when somebody reports the key's secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LeakAction {
    /// The key is revoked at once.
    #[default]
    Revoke,
    /// The key expires after some hours, unless it does sooner. Its owner has that time to replace it.
    EndAfter {
        /// The hours.
        hours: NonZeroU32,
    },
    /// The key stays as it is. The report is an event, and a finding.
    Notify,
}

impl LeakAction {
    /// Returns the name, as in the configuration and in events.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Revoke => "revoke",
            Self::EndAfter { .. } => "end_after",
            Self::Notify => "notify",
        }
    }
}

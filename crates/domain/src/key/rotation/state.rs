//! A rotation under way, and the secrets that a key has meanwhile.

use crate::Timestamp;
use crate::key::{KeyDetails, StoredKey};

/// A rotation under way: the key has two valid secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotation {
    /// The stored form of the secret beside the one in use: the new one until its first use, then the former one.
    pub second: StoredKey,
    /// The stage of the rotation.
    pub stage: RotationStage,
}

/// The stage of a rotation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RotationStage {
    /// The second secret is new, and waits for its first use.
    Pending(PendingSecret),
    /// The new secret is in use. The second one is the former secret.
    Grace(FormerSecret),
}

/// A new secret that waits for its first use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingSecret {
    /// The first characters of the new secret, by which its owner recognizes it.
    pub start: Option<String>,
    /// The instant at which the secret was made.
    pub since: Timestamp,
    /// The end of the wait.
    pub wait: Wait,
    /// The time for which the former secret stays valid after the first use of the new one, in milliseconds.
    pub grace_ms: u64,
}

/// The end of the wait for the first use of a new secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    /// The new secret ends at this instant, and the one in use stays.
    CancelsAt(Timestamp),
    /// The former secret ends at this instant, whether the new one was used or not.
    CutsAt(Timestamp),
}

/// A former secret that is still valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FormerSecret {
    /// The first instant at which the former secret is refused.
    pub ends_at: Timestamp,
    /// The last use of the former secret since the new one is in use, up to a minute old; `None` = there was none.
    pub used_at: Option<Timestamp>,
}

/// The role of one of a key's secrets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecretRole {
    /// The secret in use.
    InUse,
    /// The new secret, which waits for its first use.
    New,
    /// The secret that was in use before.
    Former,
}

impl Wait {
    /// Returns the instant at which the wait ends.
    pub fn ends_at(self) -> Timestamp {
        match self {
            Self::CancelsAt(at) | Self::CutsAt(at) => at,
        }
    }
}

impl Rotation {
    /// Returns the first instant at which one secret is left, if nothing happens before.
    pub fn ends_at(&self) -> Timestamp {
        match &self.stage {
            RotationStage::Pending(pending) => pending.wait.ends_at(),
            RotationStage::Grace(former) => former.ends_at,
        }
    }

    /// Returns the former secret's state; `None` = the new one waits for its first use.
    pub fn former(&self) -> Option<FormerSecret> {
        match self.stage {
            RotationStage::Pending(_) => None,
            RotationStage::Grace(former) => Some(former),
        }
    }
}

impl KeyDetails {
    /// Returns the instant since which the present secret is in use.
    pub fn secret_since(&self) -> Timestamp {
        self.rotated_at.unwrap_or(self.created_at)
    }

    /// Returns the stored forms of all secrets of the key, the one in use first, whatever the time is.
    pub fn stored_forms(&self) -> impl Iterator<Item = &StoredKey> {
        std::iter::once(&self.stored).chain(self.rotation.as_ref().map(|rotation| &rotation.second))
    }
}

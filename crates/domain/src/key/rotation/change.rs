//! The changes of a rotation, which a caller, a use or the time makes, and their steps, of which there are events.

use super::Wait;
use crate::key::StoredKey;
use crate::{ApiKey, Timestamp};

/// A requested change of a rotation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RotationChange {
    /// The key gets a new secret.
    Begin(NewSecret),
    /// The new secret ends before its first use.
    Cancel,
    /// The former secret ends now, or the secret in use, if the new one waits.
    Finish,
    /// A rotation whose time has come ends. Nothing else changes.
    EndDue,
}

/// A new secret of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSecret {
    /// The stored form.
    pub stored: StoredKey,
    /// The first characters, by which its owner recognizes it.
    pub start: Option<String>,
    /// The time for which the former secret stays valid after the first use of this one, in milliseconds.
    pub grace_ms: u64,
    /// The end of the wait for the first use; `None` = all other secrets end at once.
    pub wait: Option<Wait>,
    /// The rotation under way that this one may replace.
    pub replaces: Replaces,
    /// The secrets that the key must have, as whoever asks has seen them; `None` = any.
    pub seen: Option<Vec<StoredKey>>,
}

/// The rotations under way that a new one may replace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replaces {
    /// None.
    Nothing,
    /// One whose new secret waits for its first use. That secret ends.
    Pending,
    /// Any. A former secret ends, too.
    Any,
}

/// The reason why a rotation is not changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RotationRefused {
    /// Another rotation is under way.
    #[error("a rotation of the key is under way")]
    Open,
    /// No rotation is under way.
    #[error("no rotation of the key is under way")]
    NotOpen,
    /// The new secret was used, so that the rotation cannot be cancelled.
    #[error("the new secret is in use")]
    Confirmed,
    /// The key has other secrets than those that were seen.
    #[error("the key has other secrets by now")]
    Changed,
    /// The new secret is one that the key has.
    #[error("the key has this secret already")]
    SameSecret,
    /// The key was imported by a foreign hash, and was not used yet. Its secret can only be ended at once.
    #[error("the key is known by a foreign hash until its first use")]
    Foreign,
    /// The key is revoked.
    #[error("the key is revoked")]
    Revoked,
    /// The key has expired.
    #[error("the key has expired")]
    Expired,
}

/// A step of a rotation, of which there is an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RotationTurn {
    /// The key got a new secret.
    Begun {
        /// The end of the wait for the first use; `None` = the other secrets ended at once.
        wait: Option<Wait>,
        /// The time after the first use for which the former secret stays valid, in milliseconds.
        grace_ms: u64,
        /// True if the new secret took the place of one that waited for its first use.
        replaced: bool,
    },
    /// The new secret was used for the first time.
    Confirmed {
        /// The instant at which the former secret ends.
        former_ends_at: Timestamp,
    },
    /// One secret is left.
    Ended(RotationEnd),
}

/// The reason for the end of a rotation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RotationEnd {
    /// A caller ended all other secrets together with the rotation's begin.
    AtOnce,
    /// A caller cancelled it.
    Cancelled,
    /// A caller finished it.
    Finished,
    /// A caller began another one, and ended the former secret.
    Replaced,
    /// The new secret was not used in time, and has ended.
    Unused,
    /// The deadline has passed.
    Deadline,
    /// The former secret has ended, some time after the first use of the new one.
    GraceOver,
}

/// A key after a change of its rotation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotated {
    /// The key.
    pub key: ApiKey,
    /// The steps, in their order. Without any nothing was changed.
    pub turns: Vec<RotationTurn>,
}

impl RotationTurn {
    /// Returns true if a use or the time made the step, and no caller.
    pub fn is_of_use_or_time(&self) -> bool {
        match self {
            Self::Begun { .. } => false,
            Self::Confirmed { .. } => true,
            Self::Ended(end) => matches!(end, RotationEnd::Unused | RotationEnd::Deadline | RotationEnd::GraceOver),
        }
    }
}

impl RotationEnd {
    /// Returns the name of the reason.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AtOnce => "now",
            Self::Cancelled => "cancelled",
            Self::Finished => "finished",
            Self::Replaced => "replaced",
            Self::Unused => "unused",
            Self::Deadline => "deadline",
            Self::GraceOver => "grace",
        }
    }
}

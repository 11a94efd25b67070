use crate::usage::Standing;
use crate::{ApiKey, ErrorCode, KeyId, Permissions};

/// The answer to an [`Attempt`](super::Attempt). A refusal is an answer, not an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The key may be used; this is the key with the call counted.
    Accepted(ApiKey),
    /// It may not, and nothing was counted.
    Refused(Refusal),
}

/// Why a key may not be used now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The reason, as Better Auth's verification names it.
    pub code: ErrorCode,
    /// Milliseconds until the same attempt is worth repeating; `None` = waiting does not help.
    pub retry_in_ms: Option<u64>,
    /// The key that was found, for logs.
    pub key_id: Option<KeyId>,
    /// Whether the key is dead for good: its quota is used up and nothing refills it.
    pub exhausted: bool,
    /// What was asked for and is not granted, where that is the reason.
    pub missing: Option<Permissions>,
    /// Whether the key is of another configuration than the one that was asked for, and that is the reason.
    pub is_foreign: bool,
    /// How the key stands against its limits, where one of them is the reason.
    pub standings: Vec<Standing>,
}

impl Refusal {
    /// A refusal of a key that was not found, or that the caller must not know of.
    pub fn of_unknown(code: ErrorCode) -> Self {
        Self {
            code,
            retry_in_ms: None,
            key_id: None,
            exhausted: false,
            missing: None,
            is_foreign: false,
            standings: Vec::new(),
        }
    }

    /// The reason by its own name, where Better Auth's says less: `KEY_NOT_FOUND` for missing permissions, and
    /// `INVALID_API_KEY` for a key of another configuration (docs/better-auth-wire.md 8).
    pub fn reason(&self) -> ErrorCode {
        if self.missing.is_some() {
            ErrorCode::InsufficientPermissions
        } else if self.is_foreign {
            ErrorCode::WrongConfiguration
        } else {
            self.code
        }
    }
}

impl Verdict {
    /// The key, where it was accepted.
    pub fn accepted(&self) -> Option<&ApiKey> {
        match self {
            Self::Accepted(key) => Some(key),
            Self::Refused(_) => None,
        }
    }

    /// The refusal, where it was refused.
    pub fn refused(&self) -> Option<&Refusal> {
        match self {
            Self::Accepted(_) => None,
            Self::Refused(refusal) => Some(refusal),
        }
    }
}

use std::sync::Arc;

use crate::usage::Standing;
use crate::{ApiKey, ErrorCode, KeyDetails, KeyId, Permissions};

/// The answer to an [`Attempt`](super::Attempt). A refusal is an answer, not an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The key may be used. This is the key with the call counted.
    Accepted(ApiKey),
    /// The key may not be used, and nothing was counted.
    Refused(Refusal),
}

/// The refusal of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The reason, as Better Auth's verification names it.
    pub code: ErrorCode,
    /// Milliseconds until a retry can succeed; `None` = waiting does not help.
    pub retry_in_ms: Option<u64>,
    /// The key that was found, for logs and statistics.
    pub key: Option<Arc<KeyDetails>>,
    /// True if the quota is used up and nothing refills it.
    pub exhausted: bool,
    /// The required permissions that are not granted, if that is the reason.
    pub missing: Option<Permissions>,
    /// True if the reason is that the key is of another configuration than the required one.
    pub is_foreign: bool,
    /// True if the reason is that the text cannot be a key's, so that it was not looked up.
    pub is_malformed: bool,
    /// The standing of the key against its limits, if one of them is the reason.
    pub standings: Vec<Standing>,
}

impl Refusal {
    /// Returns a refusal of a key that was not found, or that the caller must not know of.
    pub fn of_unknown(code: ErrorCode) -> Self {
        Self {
            code,
            retry_in_ms: None,
            key: None,
            exhausted: false,
            missing: None,
            is_foreign: false,
            is_malformed: false,
            standings: Vec::new(),
        }
    }

    /// Returns a refusal of a text that cannot be a key's.
    pub fn of_malformed() -> Self {
        Self { is_malformed: true, ..Self::of_unknown(ErrorCode::InvalidApiKey) }
    }

    /// Returns the id of the key that was found.
    pub fn key_id(&self) -> Option<&KeyId> {
        self.key.as_ref().map(|key| &key.id)
    }

    /// Returns the reason by Keymint's own name, where Better Auth's is less precise: `KEY_NOT_FOUND` for missing
    /// permissions, and `INVALID_API_KEY` for a key of another configuration (docs/better-auth-wire.md 8) or for a text
    /// that cannot be a key's.
    pub fn reason(&self) -> ErrorCode {
        if self.missing.is_some() {
            ErrorCode::InsufficientPermissions
        } else if self.is_foreign {
            ErrorCode::WrongConfiguration
        } else if self.is_malformed {
            ErrorCode::Malformed
        } else {
            self.code
        }
    }
}

impl Verdict {
    /// Returns true if no key was found under the presented text.
    pub fn is_unknown(&self) -> bool {
        self.refused().is_some_and(|refusal| {
            refusal.code == ErrorCode::InvalidApiKey && refusal.key.is_none() && !refusal.is_malformed
        })
    }

    /// Returns the key, if it was accepted.
    pub fn accepted(&self) -> Option<&ApiKey> {
        match self {
            Self::Accepted(key) => Some(key),
            Self::Refused(_) => None,
        }
    }

    /// Returns the refusal, if the key was refused.
    pub fn refused(&self) -> Option<&Refusal> {
        match self {
            Self::Accepted(_) => None,
            Self::Refused(refusal) => Some(refusal),
        }
    }
}

use keymint_domain::verify::Refusal;
use keymint_domain::{ErrorCode, Permissions};
use keymint_ports::StoreError;

/// The failure of a use case.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ServiceError {
    /// The request is not allowed, or names something that does not exist. Nothing was changed.
    #[error("refused: {}", .0.as_str())]
    Refused(ErrorCode),
    /// The key that the request presents, to act as its owner, may not be used. Nothing was changed.
    #[error("the key was refused: {}", .0.code.as_str())]
    KeyRefused(Refusal),
    /// The key that the request presents, to act as its owner, is shorter than any key, and does not exist. Nothing was
    /// changed.
    #[error("the key is too short to be one")]
    ShortKey,
    /// The request gives permissions to a key that its caller may not give: these. Nothing was changed.
    #[error("permissions were asked for that the caller may not grant")]
    Ungrantable(Permissions),
    /// The queue is full. Nothing was changed; a retry may succeed.
    #[error("too many requests are waiting")]
    Overloaded,
    /// The embedder's key generator returned an unusable text: empty, with U+0000, or without a checksum that its prefix
    /// demands.
    #[error("the key generator returned a text that cannot be a key")]
    UnusableKey,
    /// The store failed.
    #[error("the store failed")]
    Store(#[from] StoreError),
}

impl From<ErrorCode> for ServiceError {
    fn from(code: ErrorCode) -> Self {
        Self::Refused(code)
    }
}

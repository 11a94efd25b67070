use keymint_domain::ErrorCode;
use keymint_domain::verify::Refusal;
use keymint_ports::StoreError;

/// Why a use case did not do what it was asked.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ServiceError {
    /// The request is not allowed, or names what does not exist. Nothing was changed.
    #[error("refused: {}", .0.as_str())]
    Refused(ErrorCode),
    /// The key that the request shows, so as to count as its owner's, may not be used. Nothing was changed.
    #[error("the key was refused: {}", .0.code.as_str())]
    KeyRefused(Refusal),
    /// The key that the request shows, so as to count as its owner's, is shorter than any key, and does not exist.
    /// Nothing was changed.
    #[error("the key is too short to be one")]
    ShortKey,
    /// More requests wait than the queue holds. Nothing was changed; a later attempt may succeed.
    #[error("too many requests are waiting")]
    Overloaded,
    /// The embedder's key generator returned a text that cannot be a key: empty, or with U+0000.
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

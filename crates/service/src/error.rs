use keymint_domain::ErrorCode;
use keymint_ports::StoreError;

/// Why a use case did not do what it was asked.
#[derive(Debug, Clone, thiserror::Error)]
pub enum KeyError {
    /// The request is not allowed, or names what does not exist. Nothing was changed.
    #[error("refused: {}", .0.as_str())]
    Refused(ErrorCode),
    /// More verifications wait than the queue holds. Nothing was changed; a later attempt may succeed.
    #[error("too many verifications are waiting")]
    Overloaded,
    /// The embedder's key generator returned a text that cannot be a key: empty, or with U+0000.
    #[error("the key generator returned a text that cannot be a key")]
    UnusableKey,
    /// The store failed.
    #[error("the store failed")]
    Store(#[from] StoreError),
}

impl From<ErrorCode> for KeyError {
    fn from(code: ErrorCode) -> Self {
        Self::Refused(code)
    }
}

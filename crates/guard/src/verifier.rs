use std::error::Error;
use std::sync::Arc;

use async_trait::async_trait;
use keymint_domain::verify::Refusal;
use keymint_service::VerifyKey;

use crate::VerifiedKey;

/// Verifies keys: the service in this process, or a remote Keymint.
#[async_trait]
pub trait Verifier: Send + Sync {
    /// Decides on a use of a key now, and counts an accepted use. A refusal is an answer. It is called at most once for
    /// a request.
    ///
    /// # Errors
    ///
    /// Returns the reason why there is no answer.
    async fn verify(&self, request: VerifyKey) -> Result<Result<VerifiedKey, Refusal>, VerifierError>;
}

/// The reason why a [`Verifier`] has no answer.
#[derive(Debug, Clone, thiserror::Error)]
pub enum VerifierError {
    /// None can be had now: the store, the network or the other server is down or slow. Answered with 503, and what a
    /// guard that fails open lets pass.
    #[error("API keys cannot be checked now")]
    Unavailable(#[source] Arc<dyn Error + Send + Sync>),
    /// Something is set up wrongly or broken, which waiting does not mend. Answered with 500, and passes no guard.
    #[error("API keys cannot be checked")]
    Failed(#[source] Arc<dyn Error + Send + Sync>),
}

impl VerifierError {
    /// None can be had now, because of `cause`.
    pub fn unavailable(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Unavailable(cause.into().into())
    }

    /// Something is wrong, which is `cause`.
    pub fn failed(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Failed(cause.into().into())
    }
}

use async_trait::async_trait;
use keymint_domain::verify::Refusal;
use keymint_service::VerifyKey;

use super::VerifiedKey;
use crate::error::VerifierError;

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

use async_trait::async_trait;
use keymint_domain::verify::Refusal;
use keymint_service::VerifyKey;

use super::VerifiedKey;
use crate::error::VerifierError;

/// Who is asked whether a key may be used: the service in this process, or a Keymint elsewhere.
#[async_trait]
pub trait Verifier: Send + Sync {
    /// Decides whether a key may be used now, and counts the use where it may. A refusal is an answer. Nobody calls this
    /// twice for one request.
    async fn verify(&self, request: VerifyKey) -> Result<Result<VerifiedKey, Refusal>, VerifierError>;
}

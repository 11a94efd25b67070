use async_trait::async_trait;
use keymint_domain::verify::{Refusal, Verdict};
use keymint_ports::StoreError;
use keymint_service::{Caller, Keys, ServiceError, VerifyKey};

use crate::{VerifiedKey, Verifier, VerifierError};

/// Verifies keys in this process, without a network call.
#[async_trait]
impl Verifier for Keys {
    async fn verify(&self, request: VerifyKey) -> Result<Result<VerifiedKey, Refusal>, VerifierError> {
        let presented = request.key.clone();
        match self.verify(&Caller::Gateway, request).await {
            Ok(Verdict::Accepted(key)) => {
                Ok(Ok(VerifiedKey::of(&key, &presented, self.policy(), self.standings(&key))))
            }
            Ok(Verdict::Refused(refusal)) => Ok(Err(refusal)),
            Err(
                error @ (ServiceError::Overloaded
                | ServiceError::Store(StoreError::Unavailable(_) | StoreError::Locked)),
            ) => Err(VerifierError::unavailable(error)),
            Err(error) => Err(VerifierError::failed(error)),
        }
    }
}

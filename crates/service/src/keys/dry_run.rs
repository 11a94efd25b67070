use keymint_domain::ErrorCode;
use keymint_domain::verify::{DryRun, Verdict, dry_run};

use crate::{Caller, Keys, ServiceError, VerifyKey};

impl Keys {
    /// Returns the answer that [`Keys::verify`] would give now, with the report of every rule of the chain. Nothing is
    /// counted.
    ///
    /// # Errors
    ///
    /// Returns `UNAUTHORIZED` if the caller may not verify, and `SERVER_ONLY_PROPERTY` if it is neither a server nor an operator,
    /// because the report reveals everything about a key. Also [`ServiceError::Store`] if the store fails.
    pub async fn dry_run(&self, caller: &Caller, request: VerifyKey) -> Result<DryRun, ServiceError> {
        let (key, attempt) = self.attempt(caller, request)?;
        if !caller.manages_all() {
            return Err(ErrorCode::ServerOnlyProperty.into());
        }
        if let Some(refusal) = self.refused_unseen(&key, &attempt) {
            let run = dry_run(None, &attempt, &self.policy, self.clock.now());
            return Ok(DryRun { verdict: Verdict::Refused(refusal), ..run });
        }
        let reads = self.foreign.reads();
        let run = match &self.deferral {
            Some(deferral) => deferral.dry_run(attempt.clone(), &*self.store).await?,
            None => self.store.dry_run(&attempt, &self.policy, self.clock.now()).await?,
        };
        if run.verdict.is_unknown() { self.foreign.dry_run(&key, attempt, run, reads).await } else { Ok(run) }
    }
}

use keymint_domain::ErrorCode;
use keymint_domain::verify::{DryRun, dry_run};

use crate::{Caller, Keys, ServiceError, VerifyKey};

impl Keys {
    /// Says how [`Keys::verify`] would answer now, and what every rule of the chain says. Nothing is counted.
    ///
    /// Errors: `UNAUTHORIZED` where the caller may not verify, `SERVER_ONLY_PROPERTY` where they are no server: it tells
    /// all that is known of a key; a failed store.
    pub async fn dry_run(&self, caller: &Caller, request: VerifyKey) -> Result<DryRun, ServiceError> {
        let (key, attempt) = self.attempt(caller, request)?;
        if *caller != Caller::Server {
            return Err(ErrorCode::ServerOnlyProperty.into());
        }
        if self.precheck(&key).is_some() {
            return Ok(dry_run(None, &attempt, &self.policy, self.clock.now()));
        }
        match &self.deferral {
            Some(deferral) => deferral.dry_run(attempt, &*self.store).await,
            None => Ok(self.store.dry_run(&attempt, &self.policy, self.clock.now()).await?),
        }
    }
}

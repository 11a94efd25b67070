use std::net::IpAddr;

use keymint_domain::address::ClientAddress;
use keymint_domain::verify::{Attempt, Cost, DryRun, Verdict, dry_run};
use keymint_domain::{ConfigId, ErrorCode, KeyId, Permissions};

use crate::caller::Deed;
use crate::{Caller, Keys, ServiceError, VerifyKey};

/// A use of a key that is tried and not counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TryKey {
    /// The key.
    pub id: KeyId,
    /// The configuration that the key must be of; `None` = the default one for a user, any for a server.
    pub config_id: Option<ConfigId>,
    /// The permissions that the key must grant; `None` = none in particular.
    pub permissions: Option<Permissions>,
    /// The cost of the use.
    pub cost: Cost,
    /// The address that the key is used from; `None` = any that is allowed.
    pub client_ip: Option<IpAddr>,
}

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

    /// Returns the answer that a use of a key would get now, with the report of every rule of the chain. Nothing is
    /// counted. Whoever may read the key may ask, and does not need its text.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`Keys::get`].
    pub async fn dry_run_of(&self, caller: &Caller, request: TryKey) -> Result<DryRun, ServiceError> {
        let TryKey { id, config_id, permissions, cost, client_ip } = request;
        let reach = caller.manages(Deed::Read, ErrorCode::Unauthorized)?;
        let key = self.find_for(reach, Deed::Read, &id, config_id.as_ref()).await?;
        let mut attempt = Attempt::of_stored(key.details.stored.clone()).at_cost(cost);
        attempt.permissions = permissions;
        if let Some(address) = client_ip {
            attempt.client = ClientAddress::Known(address);
        }
        match &self.deferral {
            Some(deferral) => deferral.dry_run(attempt, &*self.store).await,
            None => Ok(self.store.dry_run(&attempt, &self.policy, self.clock.now()).await?),
        }
    }
}

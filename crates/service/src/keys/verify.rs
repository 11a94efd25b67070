use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use keymint_domain::key::PlainKey;
use keymint_domain::usage::Standing;
use keymint_domain::verify::{Attempt, Cost, Fingerprint, Refusal, Verdict};
use keymint_domain::{ApiKey, ConfigId, ErrorCode, Permissions};

use crate::deferral::Deferral;
use crate::group_commit::GroupCommit;
use crate::idempotency::RepeatOutcome;
use crate::{Caller, Keys, ServiceError, stopwatch};

/// A request to verify a key, which counts as one use of it.
#[derive(Debug, Clone)]
pub struct VerifyKey {
    /// What its holder presented.
    pub key: PlainKey,
    /// The configuration that the key must be of; `None` = any.
    pub config_id: Option<ConfigId>,
    /// What the key must grant; `None` = nothing in particular.
    pub permissions: Option<Permissions>,
    /// What the use costs.
    pub cost: Cost,
    /// From where the key is used, as the caller says, which only a server or a gateway may; `None` = it does not say.
    pub client_ip: Option<IpAddr>,
    /// From where the caller sends the request, which is where the key is used unless a server or a gateway asks;
    /// `None` = not known.
    pub caller_ip: Option<IpAddr>,
}

impl VerifyKey {
    /// A use at cost 1, of a key of any configuration, from an address that is not known.
    pub fn of(key: PlainKey) -> Self {
        Self { key, config_id: None, permissions: None, cost: Cost::default(), client_ip: None, caller_ip: None }
    }
}

impl Keys {
    /// Decides whether a key may be used now, and counts the use where it may. A refusal is an answer:
    /// [`Verdict::Refused`].
    ///
    /// Errors: `UNAUTHORIZED` where the caller may not verify; `SERVER_ONLY_PROPERTY` where it may not say from where the
    /// key is used, and does; [`ServiceError::Overloaded`]; a failed store.
    pub async fn verify(&self, caller: &Caller, request: VerifyKey) -> Result<Verdict, ServiceError> {
        let (key, attempt) = self.attempt(caller, request)?;
        self.settle(&key, attempt).await
    }

    /// The same, and the same use asked for once more within the idempotency window is not counted again: one of the same
    /// key, of which the same is asked, and of which its caller says the same. That it was paid is known in this process.
    /// A use that was refused, or failed, is tried again.
    ///
    /// `request_identity` names the request: its id, and whatever else must be equal. A look is no use.
    ///
    /// Errors: those of [`Keys::verify`].
    pub async fn verify_once(
        &self,
        caller: &Caller,
        request: VerifyKey,
        request_identity: &[&[u8]],
    ) -> Result<Verdict, ServiceError> {
        let (key, attempt) = self.attempt(caller, request)?;
        let Some(idempotency) = self.idempotency.as_ref().filter(|_| attempt.cost != Cost(0)) else {
            return self.settle(&key, attempt).await;
        };
        let asked = stopwatch();
        if let Some(refused) = self.precheck(&key) {
            self.tell(&refused, asked);
            return Ok(refused);
        }
        let (id, again) = (Fingerprint::of(&attempt, request_identity), attempt.clone().paid());
        let (exact, deferral) = (Arc::clone(&self.verifier), self.deferral.clone());
        let settle = async move { settle_by(&exact, deferral.as_deref(), attempt, asked).await };
        let verdict = match idempotency.once(id, settle).await? {
            RepeatOutcome::Settled(verdict) => verdict,
            // A key that was revoked meanwhile opens nothing more.
            RepeatOutcome::Paid => settle_by(&self.verifier, self.deferral.as_deref(), again, asked).await?,
        };
        self.tell(&verdict, asked);
        Ok(verdict)
    }

    /// What `request` asks of the chain, beside the key that it shows.
    pub(super) fn attempt(&self, caller: &Caller, request: VerifyKey) -> Result<(PlainKey, Attempt), ServiceError> {
        if !self.may_verify(caller) {
            return Err(ErrorCode::Unauthorized.into());
        }
        let VerifyKey { key, config_id, permissions, cost, client_ip, caller_ip } = request;
        let mut attempt = Attempt::new(&key, &self.policy).at_cost(cost);
        attempt.config_id = config_id;
        attempt.permissions = permissions;
        attempt.client = caller.client(client_ip, caller_ip)?;
        Ok((key, attempt))
    }

    /// Whether `caller` may verify keys at all.
    pub fn may_verify(&self, caller: &Caller) -> bool {
        caller.may_verify(self.access)
    }

    /// How `key`, as a verification has left it, stands against its limits now.
    pub fn standings(&self, key: &ApiKey) -> impl Iterator<Item = Standing> + use<> {
        Standing::of(key, &self.policy, self.clock.now())
    }

    /// Lets the embedder's precheck look at `key`, settles the attempt with it, and tells the meter.
    pub(super) async fn settle(&self, key: &PlainKey, attempt: Attempt) -> Result<Verdict, ServiceError> {
        let asked = stopwatch();
        let verdict = match self.precheck(key) {
            Some(refused) => refused,
            None => settle_by(&self.verifier, self.deferral.as_deref(), attempt, asked).await?,
        };
        self.tell(&verdict, asked);
        Ok(verdict)
    }

    /// What the embedder's precheck says against `key`.
    pub(super) fn precheck(&self, key: &PlainKey) -> Option<Verdict> {
        let passes = self.precheck.as_ref().is_none_or(|passes| passes(key));
        (!passes).then(|| Verdict::Refused(Refusal::of_unknown(ErrorCode::InvalidApiKey)))
    }

    /// Tells the meter of a verdict that was `asked` for, and lets the next clean-up remove a key that is dead for good.
    fn tell(&self, verdict: &Verdict, asked: Instant) {
        self.meter.verified(verdict.refused().map(Refusal::reason), asked.elapsed());
        self.exhausted_candidates.note(verdict);
    }
}

/// Settles an attempt, in the process where its key may be judged there.
async fn settle_by(
    exact: &GroupCommit,
    deferral: Option<&Deferral>,
    attempt: Attempt,
    asked: Instant,
) -> Result<Verdict, ServiceError> {
    match deferral {
        // In a box of its own, so that those who defer nothing do not carry its room through every call.
        Some(deferral) => Box::pin(deferral.settle(attempt)).await,
        None => exact.settle(attempt, asked).await,
    }
}

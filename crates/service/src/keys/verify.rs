use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use keymint_domain::key::PlainKey;
use keymint_domain::usage::Standing;
use keymint_domain::verify::{Attempt, Cost, Fingerprint, Refusal, Verdict};
use keymint_domain::{ApiKey, ConfigId, ErrorCode, Permissions};

use crate::deferral::Deferral;
use crate::foreign::ForeignKeys;
use crate::group_commit::{GroupCommit, Settled};
use crate::idempotency::RepeatOutcome;
use crate::{Caller, Keys, ServiceError, stopwatch};

/// A request to verify a key, which counts as one use of it.
#[derive(Debug, Clone)]
pub struct VerifyKey {
    /// The text that the key's holder presented.
    pub key: PlainKey,
    /// The configuration that the key must be of; `None` = any.
    pub config_id: Option<ConfigId>,
    /// The permissions that the key must grant; `None` = none in particular.
    pub permissions: Option<Permissions>,
    /// The cost of the use.
    pub cost: Cost,
    /// True if the use has happened, and takes what the limits have left instead of being refused. For servers only.
    pub settle: bool,
    /// The address of the client that uses the key, which only a server or a gateway may name; `None` = it names none.
    pub client_ip: Option<IpAddr>,
    /// The address of the caller, which is the client unless it is a server or a gateway; `None` = not known.
    pub caller_ip: Option<IpAddr>,
}

impl VerifyKey {
    /// Returns a use at cost 1, of a key of any configuration, from an unknown address.
    pub fn of(key: PlainKey) -> Self {
        Self {
            key,
            config_id: None,
            permissions: None,
            cost: Cost::default(),
            settle: false,
            client_ip: None,
            caller_ip: None,
        }
    }
}

impl Keys {
    /// Decides whether a key may be used now, and counts the use if it may.
    ///
    /// A refusal is an answer: [`Verdict::Refused`].
    ///
    /// # Errors
    ///
    /// Returns `UNAUTHORIZED` if the caller may not verify; `SERVER_ONLY_PROPERTY` if the caller names a client's
    /// address, or settles, and may not; [`ServiceError::Overloaded`]; [`ServiceError::Store`] if the store fails.
    pub async fn verify(&self, caller: &Caller, request: VerifyKey) -> Result<Verdict, ServiceError> {
        let (key, attempt) = self.attempt(caller, request)?;
        self.settle(&key, attempt).await
    }

    /// Does the same as [`Keys::verify`], but is idempotent within the idempotency window.
    ///
    /// A repeat with the same key, requirements and identity is not charged again. This process remembers that the use
    /// was paid. A use that was refused, or failed, is settled again. A look is not a use.
    ///
    /// `request_identity` identifies the request: its id, and all else that must be equal.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`Keys::verify`].
    pub async fn verify_once(
        &self,
        caller: &Caller,
        request: VerifyKey,
        request_identity: &[&[u8]],
    ) -> Result<Verdict, ServiceError> {
        let (key, attempt) = self.attempt(caller, request)?;
        let key = Arc::new(key);
        let Some(idempotency) = self.idempotency.as_ref().filter(|_| attempt.cost != Cost(0)) else {
            return self.settle(&key, attempt).await;
        };
        let asked = stopwatch();
        if let Some(refused) = self.precheck(&key, &attempt) {
            self.tell(&refused, asked);
            return Ok(refused);
        }
        let (id, again) = (Fingerprint::of(&attempt, request_identity), attempt.clone().paid());
        let (exact, deferral, foreign) = (Arc::clone(&self.verifier), self.deferral.clone(), Arc::clone(&self.foreign));
        let presented = Arc::clone(&key);
        let settle = async move { settle_by(&exact, deferral.as_deref(), &foreign, &presented, attempt, asked).await };
        let verdict = match idempotency.once(id, settle).await? {
            RepeatOutcome::Settled(verdict) => verdict,
            // The key is judged again: it may have been revoked meanwhile.
            RepeatOutcome::Paid => {
                settle_by(&self.verifier, self.deferral.as_deref(), &self.foreign, &key, again, asked).await?
            }
        };
        self.tell(&verdict, asked);
        Ok(verdict)
    }

    /// Returns the presented key, and the attempt that `request` makes with it.
    pub(super) fn attempt(&self, caller: &Caller, request: VerifyKey) -> Result<(PlainKey, Attempt), ServiceError> {
        if !self.may_verify(caller) {
            return Err(ErrorCode::Unauthorized.into());
        }
        let VerifyKey { key, config_id, permissions, cost, settle, client_ip, caller_ip } = request;
        if settle && !caller.manages_all() {
            return Err(ErrorCode::ServerOnlyProperty.into());
        }
        let mut attempt = Attempt::new(&key, &self.policy);
        attempt.cost = cost;
        attempt.config_id = config_id;
        attempt.permissions = permissions;
        attempt.settles = settle;
        attempt.client = caller.client(client_ip, caller_ip)?;
        Ok((key, attempt))
    }

    /// Returns true if `caller` may verify keys.
    pub fn may_verify(&self, caller: &Caller) -> bool {
        caller.may_verify(self.access)
    }

    /// Returns the current standing of `key`, as a verification has left it, against its limits.
    pub fn standings(&self, key: &ApiKey) -> impl Iterator<Item = Standing> + use<> {
        Standing::of(key, &self.policy, self.clock.now())
    }

    /// Checks the text of the key, settles the attempt, and reports the verdict to the meter.
    pub(super) async fn settle(&self, key: &PlainKey, attempt: Attempt) -> Result<Verdict, ServiceError> {
        let asked = stopwatch();
        let verdict = match self.precheck(key, &attempt) {
            Some(refused) => refused,
            None => settle_by(&self.verifier, self.deferral.as_deref(), &self.foreign, key, attempt, asked).await?,
        };
        self.tell(&verdict, asked);
        Ok(verdict)
    }

    /// Returns a refusal, and counts it, if `key` is refused before it is looked up.
    fn precheck(&self, key: &PlainKey, attempt: &Attempt) -> Option<Verdict> {
        let refusal = self.refused_unseen(key, attempt)?;
        if let Some(usage) = &self.usage_ledger {
            usage.count_prechecked(attempt, &self.policy);
        }
        Some(Verdict::Refused(refusal))
    }

    /// Returns a refusal if `key` is malformed, or the embedder's precheck rejects it.
    pub(super) fn refused_unseen(&self, key: &PlainKey, attempt: &Attempt) -> Option<Refusal> {
        if attempt.is_malformed(key, &self.policy) {
            Some(Refusal::of_malformed())
        } else if self.passes_precheck(key) {
            None
        } else {
            Some(Refusal::of_unknown(ErrorCode::InvalidApiKey))
        }
    }

    /// Returns true unless the embedder's precheck rejects `key`.
    fn passes_precheck(&self, key: &PlainKey) -> bool {
        self.precheck.as_ref().is_none_or(|passes| passes(key))
    }

    /// Reports a verdict on a request made at `asked` to the meter, and lets the next clean-up remove an exhausted key.
    fn tell(&self, verdict: &Verdict, asked: Instant) {
        self.meter.verified(verdict.refused().map(Refusal::reason), asked.elapsed());
        self.exhausted_candidates.note(verdict);
    }
}

/// Settles an attempt, in the process if its key may be judged there. A key that is not found may have a foreign hash.
async fn settle_by(
    exact: &GroupCommit,
    deferral: Option<&Deferral>,
    foreign: &ForeignKeys,
    key: &PlainKey,
    attempt: Attempt,
    asked: Instant,
) -> Result<Verdict, ServiceError> {
    let reads = foreign.reads();
    let settled = match deferral {
        // Boxed, so that calls without deferral do not carry the size of its future.
        Some(deferral) => Box::pin(deferral.settle(attempt)).await?,
        None => exact.submit(attempt, asked)?.settled().await?,
    };
    match settled {
        Settled::Judged(verdict) => Ok(verdict),
        // Boxed for the same reason.
        Settled::Unknown(attempt) => Box::pin(foreign.settle(exact, key, *attempt, reads)).await,
    }
}

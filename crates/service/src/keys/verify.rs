use std::net::IpAddr;

use keymint_domain::key::PlainKey;
use keymint_domain::usage::Standing;
use keymint_domain::verify::{Attempt, Cost, Refusal, Verdict};
use keymint_domain::{ApiKey, ConfigId, ErrorCode, Permissions};

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

/// Exhausted keys that wait for clean-up at most; more are found again when they are next used.
const MAX_GRAVES: usize = 10_000;

impl Keys {
    /// Decides whether a key may be used now, and counts the use where it may. A refusal is an answer:
    /// [`Verdict::Refused`].
    ///
    /// Errors: `UNAUTHORIZED` where the caller may not verify; `SERVER_ONLY_PROPERTY` where it may not say from where the
    /// key is used, and does; [`ServiceError::Overloaded`]; a failed store.
    pub async fn verify(&self, caller: &Caller, request: VerifyKey) -> Result<Verdict, ServiceError> {
        if !self.may_verify(caller) {
            return Err(ErrorCode::Unauthorized.into());
        }
        let VerifyKey { key, config_id, permissions, cost, client_ip, caller_ip } = request;
        let mut attempt = Attempt::new(&key, &self.policy).at_cost(cost);
        attempt.config_id = config_id;
        attempt.permissions = permissions;
        attempt.client = caller.client(client_ip, caller_ip)?;
        self.settle(&key, attempt).await
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
        let verdict = if self.precheck.as_ref().is_some_and(|passes| !passes(key)) {
            Verdict::Refused(Refusal::of_unknown(ErrorCode::InvalidApiKey))
        } else if let Some(deferral) = &self.deferral {
            // In a box of its own, so that those who defer nothing do not carry its room through every call.
            Box::pin(deferral.settle(attempt)).await?
        } else {
            self.verifier.settle(attempt, asked).await?
        };
        if let Verdict::Refused(Refusal { exhausted: true, key_id: Some(id), .. }) = &verdict {
            let mut graves = self.graves.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            if graves.len() < MAX_GRAVES {
                graves.insert(id.clone());
            }
        }
        self.meter.verified(verdict.refused().map(Refusal::reason), asked.elapsed());
        Ok(verdict)
    }
}

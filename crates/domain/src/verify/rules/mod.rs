//! The rules of the chain, one a file: each judges, and says what it looked at.

mod address;
mod configuration;
mod enabled;
mod exists;
mod expiry;
mod owner;
mod permissions;
mod quota;
mod rate_limit;

use super::fact::Fact;
use super::{Attempt, Owner};
use crate::policy::{Configuration, Policy};
use crate::usage::{Denied, RateLimit, Usage};
use crate::{ApiKey, ErrorCode, Timestamp};

pub(super) use configuration::is_foreign;
pub(super) use permissions::missing;

/// All rules in the order of the chain. A further rule is a file beside this one, and a line here.
pub(super) const CHAIN: &[Rule] = &[
    Rule { name: "exists", judge: exists::judge, facts: exists::facts },
    Rule { name: "configuration", judge: configuration::judge, facts: configuration::facts },
    Rule { name: "address", judge: address::judge, facts: address::facts },
    Rule { name: "enabled", judge: enabled::judge, facts: enabled::facts },
    Rule { name: "expiry", judge: expiry::judge, facts: expiry::facts },
    Rule { name: "owner", judge: owner::judge, facts: owner::facts },
    Rule { name: "permissions", judge: permissions::judge, facts: permissions::facts },
    Rule { name: "quota", judge: quota::judge, facts: quota::facts },
    Rule { name: "rateLimit", judge: rate_limit::judge, facts: rate_limit::facts },
];

/// One link of the chain.
pub(super) struct Rule {
    /// How a dry run calls it.
    pub(super) name: &'static str,
    /// Passes or refuses, and takes from the counters what the call costs.
    pub(super) judge: fn(&Case<'_>, &mut Usage) -> Result<(), RuleRefusal>,
    /// What it looks at, whatever it says.
    pub(super) facts: fn(&Case<'_>) -> Facts,
}

/// What a rule looks at, each with its name.
pub(super) type Facts = Vec<(&'static str, Fact)>;

/// A key that was found, and what is asked of it.
pub(super) struct Case<'a> {
    pub(super) key: &'a ApiKey,
    pub(super) owner: Owner,
    pub(super) attempt: &'a Attempt,
    pub(super) policy: &'a Policy,
    /// The key's configuration.
    pub(super) configuration: Result<&'a Configuration, ErrorCode>,
    pub(super) now: Timestamp,
}

/// Why a rule refuses.
#[derive(Debug, Clone, Copy)]
pub(super) struct RuleRefusal {
    pub(super) code: ErrorCode,
    /// Milliseconds until the same attempt is worth repeating; `None` = waiting does not help.
    pub(super) retry_in_ms: Option<u64>,
}

impl<'a> Case<'a> {
    pub(super) fn new(key: &'a ApiKey, owner: Owner, attempt: &'a Attempt, policy: &'a Policy, now: Timestamp) -> Self {
        let configuration = policy.resolve(&key.details.config_id);
        Self { key, owner, attempt, policy, configuration, now }
    }

    /// What the call takes. A look (cost 0) is answered as a call of 1 would be.
    fn cost(&self) -> u64 {
        u64::from(self.attempt.cost.0.max(1))
    }

    /// The rate limit that holds for the key.
    pub(super) fn limit(&self) -> Option<RateLimit> {
        let is_limited = self.configuration.is_ok_and(|configuration| configuration.rate_limit.enabled);
        self.key.details.rate_limit().filter(|_| is_limited)
    }
}

impl From<ErrorCode> for RuleRefusal {
    fn from(code: ErrorCode) -> Self {
        Self { code, retry_in_ms: None }
    }
}

impl RuleRefusal {
    fn denied(code: ErrorCode, Denied { retry_in_ms }: Denied) -> Self {
        Self { code, retry_in_ms }
    }
}

/// Refuses with `code` unless `passes`.
fn pass(passes: bool, code: ErrorCode) -> Result<(), RuleRefusal> {
    if passes { Ok(()) } else { Err(code.into()) }
}

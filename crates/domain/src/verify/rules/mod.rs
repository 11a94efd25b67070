//! The rules of the chain, one a file. Each judges an attempt, and reports the facts that it looked at.

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

/// The rules in the order of the chain. A further rule is a file beside this one, and a line here.
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

/// One rule of the chain.
pub(super) struct Rule {
    /// The rule's name in a dry run.
    pub(super) name: &'static str,
    /// Passes or refuses, and takes the cost of the call from the counters.
    pub(super) judge: fn(&Case<'_>, &mut Usage) -> Result<(), RuleRefusal>,
    /// Returns the facts that the rule looks at, whatever it decides.
    pub(super) facts: fn(&Case<'_>) -> Facts,
}

/// The facts that a rule looks at, each with its name.
pub(super) type Facts = Vec<(&'static str, Fact)>;

/// A key that was found, and the attempt on it.
pub(super) struct Case<'a> {
    pub(super) key: &'a ApiKey,
    pub(super) owner: Owner,
    pub(super) attempt: &'a Attempt,
    pub(super) policy: &'a Policy,
    /// The key's configuration.
    pub(super) configuration: Result<&'a Configuration, ErrorCode>,
    pub(super) now: Timestamp,
}

/// The refusal of a rule.
#[derive(Debug, Clone, Copy)]
pub(super) struct RuleRefusal {
    pub(super) code: ErrorCode,
    /// Milliseconds until a retry can succeed; `None` = waiting does not help.
    pub(super) retry_in_ms: Option<u64>,
}

impl<'a> Case<'a> {
    pub(super) fn new(key: &'a ApiKey, owner: Owner, attempt: &'a Attempt, policy: &'a Policy, now: Timestamp) -> Self {
        let configuration = policy.resolve(&key.details.config_id);
        Self { key, owner, attempt, policy, configuration, now }
    }

    /// Returns the cost of the call. A look (cost 0) is answered like a call of 1.
    fn cost(&self) -> u64 {
        u64::from(self.attempt.cost.0.max(1))
    }

    /// Returns the rate limit that applies to the key.
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

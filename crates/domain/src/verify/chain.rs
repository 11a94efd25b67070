use std::sync::Arc;

use super::rules::{CHAIN, Case, RuleRefusal, is_foreign, missing};
use super::{Attempt, Owner, Refusal, Verdict};
use crate::policy::Policy;
use crate::usage::{Standing, Usage};
use crate::{ApiKey, ErrorCode, Timestamp};

/// Decides whether `key` may be used now, and counts the call if it may.
///
/// The order is exists, configuration, address, enabled, not expired, owner, permissions, quota, rate limit. A client
/// at an address that the key may not be used from learns nothing else about the key. Quota and rate limit are both
/// taken, or neither: the counters inside [`Verdict::Accepted`] are the only change, so that a refused call costs
/// nothing. A call that was paid before is judged by all rules but these two.
pub fn decide(key: Option<(&ApiKey, Owner)>, attempt: &Attempt, policy: &Policy, now: Timestamp) -> Verdict {
    let Some((key, owner)) = key else {
        return Verdict::Refused(Refusal::of_unknown(ErrorCode::InvalidApiKey));
    };
    let case = Case::new(key, owner, attempt, policy, now);
    match admit(&case) {
        Ok(_) if attempt.cost.0 == 0 => Verdict::Accepted(key.clone()),
        Ok(usage) => Verdict::Accepted(ApiKey { usage, ..key.clone() }),
        Err(RuleRefusal { code, retry_in_ms }) => Verdict::Refused(Refusal {
            code,
            retry_in_ms,
            key: Some(Arc::clone(&key.details)),
            exhausted: code == ErrorCode::UsageExceeded && key.is_exhausted(),
            missing: if code == ErrorCode::KeyNotFound { missing(&case) } else { None },
            standings: if matches!(code, ErrorCode::RateLimited | ErrorCode::UsageExceeded) {
                Standing::of(key, policy, now).collect()
            } else {
                Vec::new()
            },
            is_malformed: false,
            is_foreign: code == ErrorCode::InvalidApiKey && is_foreign(&case),
        }),
    }
}

/// Runs the chain: returns the counters after the call, or the refusal of the first rule that refuses.
fn admit(case: &Case<'_>) -> Result<Usage, RuleRefusal> {
    let mut usage = case.key.usage;
    for rule in CHAIN {
        (rule.judge)(case, &mut usage)?;
    }
    Ok(if case.attempt.is_paid { usage } else { stamped(case, usage) })
}

/// Returns the counters with the time of the call.
fn stamped(case: &Case<'_>, usage: Usage) -> Usage {
    let (now, updated_at) = (case.now, case.now.max(usage.updated_at));
    match (case.limit(), usage.remaining) {
        // The rate limit sets `last_request` by its own rules.
        (Some(_), _) => Usage { updated_at, ..usage },
        (None, Some(_)) => Usage { last_request: Some(now), updated_at, ..usage },
        (None, None) => usage.stamped(now),
    }
}

//! The key's quota covers the cost, unless it was paid before.

use super::{Case, Facts, RuleRefusal};
use crate::usage::{Denied, Usage};
use crate::{ApiKey, ErrorCode};

pub(super) fn judge(case: &Case<'_>, usage: &mut Usage) -> Result<(), RuleRefusal> {
    if case.attempt.is_paid {
        return Ok(());
    }
    let details = &case.key.details;
    let charged = |cost| usage.charged(details.refill(), details.created_at, cost, case.now);
    let cost = if case.attempt.settles { case.cost().min(left(charged(0))) } else { case.cost() };
    *usage = charged(cost).map_err(|denied| RuleRefusal::denied(ErrorCode::UsageExceeded, denied))?;
    Ok(())
}

/// Returns the calls that a quota has left after a refill that is due; without a quota there is no end to them.
fn left(refilled: Result<Usage, Denied>) -> u64 {
    refilled.ok().and_then(|usage| usage.remaining).unwrap_or(u64::MAX)
}

pub(super) fn facts(case: &Case<'_>) -> Facts {
    let ApiKey { details, usage } = case.key;
    // The calls that are left once a due refill has happened.
    let available = usage.charged(details.refill(), details.created_at, 0, case.now).ok();
    let mut facts: Facts = vec![
        ("cost", case.cost().into()),
        ("remaining", usage.remaining.into()),
        ("available", available.and_then(|usage| usage.remaining).into()),
        ("refillAmount", details.refill_amount.into()),
        ("refillInterval", details.refill_interval_ms.into()),
        ("lastRefillAt", usage.last_refill_at.into()),
    ];
    facts.extend(details.refill_every.map(|every| ("refillEvery", every.as_str().into())));
    facts
}

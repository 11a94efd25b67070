//! The key's quota covers the cost, unless it was paid before.

use super::{Case, Facts, RuleRefusal};
use crate::usage::Usage;
use crate::{ApiKey, ErrorCode};

pub(super) fn judge(case: &Case<'_>, usage: &mut Usage) -> Result<(), RuleRefusal> {
    if case.attempt.is_paid {
        return Ok(());
    }
    let details = &case.key.details;
    *usage = usage
        .charged(details.refill(), details.created_at, case.cost(), case.now)
        .map_err(|denied| RuleRefusal::denied(ErrorCode::UsageExceeded, denied))?;
    Ok(())
}

pub(super) fn facts(case: &Case<'_>) -> Facts {
    let ApiKey { details, usage } = case.key;
    // The calls that are left once a due refill has happened.
    let available = usage.charged(details.refill(), details.created_at, 0, case.now).ok();
    vec![
        ("cost", case.cost().into()),
        ("remaining", usage.remaining.into()),
        ("available", available.and_then(|usage| usage.remaining).into()),
        ("refillAmount", details.refill_amount.into()),
        ("refillInterval", details.refill_interval_ms.into()),
        ("lastRefillAt", usage.last_refill_at.into()),
    ]
}

//! The key's rate limit admits the cost now, unless it was paid before.

use super::{Case, Facts, RuleRefusal};
use crate::ErrorCode;
use crate::usage::{Standing, Usage};

pub(super) fn judge(case: &Case<'_>, usage: &mut Usage) -> Result<(), RuleRefusal> {
    let Some(limit) = case.limit().filter(|_| !case.attempt.is_paid) else { return Ok(()) };
    let algorithm = case.configuration?.rate_limit.algorithm;
    let cost = if case.attempt.settles {
        let standing = Standing::of_rate(case.key, case.policy, case.now);
        match case.cost().min(standing.map_or(0, |standing| standing.remaining)) {
            0 => return Ok(()),
            cost => cost,
        }
    } else {
        case.cost()
    };
    *usage = limit
        .admit(algorithm, *usage, cost, case.now)
        .map_err(|denied| RuleRefusal::denied(ErrorCode::RateLimited, denied))?;
    Ok(())
}

pub(super) fn facts(case: &Case<'_>) -> Facts {
    let standing = Standing::of_rate(case.key, case.policy, case.now);
    vec![
        ("cost", case.cost().into()),
        ("limited", standing.is_some().into()),
        ("left", standing.map(|standing| standing.remaining).into()),
        ("max", standing.map(|standing| standing.max).into()),
        ("window", standing.map(|standing| standing.window_ms).into()),
        ("lastRequest", case.key.usage.last_request.into()),
    ]
}

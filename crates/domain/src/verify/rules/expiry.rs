//! The key has not expired.

use super::{Case, Facts, RuleRefusal, pass};
use crate::ErrorCode;
use crate::usage::Usage;

pub(super) fn judge(case: &Case<'_>, _: &mut Usage) -> Result<(), RuleRefusal> {
    pass(!case.key.is_expired(case.now), ErrorCode::KeyExpired)
}

pub(super) fn facts(case: &Case<'_>) -> Facts {
    vec![("expiresAt", case.key.details.expires_at.into()), ("now", case.now.into())]
}

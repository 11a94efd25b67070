//! The key is enabled, and was not revoked.

use super::{Case, Facts, RuleRefusal, pass};
use crate::ErrorCode;
use crate::usage::Usage;

pub(super) fn judge(case: &Case<'_>, _: &mut Usage) -> Result<(), RuleRefusal> {
    let details = &case.key.details;
    pass(details.enabled && details.revocation.is_none(), ErrorCode::KeyDisabled)
}

pub(super) fn facts(case: &Case<'_>) -> Facts {
    let details = &case.key.details;
    vec![
        ("enabled", details.enabled.into()),
        ("revokedAt", details.revocation.as_ref().map(|revocation| revocation.at).into()),
    ]
}

//! The key is of the required configuration, and that configuration allows the header that presents it.

use super::{Case, Facts, RuleRefusal, exists, pass};
use crate::policy::Configuration;
use crate::usage::Usage;
use crate::verify::Attempt;
use crate::{ConfigId, ErrorCode};

pub(super) fn judge(case: &Case<'_>, _: &mut Usage) -> Result<(), RuleRefusal> {
    let configuration = case.configuration?;
    pass(is_in_scope(case) && may_come_by(configuration, case.attempt), ErrorCode::InvalidApiKey)
}

pub(super) fn facts(case: &Case<'_>) -> Facts {
    vec![
        ("configId", case.key.details.config_id.as_str().into()),
        ("asked", case.attempt.config_id.as_ref().map(ConfigId::as_str).into()),
    ]
}

/// Returns true if the key is valid, and only its configuration differs from the one that the attempt requires.
pub(in crate::verify) fn is_foreign(case: &Case<'_>) -> bool {
    let comes_rightly = case.configuration.is_ok_and(|configuration| may_come_by(configuration, case.attempt));
    comes_rightly && exists::judge(case, &mut case.key.usage.clone()).is_ok() && !is_in_scope(case)
}

/// Returns true if the configuration allows the header in which the attempt presents the key.
fn may_come_by(configuration: &Configuration, attempt: &Attempt) -> bool {
    attempt.opens_session_by.as_ref().is_none_or(|header| configuration.opens_sessions_by(header))
}

/// Returns true if the key is of the configuration that the attempt requires. An id that is not configured matches only
/// itself (docs/better-auth-wire.md 8, step 2).
fn is_in_scope(case: &Case<'_>) -> bool {
    case.attempt.config_id.as_ref().is_none_or(|expected| *expected == case.key.details.config_id)
}

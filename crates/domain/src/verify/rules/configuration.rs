//! It is of the configuration that is asked for, which lets it be shown as it is.

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

/// Whether the key is whose it should be, and only its configuration is not the one that the attempt asks for.
pub(in crate::verify) fn is_foreign(case: &Case<'_>) -> bool {
    let comes_rightly = case.configuration.is_ok_and(|configuration| may_come_by(configuration, case.attempt));
    comes_rightly && exists::judge(case, &mut case.key.usage.clone()).is_ok() && !is_in_scope(case)
}

/// Whether the attempt may show the key where it does.
fn may_come_by(configuration: &Configuration, attempt: &Attempt) -> bool {
    attempt.opens_session_by.as_ref().is_none_or(|header| configuration.opens_sessions_by(header))
}

/// Whether the key answers to a caller who expects such a configuration; an id that nobody configured matches only
/// itself (docs/better-auth-wire.md 8, step 2).
fn is_in_scope(case: &Case<'_>) -> bool {
    case.attempt.config_id.as_ref().is_none_or(|expected| *expected == case.key.details.config_id)
}

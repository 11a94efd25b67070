//! The key grants the required permissions.

use super::{Case, Facts, RuleRefusal, pass};
use crate::usage::Usage;
use crate::{ErrorCode, Permissions};

pub(super) fn judge(case: &Case<'_>, _: &mut Usage) -> Result<(), RuleRefusal> {
    pass(missing(case).is_none(), ErrorCode::KeyNotFound)
}

pub(super) fn facts(case: &Case<'_>) -> Facts {
    vec![
        ("granted", case.key.details.permissions.as_ref().into()),
        ("asked", case.attempt.permissions.as_ref().into()),
        ("missing", missing(case).as_ref().into()),
    ]
}

/// Returns the permissions that the attempt requires and the key does not grant; `None` = it grants them all.
pub(in crate::verify) fn missing(case: &Case<'_>) -> Option<Permissions> {
    let asked = case.attempt.permissions.as_ref()?;
    let wildcards = case.configuration.is_ok_and(|configuration| configuration.wildcards);
    asked.lacking_in(case.key.details.permissions.as_ref(), wildcards)
}

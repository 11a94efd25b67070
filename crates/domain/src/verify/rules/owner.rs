//! The key's owner exists if required, and is not banned.

use super::{Case, Facts, RuleRefusal, pass};
use crate::ErrorCode;
use crate::policy::References;
use crate::usage::Usage;
use crate::verify::{Ban, Owner};

pub(super) fn judge(case: &Case<'_>, _: &mut Usage) -> Result<(), RuleRefusal> {
    if case.owner.is_banned(case.now) {
        return Err(ErrorCode::UserBanned.into());
    }
    let opens_session = case.attempt.opens_session_by.is_some();
    let is_organization = references(case) == References::Organization;
    // A session belongs to a user. An organization has none.
    let is_nobodys = opens_session && is_organization;
    pass(!is_nobodys && (!is_required(case) || case.owner != Owner::Absent), ErrorCode::InvalidReferenceIdFromApiKey)
}

pub(super) fn facts(case: &Case<'_>) -> Facts {
    let (found, banned_until) = match case.owner {
        Owner::Absent => ("absent", None),
        Owner::Present => ("present", None),
        Owner::Banned(Ban { until }) => ("banned", until),
    };
    vec![
        ("referenceId", case.key.details.owner.as_str().into()),
        ("found", found.into()),
        ("bannedUntil", banned_until.into()),
        ("required", is_required(case).into()),
    ]
}

/// Returns true if a row in the `user` table is required.
fn is_required(case: &Case<'_>) -> bool {
    let opens_session = case.attempt.opens_session_by.is_some();
    references(case) == References::User && (case.policy.require_owner || opens_session)
}

fn references(case: &Case<'_>) -> References {
    case.configuration.map_or_else(|_| References::default(), |configuration| configuration.references)
}

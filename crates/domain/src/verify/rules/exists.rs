//! The key exists in the form in which its configuration stores keys.

use super::{Case, Facts, RuleRefusal, pass};
use crate::ErrorCode;
use crate::usage::Usage;

pub(super) fn judge(case: &Case<'_>, _: &mut Usage) -> Result<(), RuleRefusal> {
    let is_found_rightly = case.configuration.is_ok_and(|configuration| {
        let is_presented = |stored| case.attempt.may_be_found_as(stored, configuration.disable_key_hashing);
        case.key.valid_secrets(case.now).any(is_presented)
    });
    // Without a configuration its stored form is unknown. The next rule refuses then.
    pass(is_found_rightly || case.configuration.is_err(), ErrorCode::InvalidApiKey)
}

pub(super) fn facts(case: &Case<'_>) -> Facts {
    vec![("keyId", case.key.details.id.as_str().into())]
}

use keymint_domain::Permissions;
use keymint_domain::verify::Refusal;
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::code::error_code;
use super::raw;

/// Why a key is refused, with Better Auth's code (docs/better-auth-wire.md 7.6).
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Refusal, description = "The reason of a refusal.")]
pub(super) struct RefusalView<'a> {
    message: &'static str,
    #[schema(schema_with = error_code)]
    code: &'static str,
    /// Present if there is more to say.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    details: Option<RefusalDetails<'a>>,
}

/// Details of a refusal, beside its code.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RefusalDetails<'a> {
    /// Milliseconds until a retry may succeed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    try_again_in: Option<u64>,
    /// Required actions that are not granted, by resource.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Option<BTreeMap<String, Vec<String>>>)]
    missing: Option<&'a RawValue>,
}

impl<'a> RefusalDetails<'a> {
    /// Returns the details of permissions that are missing.
    pub fn of_missing(missing: &'a Permissions) -> Option<Self> {
        Some(Self { try_again_in: None, missing: Some(raw(missing.as_json())?) })
    }

    /// Returns the details of a refusal; `None` = there are none.
    pub fn of(refusal: &'a Refusal) -> Option<Self> {
        let missing = refusal.missing.as_ref().and_then(|missing| raw(missing.as_json()));
        let details = Self { try_again_in: refusal.retry_in_ms, missing };
        (details.try_again_in.is_some() || details.missing.is_some()).then_some(details)
    }
}

impl<'a> From<&'a Refusal> for RefusalView<'a> {
    fn from(refusal: &'a Refusal) -> Self {
        Self { message: refusal.code.message(), code: refusal.code.as_str(), details: RefusalDetails::of(refusal) }
    }
}

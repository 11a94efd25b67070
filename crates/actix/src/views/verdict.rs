use keymint_domain::verify::Verdict;
use serde::Serialize;
use utoipa::ToSchema;

use super::KeyView;
use super::refusal::RefusalView;

/// A verdict (docs/better-auth-wire.md 7.6).
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Verdict, description = "The verdict of a verification.")]
pub struct VerdictView<'a> {
    /// True if the key may be used.
    valid: bool,
    /// The reason of a refusal; null if the key is valid.
    #[schema(required)]
    error: Option<RefusalView<'a>>,
    /// The key after the use; null if it is refused.
    #[schema(required)]
    key: Option<KeyView<'a>>,
}

impl<'a> From<&'a Verdict> for VerdictView<'a> {
    fn from(verdict: &'a Verdict) -> Self {
        match verdict {
            Verdict::Accepted(key) => Self { valid: true, error: None, key: Some(KeyView::from(key)) },
            Verdict::Refused(refusal) => Self { valid: false, error: Some(RefusalView::from(refusal)), key: None },
        }
    }
}

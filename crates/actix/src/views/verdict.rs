use keymint_domain::verify::Verdict;
use serde::Serialize;
use utoipa::ToSchema;

use super::KeyView;
use super::refusal::RefusalView;

/// A verdict (docs/better-auth-wire.md 7.6).
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Verdict, description = "Whether a key may be used.")]
pub struct VerdictView<'a> {
    /// Whether the key may be used.
    valid: bool,
    /// Why not; null where it may.
    #[schema(required)]
    error: Option<RefusalView<'a>>,
    /// The key after the use; null where it may not be used.
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

use keymint_domain::Timestamp;
use keymint_domain::verify::{DryRun, Verdict};
use serde::Serialize;
use utoipa::ToSchema;

use super::dry_run::RuleView;
use super::refusal::RefusalView;
use super::secret::FORMER;
use super::{Iso, KeyView};

/// A verdict (docs/better-auth-wire.md 7.6).
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
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
    /// `former` if the key was presented by a secret that a rotation has replaced; absent else.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    secret: Option<&'static str>,
    /// The instant at which that secret ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    former_secret_ends_at: Option<Iso>,
    /// The result of every rule, in the answer to a dry run; the first one that refuses is the reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    rules: Option<Vec<RuleView<'a>>>,
}

impl<'a> VerdictView<'a> {
    /// Shows a verdict, and the end of the presented secret if it is the former one of a rotation.
    pub fn new(verdict: &'a Verdict, former_ends_at: Option<Timestamp>) -> Self {
        let (error, key) = match verdict {
            Verdict::Accepted(key) => (None, Some(KeyView::from(key))),
            Verdict::Refused(refusal) => (Some(RefusalView::from(refusal)), None),
        };
        Self {
            valid: key.is_some(),
            error,
            key,
            secret: former_ends_at.map(|_| FORMER),
            former_secret_ends_at: former_ends_at.map(Iso),
            rules: None,
        }
    }

    /// Shows a dry run: its verdict likewise, and the result of every rule.
    pub fn of_dry_run(run: &'a DryRun, former_ends_at: Option<Timestamp>) -> Self {
        let rules = Some(run.reports.iter().map(RuleView::from).collect());
        Self { rules, ..Self::new(&run.verdict, former_ends_at) }
    }
}

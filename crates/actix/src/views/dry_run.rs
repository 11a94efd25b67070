use keymint_domain::Timestamp;
use keymint_domain::verify::{DryRun, Fact, Judgement, RuleReport};
use serde::{Serialize, Serializer};
use utoipa::ToSchema;

use super::{Iso, VerdictView, raw};

/// The verdict of a verification, and the result of every rule of the chain.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DryRun)]
pub struct DryRunView<'a> {
    #[serde(flatten)]
    verdict: VerdictView<'a>,
    /// The first rule that refuses is the reason.
    rules: Vec<RuleView<'a>>,
}

/// The result of one rule.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = JudgedRule)]
struct RuleView<'a> {
    /// Its name.
    rule: &'static str,
    /// `passed`, `refused` or `notJudged`.
    verdict: &'static str,
    /// The reason of a refusal.
    #[schema(required)]
    code: Option<&'static str>,
    /// Milliseconds until the rule passes.
    #[schema(required)]
    try_again_in: Option<u64>,
    /// The values that the rule compared.
    #[serde(serialize_with = "facts")]
    #[schema(value_type = BTreeMap<String, Value>)]
    values: &'a [(&'static str, Fact)],
}

impl<'a> DryRunView<'a> {
    /// Shows a dry run, and the end of the presented secret if it is the former one of a rotation.
    pub fn new(run: &'a DryRun, former_ends_at: Option<Timestamp>) -> Self {
        let verdict = VerdictView::new(&run.verdict, former_ends_at);
        Self { verdict, rules: run.reports.iter().map(RuleView::from).collect() }
    }
}

impl<'a> From<&'a RuleReport> for RuleView<'a> {
    fn from(report: &'a RuleReport) -> Self {
        let RuleReport { rule, judgement, facts } = report;
        let (verdict, code, try_again_in) = match judgement {
            Judgement::Passed => ("passed", None, None),
            Judgement::Refused { code, retry_in_ms } => ("refused", Some(code.as_str()), *retry_in_ms),
            Judgement::NotJudged => ("notJudged", None, None),
        };
        Self { rule, verdict, code, try_again_in, values: facts }
    }
}

fn facts<S: Serializer>(facts: &&[(&'static str, Fact)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(facts.iter().map(|(name, fact)| (name, FactView(fact))))
}

struct FactView<'a>(&'a Fact);

impl Serialize for FactView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Fact::None => serializer.serialize_none(),
            Fact::Flag(flag) => serializer.serialize_bool(*flag),
            Fact::Text(text) => serializer.serialize_str(text),
            Fact::Number(number) => serializer.serialize_u64(*number),
            Fact::Instant(instant) => Iso(*instant).serialize(serializer),
            Fact::Permissions(permissions) => raw(permissions.as_json()).serialize(serializer),
        }
    }
}

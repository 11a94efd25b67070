use keymint_domain::verify::{Fact, Judgement, RuleReport};
use serde::{Serialize, Serializer};
use utoipa::ToSchema;

use super::code::error_code_or_null;
use super::{Iso, raw};

/// The result of one rule.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = JudgedRule)]
pub(super) struct RuleView<'a> {
    /// Its name.
    rule: &'static str,
    /// `passed`, `refused` or `notJudged`.
    verdict: &'static str,
    /// The reason of a refusal.
    #[schema(required, schema_with = error_code_or_null)]
    code: Option<&'static str>,
    /// Milliseconds until the rule passes.
    #[schema(required)]
    try_again_in: Option<u64>,
    /// The values that the rule compared.
    #[serde(serialize_with = "facts")]
    #[schema(value_type = BTreeMap<String, Value>)]
    values: &'a [(&'static str, Fact)],
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

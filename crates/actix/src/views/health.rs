use keymint_domain::KeyId;
use keymint_domain::health::Finding;
use keymint_service::HealthReport;
use serde::Serialize;
use utoipa::ToSchema;

use super::Iso;

/// The findings about a portion of keys.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Health)]
pub struct HealthView<'a> {
    /// The findings that hold for a key or more, the most severe first.
    findings: Vec<FindingView<'a>>,
    /// The number of keys that were examined.
    examined: u64,
    /// The number of keys whose rows are unreadable.
    unreadable: u64,
    /// The instant since which uses are recorded; null is none are.
    #[schema(required)]
    recorded_since: Option<Iso>,
    /// The `after` of the next portion; null is this was the last one.
    #[schema(required)]
    next: Option<&'a str>,
}

/// A finding, with the keys that it holds for.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Finding)]
struct FindingView<'a> {
    /// The name of the finding.
    finding: &'static str,
    /// `info`, `low`, `medium`, `high` or `critical`.
    severity: &'static str,
    /// The number of keys.
    count: u64,
    /// The advice to whoever is responsible for the keys.
    advice: &'static str,
    /// The ids of the keys.
    key_ids: Vec<&'a str>,
}

impl<'a> From<&'a HealthReport> for HealthView<'a> {
    fn from(report: &'a HealthReport) -> Self {
        let HealthReport { findings, keys: _, examined, unreadable, recorded_since, next } = report;
        Self {
            findings: findings.iter().map(FindingView::from).collect(),
            examined: *examined,
            unreadable: *unreadable,
            recorded_since: recorded_since.map(Iso),
            next: next.as_ref().map(KeyId::as_str),
        }
    }
}

impl<'a> From<(&Finding, &'a Vec<KeyId>)> for FindingView<'a> {
    fn from((finding, keys): (&Finding, &'a Vec<KeyId>)) -> Self {
        Self {
            finding: finding.as_str(),
            severity: finding.severity().as_str(),
            count: keys.len() as u64,
            advice: finding.advice(),
            key_ids: keys.iter().map(KeyId::as_str).collect(),
        }
    }
}

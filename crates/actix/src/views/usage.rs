use std::collections::BTreeMap;

use keymint_domain::metering::{Counts, LastUse, Point, Window};
use keymint_service::UsageReport;
use serde::Serialize;
use utoipa::ToSchema;

use super::Iso;

/// The usage of keys in a window of time.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Usage)]
pub struct UsageView<'a> {
    /// The first instant of the window.
    from: Iso,
    /// The first instant after the window.
    to: Iso,
    /// The time between two points: `hour`, `day` or `month`.
    step: &'static str,
    /// The uses of the whole window.
    totals: UsageCounts<'a>,
    /// The uses of each step, also of those without any.
    series: Vec<UsagePoint<'a>>,
    /// The last accepted use of the one key that was asked for, whatever the window; null is none, or several keys.
    #[schema(required)]
    last_used_at: Option<Iso>,
    /// The client's network at that use: the /24 of an IPv4 address, the /48 of an IPv6 address; null is not known.
    #[schema(required)]
    last_network: Option<String>,
}

/// The uses in one step.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct UsagePoint<'a> {
    /// The first instant of the step.
    start: Iso,
    #[serde(flatten)]
    counts: UsageCounts<'a>,
}

/// Uses, as they are counted.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct UsageCounts<'a> {
    /// Accepted calls.
    accepted: u64,
    /// The sum of their costs.
    cost: u64,
    /// Refused calls.
    refused: u64,
    /// Refused calls by the code of the reason.
    refusals: &'a BTreeMap<String, u64>,
}

impl<'a> UsageView<'a> {
    /// Shows `report` on `window`.
    pub fn new(window: &Window, report: &'a UsageReport) -> Self {
        let last = report.activity.as_ref().and_then(|activity| activity.last_use);
        let network = last.and_then(|LastUse { network, .. }| network).map(|network| network.to_string());
        Self {
            from: Iso(window.from().start()),
            to: Iso(window.to().start()),
            step: window.step().as_str(),
            totals: UsageCounts::from(&report.series.totals),
            series: report.series.points.iter().map(UsagePoint::from).collect(),
            last_used_at: last.map(|last| Iso(last.at)),
            last_network: network,
        }
    }
}

impl<'a> From<&'a Point> for UsagePoint<'a> {
    fn from(Point { start, end: _, counts }: &'a Point) -> Self {
        Self { start: Iso(start.start()), counts: counts.into() }
    }
}

impl<'a> From<&'a Counts> for UsageCounts<'a> {
    fn from(counts: &'a Counts) -> Self {
        let Counts { accepted, cost, refusals } = counts;
        Self { accepted: *accepted, cost: *cost, refused: counts.refused(), refusals }
    }
}

use keymint_domain::ApiKey;
use keymint_domain::metering::{Point, Step, Window};
use keymint_service::{ReadUsage, UsageReport, Whose};

use crate::answer::Failure;
use crate::ask::Ask;
use crate::show::{Chart, count};
use crate::visitor::Visitor;

/// The usage of a key in a period.
pub(crate) struct UsageView {
    pub(crate) periods: Vec<PeriodChoice>,
    pub(crate) chart: Chart,
    pub(crate) accepted: String,
    pub(crate) refused: String,
    pub(crate) cost: Option<String>,
    pub(crate) is_empty: bool,
    /// The refused calls by their reason.
    pub(crate) reasons: Vec<(String, String)>,
    /// The numbers of the chart, step by step: its label, accepted, refused.
    pub(crate) rows: Vec<(String, String, String)>,
}

pub(crate) struct PeriodChoice {
    pub(crate) path: String,
    pub(crate) text: &'static str,
    pub(crate) is_chosen: bool,
}

/// The periods: the word in the address, the text, the hours, and the step.
const PERIODS: [(&str, &str, u64, Step); 4] = [
    ("24h", "24 hours", 24, Step::Hour),
    ("7d", "7 days", 7 * 24, Step::Day),
    ("30d", "30 days", 30 * 24, Step::Day),
    ("90d", "90 days", 90 * 24, Step::Day),
];

const HOUR_MS: u64 = 3_600_000;

/// Reads the usage of a key; `None` = no statistics are kept.
pub(super) async fn read(ask: &Ask, visitor: &Visitor, key: &ApiKey) -> Result<Option<UsageView>, Failure> {
    let details = &key.details;
    let path = visitor.path(&details.id);
    read_of(ask, visitor, &path, |window| ReadUsage {
        key: Some(details.id.clone()),
        whose: Whose::Callers,
        config_id: Some(details.config_id.clone()),
        window,
    })
    .await
}

/// Reads the usage that `request` asks for, for the page at `path`; `None` = no statistics are kept.
pub(crate) async fn read_of(
    ask: &Ask,
    visitor: &Visitor,
    path: &str,
    request: impl FnOnce(Window) -> ReadUsage,
) -> Result<Option<UsageView>, Failure> {
    let asked = ask.query.get("usage").unwrap_or("7d");
    let (word, _, hours, step) = PERIODS.into_iter().find(|(word, ..)| *word == asked).unwrap_or(PERIODS[1]);
    let now = ask.now();
    // The step that now is in counts, too.
    let length = hours - if step == Step::Hour { 1 } else { 24 };
    let Ok(window) = Window::new(now.minus_millis(length * HOUR_MS), now.plus_millis(1), step) else { return Ok(None) };
    let report = ask.keys().read_usage(&visitor.caller, request(window)).await?;
    Ok(report.map(|report| view(path, word, step, &report)))
}

fn view(path: &str, chosen: &str, step: Step, report: &UsageReport) -> UsageView {
    let series = &report.series;
    let period = |(word, text, _, _): (&'static str, &'static str, u64, Step)| PeriodChoice {
        path: format!("{path}?usage={word}"),
        text,
        is_chosen: word == chosen,
    };
    let format = if step == Step::Hour { "%-d %b, %H:%M" } else { "%-d %b %Y" };
    let row = |point: &Point| {
        let label = point.start.start().to_utc().format(format).to_string();
        (label, count(point.counts.accepted), count(point.counts.refused()))
    };
    let mut reasons: Vec<_> = series.totals.refusals.iter().collect();
    reasons.sort_by_key(|(_, calls)| std::cmp::Reverse(**calls));
    let totals = &series.totals;
    UsageView {
        periods: PERIODS.into_iter().map(period).collect(),
        chart: Chart::new(series, step),
        accepted: count(totals.accepted),
        refused: count(totals.refused()),
        cost: (totals.cost != totals.accepted).then(|| count(totals.cost)),
        is_empty: totals.is_empty(),
        reasons: reasons.into_iter().map(|(code, calls)| (reason(code), count(*calls))).collect(),
        rows: series.points.iter().rev().filter(|point| !point.counts.is_empty()).map(row).collect(),
    }
}

/// Returns a code in words.
pub(crate) fn reason(code: &str) -> String {
    let words = code.to_ascii_lowercase().replace('_', " ");
    let mut letters = words.chars();
    letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect()
}

//! Health: what somebody should look at, of the visitor's own keys, or of all for operators.

pub(crate) mod finding;

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::time::Duration;

use askama::Template;
use keymint_domain::KeyId;
use keymint_domain::health::{Finding, Severity};
use keymint_service::{ExamineKeys, HealthReport, stopwatch};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::answer::{Answer, Failure, page};
use crate::ask::Ask;
use crate::layout::{Layout, Section};
use crate::show::{When, plural};
use crate::visitor::Visitor;

#[derive(Template)]
#[template(path = "pages/health/page.html")]
struct HealthPage {
    layout: Layout,
    is_operator: bool,
    rows: Vec<Row>,
    examined: String,
    has_keys: bool,
    unreadable: Option<String>,
    recorded_since: Option<When>,
    /// The page on which the next keys are examined; `None` = these were all.
    next: Option<String>,
    is_continued: bool,
}

/// The page of a server that has never kept usage, by which keys are judged.
#[derive(Template)]
#[template(path = "pages/health/off.html")]
struct OffPage {
    layout: Layout,
}

/// A finding that holds for a key or more.
struct Row {
    path: String,
    title: String,
    severity: &'static str,
    tone: &'static str,
    number: String,
    about: &'static str,
    advice: &'static str,
}

/// The time in which the first keys are examined: the page must be there at once.
const AT_ONCE: Duration = Duration::from_millis(15);

/// The keys that are examined together, which takes a fraction of that time.
const PORTION: NonZeroU32 = NonZeroU32::new(200).unwrap();

/// The time in which the next keys are examined: whoever goes on waits a little for more of them.
const LATER: Duration = Duration::from_secs(2);

/// Returns the time in which keys are examined behind `after`.
fn time_behind(ask: &Ask, after: Option<&KeyId>) -> Duration {
    if after.is_some() { LATER.min(ask.time_for_portions()) } else { AT_ONCE }
}

pub(crate) async fn show(ask: Ask, visitor: Visitor) -> Answer {
    let after = ask.query.get("after").and_then(|id| KeyId::parse(id).ok());
    let within = time_behind(&ask, after.as_ref());
    let is_continued = after.is_some();
    let layout = Layout::of(&visitor, Section::Health, "Health");
    let Some(found) = examine(&ask, &visitor, after, within).await? else { return page(&OffPage { layout }) };
    let Found { numbers, examined, unreadable, recorded_since, next } = found;
    let template = HealthPage {
        layout,
        is_operator: visitor.is_operator,
        rows: numbers.into_iter().map(|(finding, number)| row(finding, number)).collect(),
        examined: plural(examined, "key", "keys"),
        has_keys: examined > 0,
        unreadable: (unreadable > 0).then(|| plural(unreadable, "key", "keys")),
        recorded_since: recorded_since.map(|at| When::relative(at, ask.now())),
        next: next.map(|id| format!("/console/health?after={}", utf8_percent_encode(id.as_str(), NON_ALPHANUMERIC))),
        is_continued,
    };
    page(&template)
}

#[derive(Default)]
struct Found {
    numbers: BTreeMap<Finding, u64>,
    examined: u64,
    unreadable: u64,
    recorded_since: Option<keymint_domain::Timestamp>,
    next: Option<KeyId>,
}

/// Examines keys, a portion at a time, until they or the time end; `None` = this server keeps no usage.
async fn examine(
    ask: &Ask,
    visitor: &Visitor,
    after: Option<KeyId>,
    within: Duration,
) -> Result<Option<Found>, Failure> {
    let (began, mut all) = (stopwatch(), Found { next: after, ..Found::default() });
    loop {
        let _turn = ask.request.turn_to_list().await?;
        let request = ExamineKeys { after: all.next.take(), limit: Some(PORTION), ..ExamineKeys::default() };
        let Some(report) = ask.keys().examine(&visitor.caller, request).await? else { return Ok(None) };
        let HealthReport { findings, keys: _, examined, unreadable, recorded_since, next } = report;
        for (finding, ids) in findings {
            *all.numbers.entry(finding).or_default() += u64::try_from(ids.len()).unwrap_or(u64::MAX);
        }
        all.examined += examined;
        all.unreadable += unreadable;
        all.recorded_since = recorded_since;
        all.next = next;
        if all.next.is_none() || began.elapsed() >= within {
            return Ok(Some(all));
        }
    }
}

fn row(finding: Finding, number: u64) -> Row {
    Row {
        path: path(finding),
        title: title(finding),
        severity: severity(finding),
        tone: tone(finding),
        number: plural(number, "key", "keys"),
        about: about(finding),
        advice: finding.advice(),
    }
}

fn path(finding: Finding) -> String {
    format!("/console/health/{}", finding.as_str())
}

/// Returns a finding in words.
fn title(finding: Finding) -> String {
    crate::pages::keys::key::reason(finding.as_str())
}

fn severity(finding: Finding) -> &'static str {
    match finding.severity() {
        Severity::Critical => "Critical",
        Severity::High => "High",
        Severity::Medium => "Medium",
        Severity::Low => "Low",
        Severity::Info => "Info",
    }
}

fn tone(finding: Finding) -> &'static str {
    match finding.severity() {
        Severity::Critical | Severity::High => "bad",
        Severity::Medium => "warn",
        Severity::Low | Severity::Info => "off",
    }
}

/// Returns what a key has that is found so.
fn about(finding: Finding) -> &'static str {
    match finding {
        Finding::Leaked => "The secret was reported as public, and still works.",
        Finding::FormerSecretInUse => "The secret that a rotation replaced is still used.",
        Finding::OwnerGone => "The owner's account is missing.",
        Finding::OwnerBanned => "The owner is banned.",
        Finding::Wildcard => "The permissions have a *, which stands for all.",
        Finding::Unlimited => "There is neither a quota nor a rate limit.",
        Finding::RotationDue => "The secret is older than the rotation policy allows.",
        Finding::RefusedMore => "More calls were refused than accepted.",
        Finding::Expiring => "The key expires within 30 days.",
        Finding::NeverExpires => "The key has no expiry.",
        Finding::NeverUsed => "The key was made 90 days ago or earlier, and no use is known.",
        Finding::Idle => "The last use was 90 days ago or earlier.",
        Finding::SafeToRemove => "No call was recorded for as long as calls are recorded, and for 100 days or more.",
    }
}

//! `keymint key health`.

use std::collections::BTreeSet;

use keymint_actix::views::HealthView;
use keymint_domain::health::{Finding, Severity, Thresholds};
use keymint_domain::{ConfigId, KeyId, OrganizationId, OwnerId};
use keymint_service::{Caller, ExamineKeys, HealthReport, Keys, Whose};
use serde_json::{Value, json};

use crate::cli::CliResult;
use crate::cli::arguments::Health;
use crate::cli::options::Options;
use crate::cli::output::{self, Form};
use crate::cli::progress::Progress;
use crate::cli::refused;
use crate::units::Unit;

/// The columns, unless JSON is requested.
const COLUMNS: [&str; 5] = ["severity", "finding", "count", "keyIds", "advice"];
/// The ids in a cell of the table.
const SHOWN_IDS: usize = 3;
/// The largest number of days of a threshold.
const MAX_DAYS: u64 = 36_500;

/// Examines all keys that the arguments select, a portion at a time, and prints the findings.
pub(super) async fn run(keys: &Keys, arguments: Health, form: Form) -> CliResult {
    let mut request = read(arguments)?;
    let mut all = HealthReport::default();
    let progress = Progress::unknown("examined keys:");
    loop {
        let portion = keys.examine(&Caller::Server, request.clone()).await.map_err(refused)?;
        let HealthReport { findings, keys: _, examined, unreadable, recorded_since, next } =
            portion.ok_or("this server keeps no usage")?;
        for (finding, ids) in findings {
            all.findings.entry(finding).or_default().extend(ids);
        }
        all.examined += examined;
        progress.reached(all.examined);
        all.unreadable += unreadable;
        all.recorded_since = recorded_since;
        match next {
            Some(next) => request.after = Some(next),
            None => break,
        }
    }
    let rows = all.findings.iter().map(|(finding, ids)| {
        let mut shown: Vec<_> = ids.iter().take(SHOWN_IDS).map(KeyId::as_str).collect();
        if ids.len() > SHOWN_IDS {
            shown.push("..");
        }
        row(*finding, ids.len(), &shown)
    });
    let rows: Vec<_> = rows.collect();
    if form == Form::Ids {
        return output::ids(all.findings.values().flatten().map(KeyId::as_str).collect::<BTreeSet<_>>());
    }
    output::table(&HealthView::from(&all), &rows, &COLUMNS, form)
}

fn row(finding: Finding, count: usize, shown: &[&str]) -> Value {
    json!({
        "severity": finding.severity().as_str(),
        "finding": finding.as_str(),
        "count": count,
        "keyIds": shown.join(" "),
        "advice": finding.advice(),
    })
}

fn read(arguments: Health) -> CliResult<ExamineKeys> {
    let Health { user, organization, config_id, finding, severity, idle_days, expiring_days } = arguments;
    let mut options = Options::default();
    let user = options.text("user", user, OwnerId::parse);
    let organization = options.text("organization", organization, OrganizationId::parse);
    let config_id = options.text("configId", config_id, ConfigId::parse);
    let all: Vec<_> = Finding::ALL.iter().map(|finding| (finding.as_str(), *finding)).collect();
    let finding = options.choice("finding", finding, &all);
    let severities = Severity::ALL.map(|severity| (severity.as_str(), severity));
    let severity = options.choice("severity", severity, &severities);
    let mut days = |name: &str, given, default: u32| {
        let days = options.duration(name, given, Unit::Days, 1..=MAX_DAYS).and_then(|days| u32::try_from(days).ok());
        days.unwrap_or(default)
    };
    let default = Thresholds::default();
    let thresholds = Thresholds {
        idle_days: days("idleDays", idle_days, default.idle_days),
        expiring_days: days("expiringDays", expiring_days, default.expiring_days),
    };
    let whose = match (user, organization) {
        (Some(user), _) => Whose::Users(user),
        (None, Some(organization)) => Whose::Organizations(organization),
        (None, None) => Whose::Callers,
    };
    options.finish(Some(ExamineKeys { whose, config_id, finding, severity, thresholds, after: None, limit: None }))
}

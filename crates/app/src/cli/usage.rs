use std::num::NonZeroU32;

use keymint_actix::views::UsageView;
use keymint_domain::metering::{Activity, KeySums, Point, Series, Step, UnknownHour, Window};
use keymint_domain::{ConfigId, KeyId, OrganizationId, OwnerId};
use keymint_service::{Caller, Keys, ReadUsage, Whose};
use serde_json::{Value, json};

use super::arguments::Usage;
use super::options::Options;
use super::output::{self, Form};
use super::progress::Progress;
use super::{CliResult, Misused, refused};

/// The columns of a series.
const COLUMNS: [&str; 6] = ["start", "end", "accepted", "cost", "refused", "refusals"];
/// The columns of an invoice.
const COLUMNS_BY_KEY: [&str; 9] =
    ["keyId", "referenceId", "configId", "start", "end", "accepted", "cost", "refused", "refusals"];
/// The columns of attempts with unknown keys.
const COLUMNS_OF_UNKNOWN: [&str; 5] = ["start", "configId", "prefix", "network", "calls"];

/// The keys that one statement sums up: it must end within the timeout of the database.
const PAGE: NonZeroU32 = NonZeroU32::new(100).unwrap();

pub(super) async fn run(keys: &Keys, arguments: Usage) -> CliResult {
    let form = Some(arguments.output.form()).filter(|_| !arguments.csv);
    let (by_key, unknown) = (arguments.by_key, arguments.unknown);
    let request = read(keys, arguments)?;
    let window = request.window;
    if unknown {
        let found = keys.read_unknown_usage(&Caller::Server, &window).await?.unwrap_or_default();
        let rows: Vec<_> = found.iter().map(unknown_row).collect();
        return show(&json!({ "unknown": rows }), &rows, &COLUMNS_OF_UNKNOWN, form);
    }
    if by_key {
        let rows = rows_by_key(keys, request).await?;
        let (from, to) = (window.from().start().to_string(), window.to().start().to_string());
        let answer = json!({ "from": from, "to": to, "step": window.step().as_str(), "keys": rows });
        return show(&answer, &rows, &COLUMNS_BY_KEY, form);
    }
    let report = keys.read_usage(&Caller::Server, request).await.map_err(refused)?;
    let report = report.ok_or("this server keeps no usage")?;
    let rows: Vec<_> = report.series.points.iter().map(row).collect();
    let answer = serde_json::to_value(UsageView::new(&window, &report))?;
    show(&answer, &rows, &COLUMNS, form)
}

fn read(keys: &Keys, arguments: Usage) -> CliResult<ReadUsage> {
    let mut options = Options::default();
    let Usage { key, user, organization, config_id, from, to, step, by_key: _, unknown: _, csv: _, output: _ } =
        arguments;
    let key = options.text("key", key, KeyId::parse);
    let user = options.text("user", user, OwnerId::parse);
    let organization = options.text("organization", organization, OrganizationId::parse);
    let config_id = options.text("configId", config_id, ConfigId::parse);
    let (from, to) = (options.instant("from", from), options.instant("to", to));
    let steps = Step::ALL.map(|step| (step.as_str(), step));
    let step = options.choice("step", Some(step), &steps);
    let whose = match (user, organization) {
        (Some(user), _) => Whose::Users(user),
        (None, Some(organization)) => Whose::Organizations(organization),
        (None, None) => Whose::Callers,
    };
    let step = options.finish(step)?;
    let hours_days = keys.usage().map_or(u32::MAX, |usage| usage.options().hours_days);
    let window = Window::asked(from, to, step, keys.now(), hours_days);
    let window = window.map_err(|error| Misused(format!("[option.{}] {error}", error.member())))?;
    Ok(ReadUsage { key, whose, config_id, window })
}

/// Returns a row for each key and step with calls.
async fn rows_by_key(keys: &Keys, request: ReadUsage) -> CliResult<Vec<Value>> {
    let (mut rows, mut after, mut read) = (Vec::new(), None, 0);
    let progress = Progress::unknown("summed up keys:");
    loop {
        let page =
            keys.read_usage_by_key(&Caller::Server, request.clone(), after.take(), PAGE).await.map_err(refused)?;
        let page = page.ok_or("this server keeps no usage")?;
        for KeySums { activity: Activity { key, owner, config_id, last_use: _ }, sums } in &page {
            let series = Series::new(&request.window, sums);
            for point in series.points.iter().filter(|point| !point.counts.is_empty()) {
                let mut row = row(point);
                row["keyId"] = key.as_str().into();
                row["referenceId"] = owner.as_str().into();
                row["configId"] = config_id.as_str().into();
                rows.push(row);
            }
        }
        read += page.len() as u64;
        progress.reached(read);
        match page.into_iter().nth(usize::try_from(PAGE.get() - 1)?) {
            Some(last) => after = Some(last.activity.key),
            None => return Ok(rows),
        }
    }
}

fn row(Point { start, end, counts }: &Point) -> Value {
    json!({
        "start": start.start().to_string(),
        "end": end.start().to_string(),
        "accepted": counts.accepted,
        "cost": counts.cost,
        "refused": counts.refused(),
        "refusals": counts.refusals,
    })
}

fn unknown_row(UnknownHour { hour, source, calls }: &UnknownHour) -> Value {
    json!({
        "start": hour.start().to_string(),
        "configId": source.config_id.as_ref().map(ConfigId::as_str),
        "prefix": source.prefix,
        "network": source.network.to_string(),
        "calls": calls,
    })
}

/// Prints rows in a form; `None` = as CSV.
fn show(answer: &Value, rows: &[Value], columns: &[&str], form: Option<Form>) -> CliResult {
    let in_one_cell = |row: &Value| {
        let mut row = row.clone();
        if let Some(refusals) = row["refusals"].as_object() {
            row["refusals"] = refusals.iter().map(output::pair).collect::<Vec<_>>().join(" ").into();
        }
        row
    };
    let rows: Vec<_> = rows.iter().map(in_one_cell).collect();
    match form {
        Some(form) => output::table(answer, &rows, columns, form),
        None => output::csv(&rows, columns),
    }
}

use std::fmt::Write as _;
use std::num::NonZeroU32;

use keymint_domain::metering::{Activity, KeySums, Step, Sum, UnknownHour, UsageSelection, Window};
use keymint_domain::policy::ConfigFilter;
use keymint_domain::{ConfigId, KeyId};
use keymint_ports::StoreError;

use super::{USAGE, read_activity, read_hour, read_unknown};
use crate::connection::fetch_all;
use crate::{Dialect, ReadConnection, Row, RowReader, Statement};

/// Sums up the usage of all selected keys by step and outcome.
///
/// # Errors
/// [`StoreError::Corrupt`], [`StoreError::Unavailable`]
pub async fn sum(
    connection: &mut dyn ReadConnection,
    selection: &UsageSelection,
    window: &Window,
) -> Result<Vec<Sum>, StoreError> {
    let mut statement = Statement::new("");
    let hour = step_of(&mut statement, window);
    let hours = within(&mut statement, window);
    statement.push(&format!(
        r#"select {hour} as "hour", "outcome", cast(sum("calls") as bigint) as "calls",
            cast(sum("cost") as bigint) as "cost"
        from "keymint_activity" as a join "keymint_usage" as u on u."keyId" = a."keyId" and {hours} where true"#
    ));
    select(&mut statement, selection, connection.dialect());
    // A code is ASCII, and an order by its place would take no rule of comparison.
    statement.push(&format!(r#" group by 1, 2 order by 1, "outcome"{}"#, connection.dialect().by_bytes()));
    fetch_all(connection, statement, |row| read_sum(&RowReader::new(row, USAGE, "outcome"))).await
}

/// Sums up the usage of each selected key, a page of them.
///
/// # Errors
/// [`StoreError::Corrupt`], [`StoreError::Unavailable`]
pub async fn sum_by_key(
    connection: &mut dyn ReadConnection,
    selection: &UsageSelection,
    window: &Window,
    after: Option<&KeyId>,
    limit: NonZeroU32,
) -> Result<Vec<KeySums>, StoreError> {
    let mut page = Statement::new(r#"select * from "keymint_activity" as a where true"#);
    select(&mut page, selection, connection.dialect());
    if let Some(after) = after {
        let after = page.placeholder(after.as_str());
        page.push(&format!(r#" and a."keyId" > {after}"#));
    }
    let limit = page.placeholder(i64::from(limit.get()));
    page.push(&format!(r#" order by a."keyId" limit {limit}"#));
    let (hour, hours) = (step_of(&mut page, window), within(&mut page, window));
    let statement = page.map_text(|page| {
        format!(
            r#"select a."keyId", a."ownerId", a."configId", a."lastUsedAt", a."lastNetwork", {hour} as "hour", "outcome",
                cast(sum("calls") as bigint) as "calls", cast(sum("cost") as bigint) as "cost"
            from ({page}) as a left join "keymint_usage" as u on u."keyId" = a."keyId" and {hours}
            group by 1, 2, 3, 4, 5, 6, 7 order by 1, 6, "outcome"{}"#,
            connection.dialect().by_bytes(),
        )
    });
    Ok(collected(fetch_all(connection, statement, read_sum_of_key).await?))
}

/// Sums up the usage of each of these keys. Keys without calls are left out.
///
/// # Errors
/// [`StoreError::Corrupt`], [`StoreError::Unavailable`]
pub async fn sum_of(
    connection: &mut dyn ReadConnection,
    keys: &[KeyId],
    window: &Window,
) -> Result<Vec<KeySums>, StoreError> {
    let mut statement = Statement::new("");
    let (hour, hours) = (step_of(&mut statement, window), within(&mut statement, window));
    let list = statement.placeholder(keys.iter().map(KeyId::as_str).collect::<Vec<_>>());
    let dialect = connection.dialect();
    statement.push(&format!(
        r#"select a."keyId", a."ownerId", a."configId", a."lastUsedAt", a."lastNetwork", {hour} as "hour", "outcome",
            cast(sum("calls") as bigint) as "calls", cast(sum("cost") as bigint) as "cost"
        from "keymint_activity" as a join "keymint_usage" as u on u."keyId" = a."keyId" and {hours}
        where a."keyId" {}
        group by 1, 2, 3, 4, 5, 6, 7 order by 1, 6, "outcome"{}"#,
        dialect.one_of(&list),
        dialect.by_bytes(),
    ));
    Ok(collected(fetch_all(connection, statement, read_sum_of_key).await?))
}

/// Collects rows, which are ordered by key, into keys.
fn collected(rows: Vec<(Activity, Option<Sum>)>) -> Vec<KeySums> {
    let mut keys: Vec<KeySums> = Vec::new();
    for (activity, sum) in rows {
        match keys.last_mut() {
            Some(last) if last.activity.key == activity.key => last.sums.extend(sum),
            _ => keys.push(KeySums { activity, sums: sum.into_iter().collect() }),
        }
    }
    keys
}

/// Sums up the attempts with unknown keys by step and source.
///
/// # Errors
/// [`StoreError::Corrupt`], [`StoreError::Unavailable`]
pub async fn sum_unknown(connection: &mut dyn ReadConnection, window: &Window) -> Result<Vec<UnknownHour>, StoreError> {
    let mut statement = Statement::new("");
    let hour = step_of(&mut statement, window);
    let hours = within(&mut statement, window);
    // The index begins with the span.
    statement.push(&format!(
        r#"select {hour} as "hour", "configId", "prefix", "network", cast(sum("calls") as bigint) as "calls"
        from "keymint_usage_unknown" as u where "hours" in (1, 24) and {hours} group by 1, 2, 3, 4 order by 1"#
    ));
    fetch_all(connection, statement, read_unknown).await
}

/// Returns an expression for the first hour of the step that a row counts for.
fn step_of(statement: &mut Statement<'_>, window: &Window) -> String {
    match window.step() {
        Step::Hour => r#"u."hour""#.to_owned(),
        Step::Day => r#"u."hour" - u."hour" % 24"#.to_owned(),
        // Months are no arithmetic.
        Step::Month => {
            let mut months = "case".to_owned();
            for start in window.starts() {
                let next = statement.placeholder(Step::Month.next(start).number());
                let start = statement.placeholder(start.number());
                let _ = write!(months, r#" when u."hour" < {next} then {start}"#);
            }
            months + " end"
        }
    }
}

fn within(statement: &mut Statement<'_>, window: &Window) -> String {
    let (from, to) = (statement.placeholder(window.from().number()), statement.placeholder(window.to().number()));
    format!(r#"u."hour" >= {from} and u."hour" < {to}"#)
}

/// Narrows a statement, which ends in its `where` clause, to the selected keys.
fn select<'s>(statement: &mut Statement<'s>, selection: &'s UsageSelection, dialect: &dyn Dialect) {
    let UsageSelection { key, owner, configurations } = selection;
    if let Some(key) = key {
        let key = statement.placeholder(key.as_str());
        statement.push(&format!(r#" and a."keyId" = {key}"#));
    }
    if let Some(owner) = owner {
        let owner = statement.placeholder(owner.as_str());
        statement.push(&format!(r#" and a."ownerId" = {owner}"#));
    }
    let (not, ids) = match configurations {
        ConfigFilter::Any => return,
        ConfigFilter::AnyOf(ids) => ("", ids),
        ConfigFilter::NoneOf(ids) => ("not ", ids),
    };
    let list = statement.placeholder(ids.iter().map(ConfigId::as_str).collect::<Vec<_>>());
    statement.push(&format!(r#" and {not}a."configId" {}"#, dialect.one_of(&list)));
}

fn read_sum(row: &RowReader<'_>) -> Result<Sum, StoreError> {
    Ok(Sum {
        start: read_hour(row)?,
        outcome: row.required_text("outcome")?.to_owned(),
        calls: row.required("calls", row.number("calls")?)?,
        cost: row.required("cost", row.number("cost")?)?,
    })
}

/// Reads a key, and one of its sums if there are any.
fn read_sum_of_key(row: &dyn Row) -> Result<(Activity, Option<Sum>), StoreError> {
    let sum = RowReader::new(row, USAGE, "outcome");
    let sum = match sum.text("outcome")? {
        Some(_) => Some(read_sum(&sum)?),
        None => None,
    };
    Ok((read_activity(row)?, sum))
}

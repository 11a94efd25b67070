use std::fmt::Write as _;

use keymint_domain::ConfigId;
use keymint_domain::metering::{KeyHour, LastUse, Span, StoredUsage, UnknownHour, UnknownSource, UsageFlush, UsedKey};
use keymint_ports::StoreError;

use super::count;
use crate::connection::end;
use crate::{Statement, WriteConnection};

/// Adds what a process has counted. Returns `false` if it was added before.
///
/// All rows of a kind are added in the order of the flush, so that processes never wait for each other in a circle.
///
/// # Errors
/// [`StoreError::Unavailable`]
pub async fn add(connection: &mut dyn WriteConnection, flush: &UsageFlush) -> Result<bool, StoreError> {
    connection.begin().await?;
    let outcome = add_once(connection, flush).await;
    end(connection, outcome).await
}

async fn add_once(connection: &mut dyn WriteConnection, flush: &UsageFlush) -> Result<bool, StoreError> {
    const MARK: &str = r#"insert into "keymint_usage_flush" ("process", "number", "at") values ($1, $2, $3)
        on conflict ("process") do update set "number" = excluded."number", "at" = excluded."at"
        where "keymint_usage_flush"."number" < excluded."number""#;
    let UsageFlush { process, number, at, keys, unknown } = flush;
    let mark = Statement::new(MARK).bind(&**process).bind(count(*number)).bind(*at);
    if connection.execute(mark).await? == 0 {
        return Ok(false);
    }
    let outcomes = keys.iter().flat_map(|entry| entry.outcomes().map(move |outcome| (entry, outcome)));
    let counts = outcomes.map(|(KeyHour { key, hour, .. }, (outcome, calls, cost))| Count {
        key: key.id.as_str(),
        hour: hour.number(),
        outcome,
        calls: count(calls),
        cost: count(cost),
    });
    add_counts(connection, Span::Hour, &counts.collect::<Vec<_>>()).await?;
    add_activities(connection, &activities(keys)).await?;
    add_unknown(connection, Span::Hour, unknown).await?;
    Ok(true)
}

/// A count of one key.
pub(super) struct Count<'a> {
    key: &'a str,
    hour: i64,
    outcome: &'a str,
    calls: i64,
    cost: i64,
}

impl<'a> From<&'a StoredUsage> for Count<'a> {
    fn from(StoredUsage { key, hour, outcome, calls, cost }: &'a StoredUsage) -> Self {
        Self { key: key.as_str(), hour: hour.number(), outcome, calls: count(*calls), cost: count(*cost) }
    }
}

/// Adds counts of keys to those that are there.
pub(super) async fn add_counts(
    connection: &mut dyn WriteConnection,
    span: Span,
    counts: &[Count<'_>],
) -> Result<(), StoreError> {
    const INSERT: Insert = Insert {
        head: r#"insert into "keymint_usage" ("keyId", "hour", "hours", "outcome", "calls", "cost")"#,
        columns: 6,
        tail: r#"on conflict ("keyId", "hour", "hours", "outcome") do update set
            "calls" = "keymint_usage"."calls" + excluded."calls", "cost" = "keymint_usage"."cost" + excluded."cost""#,
    };
    for rows in portions(counts) {
        let mut statement = INSERT.of_rows(rows.len());
        for Count { key, hour, outcome, calls, cost } in rows {
            let statement_of_key = statement.bind(*key).bind(*hour).bind(span.hours());
            statement = statement_of_key.bind(*outcome).bind(*calls).bind(*cost);
        }
        connection.execute(statement).await?;
    }
    Ok(())
}

/// A key, and its last use if there is one.
type Used<'a> = (&'a UsedKey, Option<LastUse>);

/// Returns each key once, with the later of its uses: Postgres refuses a row twice in one statement.
fn activities(keys: &[KeyHour]) -> Vec<Used<'_>> {
    let mut used: Vec<Used<'_>> = Vec::with_capacity(keys.len());
    for KeyHour { key, last_use, .. } in keys {
        match used.last_mut() {
            Some((known, last)) if known.id == key.id => {
                let at = |last_use: Option<LastUse>| last_use.map(|last_use| last_use.at);
                if at(*last) < at(*last_use) {
                    *last = *last_use;
                }
            }
            _ => used.push((key, *last_use)),
        }
    }
    used
}

async fn add_activities(connection: &mut dyn WriteConnection, used: &[Used<'_>]) -> Result<(), StoreError> {
    const INSERT: Insert = Insert {
        head: r#"insert into "keymint_activity" ("keyId", "ownerId", "configId", "lastUsedAt", "lastNetwork")"#,
        columns: 5,
        tail: r#"on conflict ("keyId") do update set
            "lastUsedAt" = excluded."lastUsedAt", "lastNetwork" = excluded."lastNetwork"
            where excluded."lastUsedAt" is not null
                and ("keymint_activity"."lastUsedAt" is null or "keymint_activity"."lastUsedAt" < excluded."lastUsedAt")"#,
    };
    for rows in portions(used) {
        let mut statement = INSERT.of_rows(rows.len());
        for (key, last_use) in rows {
            let network = last_use.and_then(|last_use| last_use.network).map(|network| network.to_string());
            let statement_of_key =
                statement.bind(key.id.as_str()).bind(key.owner.as_str()).bind(key.config_id.as_str());
            statement = statement_of_key.bind(last_use.map(|last_use| last_use.at)).bind(network);
        }
        connection.execute(statement).await?;
    }
    Ok(())
}

/// Adds attempts with unknown keys to those that are there.
pub(super) async fn add_unknown(
    connection: &mut dyn WriteConnection,
    span: Span,
    unknown: &[UnknownHour],
) -> Result<(), StoreError> {
    const INSERT: Insert = Insert {
        head: r#"insert into "keymint_usage_unknown" ("hours", "hour", "configId", "prefix", "network", "calls")"#,
        columns: 6,
        tail: r#"on conflict ("hours", "hour", "configId", "prefix", "network") do update set
            "calls" = "keymint_usage_unknown"."calls" + excluded."calls""#,
    };
    for rows in portions(unknown) {
        let mut statement = INSERT.of_rows(rows.len());
        for UnknownHour { hour, source: UnknownSource { config_id, prefix, network }, calls } in rows {
            let config_id = config_id.as_ref().map_or("", ConfigId::as_str);
            let statement_of_hour = statement.bind(span.hours()).bind(hour.number()).bind(config_id);
            let prefix = prefix.as_deref().unwrap_or_default();
            statement = statement_of_hour.bind(prefix).bind(network.to_string()).bind(count(*calls));
        }
        connection.execute(statement).await?;
    }
    Ok(())
}

/// A statement that adds any number of rows.
struct Insert {
    head: &'static str,
    columns: usize,
    tail: &'static str,
}

impl Insert {
    /// Returns the statement for this number of rows, without their values.
    fn of_rows(&self, rows: usize) -> Statement<'static> {
        let mut text = format!("{} values ", self.head);
        for row in 0..rows {
            text.push_str(if row == 0 { "(" } else { ", (" });
            for column in 1..=self.columns {
                let separator = if column == 1 { "" } else { ", " };
                let _ = write!(text, "{separator}${}", row * self.columns + column);
            }
            text.push(')');
        }
        text.push(' ');
        text.push_str(self.tail);
        Statement::new(text)
    }
}

/// Cuts rows into portions of powers of two, so that a handful of statements serves any number of rows: a connection
/// keeps them prepared.
fn portions<T>(mut rows: &[T]) -> impl Iterator<Item = &[T]> {
    const MAX: usize = 64;
    std::iter::from_fn(move || {
        let size = MAX.min(1 << rows.len().checked_ilog2()?);
        let (portion, rest) = rows.split_at(size);
        rows = rest;
        Some(portion)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn portions_are_powers_of_two_and_have_every_row_once_in_order() {
        for length in 0..300_usize {
            let rows: Vec<_> = (0..length).collect();
            let cut: Vec<_> = portions(&rows).collect();
            assert!(cut.iter().all(|portion| portion.len().is_power_of_two() && portion.len() <= 64));
            assert_eq!(cut.concat(), rows);
        }
    }
}

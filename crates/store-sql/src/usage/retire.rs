use std::collections::BTreeSet;
use std::num::NonZeroU32;

use keymint_domain::KeyId;
use keymint_domain::metering::{Hour, Span, StoredUsage, UnknownHour, roll_up as roll_up_hours};
use keymint_ports::StoreError;

use super::add::{Count, add_counts, add_unknown};
use super::{ACTIVITY, UNKNOWN, USAGE, read_hour, read_unknown};
use crate::connection::{end, fetch_all};
use crate::{Row, RowReader, Statement, WriteConnection};

/// The lock of the process that rolls up or removes: two would do the same work, and wait for each other.
const LOCK: &str = "keymint usage";

/// Rolls up hours to days, a portion of them. Returns the number of counts that were rolled up.
///
/// # Errors
/// [`StoreError::Corrupt`], [`StoreError::Unavailable`]
pub async fn roll_up(connection: &mut dyn WriteConnection, before: Hour, limit: NonZeroU32) -> Result<u32, StoreError> {
    connection.begin().await?;
    let outcome = roll_up_portion(connection, before.day(), limit).await;
    end(connection, outcome).await
}

async fn roll_up_portion(
    connection: &mut dyn WriteConnection,
    before: Hour,
    limit: NonZeroU32,
) -> Result<u32, StoreError> {
    connection.lock(LOCK).await?;
    let (keys, unknown) = take(connection, Span::Hour, before, limit).await?;
    let number = keys.len() + unknown.len();
    let (days, unknown_days) = roll_up_hours(keys, unknown);
    add_counts(connection, Span::Day, &days.iter().map(Count::from).collect::<Vec<_>>()).await?;
    add_unknown(connection, Span::Day, &unknown_days).await?;
    Ok(u32::try_from(number).unwrap_or(u32::MAX))
}

/// Removes days, a portion of them, and what is known about keys that have no other counts. Returns the number of
/// counts that were removed.
///
/// # Errors
/// [`StoreError::Corrupt`], [`StoreError::Unavailable`]
pub async fn remove(connection: &mut dyn WriteConnection, before: Hour, limit: NonZeroU32) -> Result<u32, StoreError> {
    connection.begin().await?;
    let outcome = remove_portion(connection, before.day(), limit).await;
    end(connection, outcome).await
}

async fn remove_portion(
    connection: &mut dyn WriteConnection,
    before: Hour,
    limit: NonZeroU32,
) -> Result<u32, StoreError> {
    const REMOVE_MARKS: &str = r#"delete from "keymint_usage_flush" where "at" < $1"#;
    connection.lock(LOCK).await?;
    let (keys, unknown) = take(connection, Span::Day, before, limit).await?;
    let number = keys.len() + unknown.len();
    let keys: BTreeSet<_> = keys.iter().map(|count| count.key.as_str()).collect();
    forget_removed(connection, keys).await?;
    connection.execute(Statement::new(REMOVE_MARKS).bind(before.start())).await?;
    Ok(u32::try_from(number).unwrap_or(u32::MAX))
}

/// Forgets what is known about those of these keys that have neither counts nor a row any more. Keys may be on another node
/// than their uses, so that no statement joins them.
async fn forget_removed(connection: &mut dyn WriteConnection, keys: BTreeSet<&str>) -> Result<(), StoreError> {
    if keys.is_empty() {
        return Ok(());
    }
    let dialect = connection.dialect();
    let find = format!(r#"select "id" from "apikey" where "id" {}"#, dialect.one_of("$1"));
    let find = Statement::new(find).bind(keys.iter().copied().collect::<Vec<_>>());
    let kept = fetch_all(connection, find, |row| Ok(RowReader::new(row, "apikey", "id").id().ok())).await?;
    let kept: BTreeSet<&str> = kept.iter().flatten().map(KeyId::as_str).collect();
    let removed: Vec<&str> = keys.difference(&kept).copied().collect();
    let condition = format!(
        r#"where "keyId" {} and not exists (select 1 from "keymint_usage" as u where u."keyId" = {ACTIVITY}."keyId")"#,
        dialect.one_of("$1"),
    );
    let unlocked = dialect.rows_unlocked(ACTIVITY, r#""keyId""#, &condition);
    connection.execute(Statement::new(format!("delete from {ACTIVITY} where {unlocked}")).bind(removed)).await?;
    Ok(())
}

/// Takes out the oldest counts of this span before an hour, `limit` of keys and as many of unknown keys. Rows that a
/// flush is adding to are left for the next portion.
async fn take(
    connection: &mut dyn WriteConnection,
    span: Span,
    before: Hour,
    limit: NonZeroU32,
) -> Result<(Vec<StoredUsage>, Vec<UnknownHour>), StoreError> {
    const OLDEST: &str = r#"where "hours" = $1 and "hour" < $2 order by "hour" limit $3"#;
    let dialect = connection.dialect();
    let take = |table: &str, key: &str, returned: &str| {
        let rows = dialect.rows_unlocked(table, key, OLDEST);
        let take = Statement::new(format!("delete from {table} where {rows} returning {returned}"));
        take.bind(span.hours()).bind(before.number()).bind(i64::from(limit.get()))
    };
    let of_keys = r#""keyId", "hour", "outcome", "calls", "cost""#;
    let of_keys = take(USAGE, r#""keyId", "hour", "hours", "outcome""#, of_keys);
    let of_unknown = r#""hour", "configId", "prefix", "network", "calls""#;
    let of_unknown = take(UNKNOWN, r#""hours", "hour", "configId", "prefix", "network""#, of_unknown);
    let keys = fetch_all(connection, of_keys, read_count).await?;
    Ok((keys, fetch_all(connection, of_unknown, read_unknown).await?))
}

fn read_count(row: &dyn Row) -> Result<StoredUsage, StoreError> {
    let row = RowReader::new(row, USAGE, "keyId");
    Ok(StoredUsage {
        key: row.id()?,
        hour: read_hour(&row)?,
        outcome: row.required_text("outcome")?.to_owned(),
        calls: row.required("calls", row.number("calls")?)?,
        cost: row.required("cost", row.number("cost")?)?,
    })
}

use std::ops::ControlFlow;

use keymint_domain::event::{EventKind, Origin, RemovedKey};
use keymint_domain::key::StoredKey;
use keymint_domain::notice::Expiry;
use keymint_domain::policy::{ConfigFilter, Policy};
use keymint_domain::{ConfigId, KeyId, OwnerId, Timestamp};
use keymint_ports::{Removed, StoreError};

use super::moving::forgetting_second_secrets;
use super::narrow;
use super::place::{RowName, push_rows, read_rows, text_in};
use crate::columns::COLUMN_LIST;
use crate::connection::{end_removal, fetch_all};
use crate::{Dialect, Row, RowReader, Statement, StatementError, WriteConnection, events, read_key};

/// Removes a key. Returns `false` if there is none.
///
/// # Errors
/// [`StoreError::Referenced`], [`StoreError::Unavailable`]
pub async fn remove(connection: &mut dyn WriteConnection, id: &KeyId, origin: &Origin) -> Result<bool, StoreError> {
    connection.begin().await?;
    let outcome = remove_named(connection, id, origin).await;
    end_removal(connection, outcome).await
}

/// Removes a key in a transaction. Returns `false` if there is none.
pub(super) async fn remove_named(
    connection: &mut dyn WriteConnection,
    id: &KeyId,
    origin: &Origin,
) -> Result<bool, StoreError> {
    let Some(name) = RowName::find(connection, id).await? else { return Ok(false) };
    let mut remove = Statement::new(r#"delete from "apikey""#);
    name.push_to(&mut remove);
    remove.push(RETURNING);
    Ok(remove_in_transaction(connection, remove, origin).await?.removed == 1)
}

/// Ends a removal, so that it returns what is known of the removed keys.
pub(super) const RETURNING: &str = r#" returning "key", "keymint_second_key", "id", "referenceId", "configId", "name", "expiresAt",
    "enabled", "keymint_revoked_at", "keymint_revoked_by""#;

/// The column of the last instant of a key.
const EXPIRES_AT: &str = r#""expiresAt""#;

/// Removes a portion of the keys that expired before `before`.
///
/// # Errors
/// [`StoreError::Unavailable`]
pub async fn remove_expired(
    connection: &mut dyn WriteConnection,
    configurations: &ConfigFilter,
    before: Timestamp,
    skip: u32,
    limit: u32,
    origin: &Origin,
) -> Result<Removed, StoreError> {
    let dialect = connection.dialect();
    if dialect.is_sharded() {
        return remove_expired_by_shard(connection, configurations, before, skip, limit, origin).await;
    }
    let expired = || expired(dialect, configurations, before, skip, limit);
    match execute_removal(connection, expired().map_text(|select| removal(dialect, select)), origin).await {
        Err(StoreError::Referenced) => {}
        outcome => return outcome,
    }
    // Another row refers to one of them, and nothing says to which.
    let ids = fetch_all(connection, expired(), read_id).await?;
    let one = format!(r#"select "id" from "apikey" where "id" = $1 and {}"#, dialect.is_due(EXPIRES_AT, "$2"));
    let mut removed = Removed::default();
    for id in ids.iter().flatten() {
        let remove = Statement::new(removal(dialect, &one)).bind(id.as_str()).bind(before);
        removed.add(id, execute_removal(connection, remove, origin).await)?;
    }
    Ok(removed)
}

/// Removes the same portion, the keys of one shard after the other, each in a transaction. No other table may refer to keys
/// in shards.
async fn remove_expired_by_shard(
    connection: &mut dyn WriteConnection,
    configurations: &ConfigFilter,
    before: Timestamp,
    skip: u32,
    limit: u32,
    origin: &Origin,
) -> Result<Removed, StoreError> {
    let dialect = connection.dialect();
    let expired = expired(dialect, configurations, before, skip, limit);
    let expired = expired.map_text(|select| select.replacen(r#"select "id""#, r#"select "key""#, 1));
    let texts = fetch_all(connection, expired, |row| Ok(text_in(row, "key"))).await?;
    let mut removed = Removed::default();
    for texts in connection.divide(texts.iter().flatten().map(String::as_str).collect()) {
        connection.begin().await?;
        let outcome = remove_expired_of(connection, texts, before, origin).await;
        let Removed { removed: more, kept: _, expiries_told } = end_removal(connection, outcome).await?;
        removed.removed += more;
        removed.expiries_told += expiries_told;
    }
    Ok(removed)
}

/// Removes those of the keys of one shard that have expired. Rows that somebody else has locked are left out.
async fn remove_expired_of(
    connection: &mut dyn WriteConnection,
    texts: Vec<&str>,
    before: Timestamp,
    origin: &Origin,
) -> Result<Removed, StoreError> {
    let dialect = connection.dialect();
    let (one_of, is_due) = (dialect.one_of("$1"), dialect.is_due(EXPIRES_AT, "$2"));
    let lock =
        format!(r#"select "key" from "apikey" where "key" {one_of} and {is_due}{} skip locked"#, dialect.for_update());
    let lock = Statement::new(lock).bind(texts).bind(before);
    let texts = fetch_all(connection, lock, |row| Ok(text_in(row, "key"))).await?;
    let texts: Vec<&str> = texts.iter().flatten().map(String::as_str).collect();
    if texts.is_empty() {
        return Ok(Removed::default());
    }
    let remove = Statement::new(format!(r#"delete from "apikey" where "key" {one_of} and {is_due}{RETURNING}"#));
    remove_in_transaction(connection, remove.bind(texts).bind(before), origin).await
}

/// Returns a statement that selects the ids of expired keys, the longest expired first.
fn expired<'f>(
    dialect: &dyn Dialect,
    configurations: &'f ConfigFilter,
    before: Timestamp,
    skip: u32,
    limit: u32,
) -> Statement<'f> {
    let is_due = dialect.is_due(EXPIRES_AT, "$1");
    let mut statement = Statement::new(format!(r#"select "id" from "apikey" where {is_due}"#)).bind(before);
    narrow(&mut statement, configurations, dialect);
    let (limit, skip) = (statement.placeholder(i64::from(limit)), statement.placeholder(i64::from(skip)));
    let by_bytes = dialect.by_bytes();
    statement.push(&format!(r#" order by "expiresAt", "id"{by_bytes} limit {limit} offset {skip}"#));
    statement
}

/// Returns a statement that removes the keys whose ids `select` finds.
fn removal(dialect: &dyn Dialect, select: &str) -> String {
    format!(r#"delete from "apikey" where "id" {}{RETURNING}"#, dialect.one_of_unlocked(select))
}

/// Reads the id of a row. One that cannot be read is named by nothing, and its row stays.
#[expect(clippy::unnecessary_wraps, reason = "rows are read by functions that may fail")]
fn read_id(row: &dyn Row) -> Result<Option<KeyId>, StoreError> {
    Ok(RowReader::new(row, "apikey", "id").id().ok())
}

/// Removes those of these keys that the policy allows to remove: at once, or one by one if another row refers to one of
/// them.
///
/// # Errors
/// [`StoreError::Unavailable`]
pub async fn remove_exhausted(
    connection: &mut dyn WriteConnection,
    ids: &[KeyId],
    policy: &Policy,
    now: Timestamp,
    origin: &Origin,
) -> Result<Removed, StoreError> {
    match remove_at_once(connection, ids, policy, now, origin).await {
        Err(StoreError::Referenced) => {}
        outcome => return outcome,
    }
    let mut removed = Removed::default();
    for id in ids {
        removed.add(id, remove_at_once(connection, std::slice::from_ref(id), policy, now, origin).await)?;
    }
    Ok(removed)
}

async fn remove_at_once(
    connection: &mut dyn WriteConnection,
    ids: &[KeyId],
    policy: &Policy,
    now: Timestamp,
    origin: &Origin,
) -> Result<Removed, StoreError> {
    connection.begin().await?;
    let outcome = find_and_remove(connection, ids, policy, now, origin).await;
    end_removal(connection, outcome).await
}

async fn find_and_remove(
    connection: &mut dyn WriteConnection,
    ids: &[KeyId],
    policy: &Policy,
    now: Timestamp,
    origin: &Origin,
) -> Result<Removed, StoreError> {
    let dialect = connection.dialect();
    // A row that cannot be read stays, and keeps none of the others from being removed.
    let keys = read_rows(connection, ids, COLUMN_LIST, dialect.for_update(), |row| Ok(read_key(row).ok())).await?;
    let exhausted = keys.iter().flatten().filter(|key| policy.may_remove_exhausted(key, now));
    let exhausted: Vec<_> = exhausted.map(|key| (key.details.id.as_str(), key.details.stored.as_str())).collect();
    if exhausted.is_empty() {
        return Ok(Removed::default());
    }
    let mut remove = Statement::new(r#"delete from "apikey""#);
    push_rows(&mut remove, exhausted, dialect);
    remove.push(RETURNING);
    remove_in_transaction(connection, remove, origin).await
}

/// Removes keys in a transaction of its own.
async fn execute_removal(
    connection: &mut dyn WriteConnection,
    remove: Statement<'_>,
    origin: &Origin,
) -> Result<Removed, StoreError> {
    connection.begin().await?;
    let outcome = remove_in_transaction(connection, remove, origin).await;
    end_removal(connection, outcome).await
}

/// Runs a statement that ends in [`RETURNING`], and adds the events of the removed keys.
pub(super) async fn remove_in_transaction(
    connection: &mut dyn WriteConnection,
    remove: Statement<'_>,
    origin: &Origin,
) -> Result<Removed, StoreError> {
    let (mut removed, mut secrets, mut seconds, mut keys) = (0_u32, Vec::new(), Vec::new(), Vec::new());
    let mut take = |row: &dyn Row| {
        removed = removed.saturating_add(1);
        secrets.extend(text_in(row, "key").map(StoredKey::from_stored));
        seconds.extend(text_in(row, "keymint_second_key").map(StoredKey::from_stored));
        keys.extend(read_removed(row).map(|key| (key, read_expiry(row))));
        ControlFlow::Continue(())
    };
    connection.fetch(remove, &mut take).await.map_err(StatementError::of_removal)?;
    for stored in secrets.iter().chain(&seconds) {
        connection.forget(stored);
    }
    if !seconds.is_empty() && connection.dialect().is_sharded() {
        let seconds = seconds.iter().map(StoredKey::as_str).collect();
        connection.execute(forgetting_second_secrets(seconds, connection.dialect())).await?;
    }
    let events = keys.into_iter().flat_map(|(key, expiry)| origin.key_removed(key, expiry));
    let (notices, removals): (Vec<_>, Vec<_>) = events.partition(|event| event.kind == EventKind::KeyExpired);
    let told = events::insert(connection, notices).await?;
    events::insert(connection, removals).await?;
    Ok(Removed { removed, kept: Vec::new(), expiries_told: u32::try_from(told).unwrap_or(u32::MAX) })
}

/// Reads what an event needs to know of a row that may not be readable otherwise. `None` = not even its id can be read.
pub(super) fn read_removed(row: &dyn Row) -> Option<RemovedKey> {
    let row = RowReader::new(row, "apikey", "id");
    Some(RemovedKey {
        id: row.id().ok()?,
        owner: row.parsed("referenceId", OwnerId::from_stored).ok(),
        config_id: row.text("configId").ok().map(ConfigId::from_optional),
        name: row.text("name").ok().flatten().map(str::to_owned),
    })
}

/// Reads what decides about the notice of a row's expiry. `None` = it cannot be read.
fn read_expiry(row: &dyn Row) -> Option<Expiry> {
    let row = RowReader::new(row, "apikey", "id");
    let is_revoked =
        row.instant("keymint_revoked_at").ok()?.is_some() || row.text("keymint_revoked_by").ok()?.is_some();
    Some(Expiry {
        expires_at: row.end("expiresAt").ok()?,
        enabled: row.flag("enabled").ok()?.unwrap_or(true),
        is_revoked,
    })
}

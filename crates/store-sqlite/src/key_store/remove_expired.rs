use keymint_domain::key::StoredKey;
use keymint_domain::policy::ConfigFilter;
use keymint_domain::{ConfigId, KeyId, Timestamp};
use keymint_ports::{Removed, StoreError};
use rusqlite::{Connection, ToSql, params};
use serde_json::json;

use crate::error::is_constraint;
use crate::key_store::spend::Memory;
use crate::writer::BatchConnection;

/// The keys that have expired, after some of them and up to some more.
macro_rules! expired {
    () => {
        concat!(
            // The first condition is the index's.
            r#"select "id" from "apikey" where "expiresAt" < ?1 and "#,
            expires_before!("?1"),
            " and (?2 is null or ",
            config_id!(),
            r#" in (select "value" from json_each(?2))) and "#,
            config_id!(),
            r#" not in (select "value" from json_each(?3)) order by "expiresAt", "id" limit ?5 offset ?4"#,
        )
    };
}

/// Removes them by the connection for batches, which then forgets these rows alone: after the commit of another connection it
/// would have to forget all.
pub(super) fn remove_expired(
    BatchConnection { connection, memory, .. }: &mut BatchConnection,
    configurations: &ConfigFilter,
    before: Timestamp,
    skip: u32,
    limit: u32,
) -> Result<Removed, StoreError> {
    const DELETE: &str = concat!(r#"delete from "apikey" where "id" in ("#, expired!(), r#") returning "key""#);
    const DELETE_ONE: &str =
        concat!(r#"delete from "apikey" where "id" = ?1 and "#, expires_before!("?2"), r#" returning "key""#);
    let (any_of, none_of) = match configurations {
        ConfigFilter::Any => (None, json_list(&[])),
        ConfigFilter::AnyOf(any_of) => (Some(json_list(any_of)), json_list(&[])),
        ConfigFilter::NoneOf(none_of) => (None, json_list(none_of)),
    };
    let before = before.to_string();
    let portion = params![before, any_of, none_of, skip, limit];
    match delete(connection, memory, DELETE, portion) {
        Err(StoreError::Referenced) => {}
        outcome => return outcome.map(Removed::all),
    }
    // Another row refers to one of them, and nothing says to which.
    let mut find = connection.prepare_cached(expired!()).map_err(StoreError::unavailable)?;
    let ids = find.query_map(portion, |row| Ok(row.get_ref(0)?.as_str().ok().and_then(|id| KeyId::parse(id).ok())));
    let ids: Result<Vec<Option<KeyId>>, _> = ids.and_then(Iterator::collect);
    let mut removed = Removed::default();
    // A row whose id cannot be read is named by nothing, and stays.
    for id in ids.map_err(StoreError::unavailable)?.iter().flatten() {
        removed.add(id, delete(connection, memory, DELETE_ONE, params![id.as_str(), before]))?;
    }
    Ok(removed)
}

/// Removes what a statement says, in a transaction of its own, and forgets it.
fn delete(
    connection: &Connection,
    memory: &mut Memory,
    statement: &str,
    values: &[&dyn ToSql],
) -> Result<u32, StoreError> {
    let mut delete = connection.prepare_cached(statement).map_err(StoreError::unavailable)?;
    let removed = delete.query_map(values, |row| Ok(row.get_ref(0)?.as_str().ok().map(StoredKey::from_stored)));
    // The statement has removed all before it tells of the first, and commits after the last.
    let removed: Result<Vec<Option<StoredKey>>, _> = removed.and_then(Iterator::collect);
    let removed = removed.map_err(|error| match error.sqlite_error() {
        Some(refusal) if is_constraint(refusal.extended_code) => StoreError::Referenced,
        _ => StoreError::unavailable(error),
    })?;
    removed.iter().flatten().for_each(|stored| memory.forget(stored));
    Ok(u32::try_from(removed.len()).unwrap_or(u32::MAX))
}

fn json_list(ids: &[ConfigId]) -> String {
    json!(ids.iter().map(ConfigId::as_str).collect::<Vec<_>>()).to_string()
}

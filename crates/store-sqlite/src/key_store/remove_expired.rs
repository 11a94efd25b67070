use keymint_domain::key::StoredKey;
use keymint_domain::policy::ConfigFilter;
use keymint_domain::{ConfigId, Timestamp};
use keymint_ports::StoreError;
use rusqlite::params;
use serde_json::json;

use crate::writer::BatchConnection;

/// Removes them by the connection for batches, which then forgets these rows alone: after the commit of another connection it
/// would have to forget all.
pub(super) fn remove_expired(
    BatchConnection { connection, memory, .. }: &mut BatchConnection,
    configurations: &ConfigFilter,
    before: Timestamp,
    limit: u32,
) -> Result<u32, StoreError> {
    const DELETE: &str = concat!(
        r#"delete from "apikey" where "id" in (select "id" from "apikey""#,
        // The first condition is the index's.
        r#" where "expiresAt" < ?1 and "#,
        expires_before!("?1"),
        " and (?2 is null or ",
        config_id!(),
        r#" in (select "value" from json_each(?2))) and "#,
        config_id!(),
        r#" not in (select "value" from json_each(?3)) order by "expiresAt", "id" limit ?4) returning "key""#,
    );
    let (any_of, none_of) = match configurations {
        ConfigFilter::Any => (None, json_list(&[])),
        ConfigFilter::AnyOf(any_of) => (Some(json_list(any_of)), json_list(&[])),
        ConfigFilter::NoneOf(none_of) => (None, json_list(none_of)),
    };
    let mut delete = connection.prepare_cached(DELETE).map_err(StoreError::unavailable)?;
    let removed = delete.query_map(params![before.to_string(), any_of, none_of, limit], |row| {
        Ok(row.get_ref(0)?.as_str().ok().map(StoredKey::from_stored))
    });
    // The statement has removed all before it tells of the first, and commits after the last.
    let removed: Result<Vec<Option<StoredKey>>, _> = removed.and_then(Iterator::collect);
    let removed = removed.map_err(StoreError::unavailable)?;
    removed.iter().flatten().for_each(|stored| memory.forget(stored));
    Ok(u32::try_from(removed.len()).unwrap_or(u32::MAX))
}

fn json_list(ids: &[ConfigId]) -> String {
    json!(ids.iter().map(ConfigId::as_str).collect::<Vec<_>>()).to_string()
}

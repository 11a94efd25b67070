use keymint_domain::policy::Policy;
use keymint_domain::{ApiKey, KeyId, Timestamp};
use keymint_ports::{Removed, StoreError};
use serde_json::json;
use sqlx::sqlite::{SqliteConnection, SqliteQueryResult};
use sqlx::{Connection as _, query};

use super::BEGIN;
use crate::error::{removal_error, store_error};
use crate::row::read_key;

pub(super) async fn remove(connection: &mut SqliteConnection, id: &KeyId) -> Result<bool, StoreError> {
    let removed = query(r#"delete from "apikey" where "id" = ?1"#).bind(id.as_str()).execute(connection).await;
    Ok(removed.map_err(removal_error)?.rows_affected() == 1)
}

/// Removes them at once, or one by one where another row refers to one of them.
pub(super) async fn remove_exhausted(
    connection: &mut SqliteConnection,
    ids: &[KeyId],
    policy: &Policy,
    now: Timestamp,
) -> Result<Removed, StoreError> {
    match remove_at_once(connection, ids, policy, now).await {
        Err(StoreError::Referenced) => {}
        outcome => return outcome.map(Removed::all),
    }
    let mut removed = Removed::default();
    for id in ids {
        removed.add(id, remove_at_once(connection, std::slice::from_ref(id), policy, now).await)?;
    }
    Ok(removed)
}

async fn remove_at_once(
    connection: &mut SqliteConnection,
    ids: &[KeyId],
    policy: &Policy,
    now: Timestamp,
) -> Result<u32, StoreError> {
    const FIND: &str = concat!(
        "select ",
        columns!("k."),
        r#" from "apikey" as k where k."id" in (select "value" from json_each(?1))"#,
    );
    const DELETE: &str = r#"delete from "apikey" where "id" in (select "value" from json_each(?1))"#;
    let asked: Vec<_> = ids.iter().map(KeyId::as_str).collect();
    let mut transaction = connection.begin_with(BEGIN).await.map_err(store_error)?;
    let rows = query(FIND).bind(json!(asked).to_string()).fetch_all(&mut *transaction).await.map_err(store_error)?;
    // A row that cannot be read stays, and keeps none of the others from being removed.
    let keys: Vec<ApiKey> = rows.iter().filter_map(|row| read_key(row).ok()).collect();
    let exhausted = keys.iter().filter(|key| policy.may_remove_exhausted(key, now));
    let exhausted: Vec<_> = exhausted.map(|key| key.details.id.as_str()).collect();
    if exhausted.is_empty() {
        transaction.rollback().await.map_err(store_error)?;
        return Ok(0);
    }
    let removed = query(DELETE).bind(json!(exhausted).to_string()).execute(&mut *transaction).await;
    let removed = removed.map(count).map_err(removal_error)?;
    transaction.commit().await.map_err(removal_error)?;
    Ok(removed)
}

#[expect(clippy::needless_pass_by_value, reason = "it is what a statement returns")]
fn count(result: SqliteQueryResult) -> u32 {
    u32::try_from(result.rows_affected()).unwrap_or(u32::MAX)
}

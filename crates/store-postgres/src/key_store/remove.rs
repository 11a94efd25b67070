use keymint_domain::policy::{ConfigFilter, Policy};
use keymint_domain::{ApiKey, ConfigId, KeyId, Timestamp};
use keymint_ports::StoreError;
use sqlx::postgres::{PgConnection, PgQueryResult};
use sqlx::{Connection as _, query};

use super::BEGIN;
use crate::error::store_error;
use crate::instant::Instant;
use crate::row::read_key;

pub(super) async fn remove(connection: &mut PgConnection, id: &KeyId) -> Result<bool, StoreError> {
    let removed = query(r#"delete from "apikey" where "id" = $1"#).bind(id.as_str()).execute(connection).await;
    Ok(removed.map_err(store_error)?.rows_affected() == 1)
}

pub(super) async fn remove_expired(
    connection: &mut PgConnection,
    configurations: &ConfigFilter,
    before: Timestamp,
    limit: u32,
) -> Result<u32, StoreError> {
    // The array keeps the inner statement from running more than once. A row that somebody is at work on is left for
    // the next time.
    const DELETE: &str = concat!(
        r#"delete from "apikey" where "id" = any(array(select "id" from "apikey" where "expiresAt" < $1"#,
        " and ($2::text[] is null or ",
        config_id!(),
        " = any($2)) and ",
        config_id!(),
        r#" <> all($3) order by "expiresAt", "id" collate "C" limit $4 for update skip locked))"#,
    );
    let (any_of, none_of) = match configurations {
        ConfigFilter::Any => (None, Vec::new()),
        ConfigFilter::AnyOf(any_of) => (Some(texts(any_of)), Vec::new()),
        ConfigFilter::NoneOf(none_of) => (None, texts(none_of)),
    };
    let delete = query(DELETE).bind(Instant(before)).bind(any_of).bind(none_of).bind(i64::from(limit));
    delete.execute(connection).await.map(count).map_err(store_error)
}

fn texts(ids: &[ConfigId]) -> Vec<&str> {
    ids.iter().map(ConfigId::as_str).collect()
}

pub(super) async fn remove_exhausted(
    connection: &mut PgConnection,
    ids: &[KeyId],
    policy: &Policy,
    now: Timestamp,
) -> Result<u32, StoreError> {
    const FIND_AND_LOCK: &str = concat!(
        "select ",
        columns!("k."),
        r#" from "apikey" as k where k."id" = any($1) order by k."id" collate "C" for update"#,
    );
    const DELETE: &str = r#"delete from "apikey" where "id" = any($1)"#;
    let asked: Vec<_> = ids.iter().map(KeyId::as_str).collect();
    let mut transaction = connection.begin_with(BEGIN).await.map_err(store_error)?;
    let rows = query(FIND_AND_LOCK).bind(asked).fetch_all(&mut *transaction).await.map_err(store_error)?;
    // A row that cannot be read stays, and keeps none of the others from being removed.
    let keys: Vec<ApiKey> = rows.iter().filter_map(|row| read_key(row).ok()).collect();
    let exhausted = keys.iter().filter(|key| policy.may_bury_exhausted(key, now));
    let exhausted: Vec<_> = exhausted.map(|key| key.details.id.as_str()).collect();
    if exhausted.is_empty() {
        transaction.rollback().await.map_err(store_error)?;
        return Ok(0);
    }
    let removed = query(DELETE).bind(exhausted).execute(&mut *transaction).await.map(count).map_err(store_error)?;
    transaction.commit().await.map_err(store_error)?;
    Ok(removed)
}

#[expect(clippy::needless_pass_by_value, reason = "it is what a statement returns")]
fn count(result: PgQueryResult) -> u32 {
    u32::try_from(result.rows_affected()).unwrap_or(u32::MAX)
}

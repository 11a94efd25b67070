use keymint_domain::policy::{ConfigFilter, Policy};
use keymint_domain::{ApiKey, ConfigId, KeyId, Timestamp};
use keymint_ports::{Removed, StoreError};
use sqlx::postgres::{PgConnection, PgQueryResult};
use sqlx::{Connection as _, query};

use super::BEGIN;
use crate::error::{removal_error, store_error};
use crate::instant::Instant;
use crate::row::{Reader, read_key};

pub(super) async fn remove(connection: &mut PgConnection, id: &KeyId) -> Result<bool, StoreError> {
    let removed = query(r#"delete from "apikey" where "id" = $1"#).bind(id.as_str()).execute(connection).await;
    Ok(removed.map_err(removal_error)?.rows_affected() == 1)
}

pub(super) async fn remove_expired(
    connection: &mut PgConnection,
    configurations: &ConfigFilter,
    before: Timestamp,
    skip: u32,
    limit: u32,
) -> Result<Removed, StoreError> {
    macro_rules! expired {
        () => {
            concat!(
                r#"select "id" from "apikey" where "expiresAt" < least($1, now()) and ($2::text[] is null or "#,
                config_id!(),
                " = any($2)) and ",
                config_id!(),
                r#" <> all($3) order by "expiresAt", "id" collate "C" offset $4 limit $5"#,
            )
        };
    }
    // The array keeps the inner statement from running more than once. A row that somebody is at work on is left for
    // the next time. The server's own clock must agree, for what is removed is gone.
    const DELETE: &str =
        concat!(r#"delete from "apikey" where "id" = any(array("#, expired!(), " for update skip locked))");
    const FIND: &str = expired!();
    const DELETE_ONE: &str = concat!(
        r#"delete from "apikey" where "id" = any(array(select "id" from "apikey" where "id" = $1 and "expiresAt" < least($2, now())"#,
        " for update skip locked))"
    );
    let (any_of, none_of) = match configurations {
        ConfigFilter::Any => (None, Vec::new()),
        ConfigFilter::AnyOf(any_of) => (Some(texts(any_of)), Vec::new()),
        ConfigFilter::NoneOf(none_of) => (None, texts(none_of)),
    };
    let of_portion = |statement| {
        query(statement).bind(Instant(before)).bind(&any_of).bind(&none_of).bind(i64::from(skip)).bind(i64::from(limit))
    };
    match of_portion(DELETE).execute(&mut *connection).await.map(count).map_err(removal_error) {
        Err(StoreError::Referenced) => {}
        outcome => return outcome.map(Removed::all),
    }
    // Another row refers to one of them, and nothing says to which.
    let mut removed = Removed::default();
    for row in of_portion(FIND).fetch_all(&mut *connection).await.map_err(store_error)? {
        // A row whose id cannot be read is named by nothing, and stays.
        let Ok(id) = Reader::new(&row, "apikey", "id").id() else { continue };
        let delete = query(DELETE_ONE).bind(id.as_str()).bind(Instant(before)).execute(&mut *connection).await;
        removed.add(&id, delete.map(count).map_err(removal_error))?;
    }
    // A failure is told before its rows are unlocked, and whoever looks for the next portion passes over locked ones.
    connection.ping().await.map_err(store_error)?;
    Ok(removed)
}

fn texts(ids: &[ConfigId]) -> Vec<&str> {
    ids.iter().map(ConfigId::as_str).collect()
}

/// Removes them at once, or one by one where another row refers to one of them.
pub(super) async fn remove_exhausted(
    connection: &mut PgConnection,
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
    let exhausted = keys.iter().filter(|key| policy.may_remove_exhausted(key, now));
    let exhausted: Vec<_> = exhausted.map(|key| key.details.id.as_str()).collect();
    if exhausted.is_empty() {
        transaction.rollback().await.map_err(store_error)?;
        return Ok(0);
    }
    match query(DELETE).bind(exhausted).execute(&mut *transaction).await.map(count).map_err(removal_error) {
        Ok(removed) => {
            transaction.commit().await.map_err(removal_error)?;
            Ok(removed)
        }
        Err(StoreError::Referenced) => {
            transaction.rollback().await.map_err(store_error)?;
            Err(StoreError::Referenced)
        }
        Err(error) => Err(error),
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it is what a statement returns")]
fn count(result: PgQueryResult) -> u32 {
    u32::try_from(result.rows_affected()).unwrap_or(u32::MAX)
}

use std::num::NonZeroU32;

use keymint_domain::ApiKey;
use keymint_ports::StoreError;
use sqlx::sqlite::SqliteConnection;
use sqlx::{Connection as _, query_scalar};

use super::BEGIN;
use crate::error::store_error;
use crate::row::bind_key;

pub(super) async fn insert(
    connection: &mut SqliteConnection,
    key: &ApiKey,
    max_living: Option<NonZeroU32>,
) -> Result<(), StoreError> {
    const INSERT: &str = concat!(r#"insert into "apikey" ("#, columns!(""), ") values (", placeholders!(), ")");
    let insert = bind_key(INSERT, key)?;
    let mut transaction = connection.begin_with(BEGIN).await.map_err(store_error)?;
    if let Some(max) = max_living
        && count_living(&mut transaction, key).await? >= i64::from(max.get())
    {
        transaction.rollback().await.map_err(store_error)?;
        return Err(StoreError::OwnerFull);
    }
    insert.execute(&mut *transaction).await.map_err(store_error)?;
    transaction.commit().await.map_err(store_error)
}

/// Counts the keys of the same owner and configuration that are alive when `key` is made.
async fn count_living(connection: &mut SqliteConnection, key: &ApiKey) -> Result<i64, StoreError> {
    const COUNT: &str = concat!(
        r#"select count(*) from "apikey" where "referenceId" = ?1 and "#,
        config_id!(),
        " = ?2 and not ",
        expires_before!("?3"),
        r#" and "keymint_revoked_at" is null"#,
    );
    let new = &key.details;
    let count = query_scalar(COUNT).bind(new.owner.as_str()).bind(new.config_id.as_str());
    count.bind(new.created_at.to_string()).fetch_one(connection).await.map_err(store_error)
}

use std::num::NonZeroU32;

use keymint_domain::ApiKey;
use keymint_ports::StoreError;
use sqlx::postgres::PgConnection;
use sqlx::{Connection as _, query_scalar};

use super::BEGIN;
use crate::error::store_error;
use crate::instant::Instant;
use crate::lock::Lock;
use crate::number::Widths;
use crate::row::bind_key;

pub(super) async fn insert(
    connection: &mut PgConnection,
    key: &ApiKey,
    max_living: Option<NonZeroU32>,
    widths: Widths,
) -> Result<(), StoreError> {
    const INSERT: &str = concat!(r#"insert into "apikey" ("#, columns!(""), ") values (", placeholders!(), ")");
    let insert = bind_key(INSERT, key, widths)?;
    let Some(max) = max_living else {
        insert.execute(connection).await.map_err(store_error)?;
        return Ok(());
    };
    let mut transaction = connection.begin_with(BEGIN).await.map_err(store_error)?;
    let (owner, configuration) = (key.details.owner.as_str(), key.details.config_id.as_str());
    Lock::Keys { owner, configuration }.take(&mut transaction).await?;
    if count_living(&mut transaction, key).await? >= i64::from(max.get()) {
        transaction.rollback().await.map_err(store_error)?;
        return Err(StoreError::OwnerFull);
    }
    insert.execute(&mut *transaction).await.map_err(store_error)?;
    transaction.commit().await.map_err(store_error)
}

/// Counts the keys of the same owner and configuration that are alive when `key` is made.
async fn count_living(connection: &mut PgConnection, key: &ApiKey) -> Result<i64, StoreError> {
    const COUNT: &str = concat!(
        r#"select count(*) from "apikey" where "referenceId" = $1 and "#,
        config_id!(),
        r#" = $2 and ("expiresAt" is null or "expiresAt" >= $3) and "keymint_revoked_at" is null"#,
    );
    let new = &key.details;
    let count = query_scalar(COUNT).bind(new.owner.as_str()).bind(new.config_id.as_str());
    count.bind(Instant(new.created_at)).fetch_one(connection).await.map_err(store_error)
}

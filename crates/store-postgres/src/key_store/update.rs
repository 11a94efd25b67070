use keymint_domain::key::KeyPatch;
use keymint_domain::{ApiKey, KeyId, Timestamp};
use keymint_ports::StoreError;
use sqlx::postgres::PgConnection;
use sqlx::{Connection as _, query};

use super::BEGIN;
use crate::error::store_error;
use crate::number::Widths;
use crate::row::{bind_key, read_key};

pub(super) async fn update(
    connection: &mut PgConnection,
    id: &KeyId,
    patch: &KeyPatch,
    now: Timestamp,
    widths: Widths,
) -> Result<Option<ApiKey>, StoreError> {
    const FIND_AND_LOCK: &str = select_key!("for update");
    const UPDATE: &str =
        concat!(r#"update "apikey" set ("#, columns!(""), ") = row(", placeholders!(), r#") where "id" = $1"#);
    let mut transaction = connection.begin_with(BEGIN).await.map_err(store_error)?;
    let row = query(FIND_AND_LOCK).bind(id.as_str()).fetch_optional(&mut *transaction).await.map_err(store_error)?;
    let Some(row) = row else {
        transaction.rollback().await.map_err(store_error)?;
        return Ok(None);
    };
    let key = read_key(&row)?.patched(patch, now);
    bind_key(UPDATE, &key, widths)?.execute(&mut *transaction).await.map_err(store_error)?;
    transaction.commit().await.map_err(store_error)?;
    Ok(Some(key))
}

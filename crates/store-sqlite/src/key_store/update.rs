use keymint_domain::key::KeyPatch;
use keymint_domain::{ApiKey, KeyId, Timestamp};
use keymint_ports::StoreError;
use sqlx::Connection as _;
use sqlx::sqlite::SqliteConnection;

use super::{BEGIN, find};
use crate::error::store_error;
use crate::row::bind_key;

pub(super) async fn update(
    connection: &mut SqliteConnection,
    id: &KeyId,
    patch: &KeyPatch,
    now: Timestamp,
) -> Result<Option<ApiKey>, StoreError> {
    const UPDATE: &str =
        concat!(r#"update "apikey" set ("#, columns!(""), ") = (", placeholders!(), r#") where "id" = ?1"#);
    let mut transaction = connection.begin_with(BEGIN).await.map_err(store_error)?;
    let Some(key) = find(&mut transaction, id).await? else {
        transaction.rollback().await.map_err(store_error)?;
        return Ok(None);
    };
    let key = key.patched(patch, now);
    bind_key(UPDATE, &key)?.execute(&mut *transaction).await.map_err(store_error)?;
    transaction.commit().await.map_err(store_error)?;
    Ok(Some(key))
}

use async_trait::async_trait;
use keymint_domain::key::StoredKey;
use keymint_domain::server_key::ServerKey;
use keymint_domain::{KeyId, Timestamp};
use keymint_ports::{ServerKeyStore, StoreError};
use sqlx::Postgres;
use sqlx::postgres::{PgArguments, PgConnection, PgRow};
use sqlx::query::Query;
use sqlx::{Connection as _, query, query_scalar};

use crate::PgStore;
use crate::error::store_error;
use crate::instant::Instant;
use crate::key_store::BEGIN;
use crate::lock::Lock;
use crate::row::Reader;

const INSERT: &str = r#"insert into "keymint_server_key" ("id", "name", "start", "hash", "createdAt", "revokedAt")
    values ($1, $2, $3, $4, $5, $6)"#;

#[async_trait]
impl ServerKeyStore for PgStore {
    async fn insert_server_key(&self, key: &ServerKey) -> Result<(), StoreError> {
        call!(self.pool, insert, key)
    }

    async fn insert_first_server_key(&self, key: &ServerKey) -> Result<bool, StoreError> {
        call!(self.pool, insert_first, key)
    }

    async fn list_server_keys(&self) -> Result<Vec<ServerKey>, StoreError> {
        call!(self.pool, list)
    }

    async fn revoke_server_key(&self, id: &KeyId, now: Timestamp) -> Result<bool, StoreError> {
        call!(self.pool, revoke, id, now)
    }
}

async fn insert(connection: &mut PgConnection, key: &ServerKey) -> Result<(), StoreError> {
    bind(INSERT, key).execute(connection).await.map_err(store_error)?;
    Ok(())
}

async fn list(connection: &mut PgConnection) -> Result<Vec<ServerKey>, StoreError> {
    const LIST: &str = r#"select "id", "name", "start", "hash", "createdAt", "revokedAt" from "keymint_server_key"
        order by "createdAt", "id" collate "C""#;
    let rows = query(LIST).fetch_all(connection).await.map_err(store_error)?;
    rows.iter().map(read).collect()
}

async fn revoke(connection: &mut PgConnection, id: &KeyId, now: Timestamp) -> Result<bool, StoreError> {
    const REVOKE: &str = r#"update "keymint_server_key" set "revokedAt" = $2 where "id" = $1 and "revokedAt" is null"#;
    let revoked = query(REVOKE).bind(id.as_str()).bind(Instant(now)).execute(connection).await;
    Ok(revoked.map_err(store_error)?.rows_affected() == 1)
}

async fn insert_first(connection: &mut PgConnection, key: &ServerKey) -> Result<bool, StoreError> {
    const HAS_HELD_ONE: &str = r#"select exists (select 1 from "keymint_server_key")"#;
    let mut transaction = connection.begin_with(BEGIN).await.map_err(store_error)?;
    Lock::FirstServerKey.take(&mut transaction).await?;
    if query_scalar(HAS_HELD_ONE).fetch_one(&mut *transaction).await.map_err(store_error)? {
        transaction.rollback().await.map_err(store_error)?;
        return Ok(false);
    }
    bind(INSERT, key).execute(&mut *transaction).await.map_err(store_error)?;
    transaction.commit().await.map_err(store_error)?;
    Ok(true)
}

fn bind<'q>(statement: &'static str, key: &'q ServerKey) -> Query<'q, Postgres, PgArguments> {
    let ServerKey { id, name, start, hash, created_at, revoked_at } = key;
    query(statement)
        .bind(id.as_str())
        .bind(name.as_deref())
        .bind(start.as_str())
        .bind(hash.as_str())
        .bind(Instant(*created_at))
        .bind(revoked_at.map(Instant))
}

fn read(row: &PgRow) -> Result<ServerKey, StoreError> {
    let row = Reader::new(row, "keymint_server_key", "id");
    Ok(ServerKey {
        id: row.id()?,
        name: row.text("name")?.map(str::to_owned),
        start: row.required("start", row.text("start")?)?.to_owned(),
        hash: StoredKey::from_stored(row.required("hash", row.text("hash")?)?),
        created_at: row.required("createdAt", row.instant("createdAt")?)?,
        revoked_at: row.instant("revokedAt")?,
    })
}

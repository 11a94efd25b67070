use async_trait::async_trait;
use futures_util::TryFutureExt as _;
use keymint_domain::key::StoredKey;
use keymint_domain::server_key::ServerKey;
use keymint_domain::{KeyId, Timestamp};
use keymint_ports::{ServerKeyStore, StoreError};
use sqlx::Sqlite;
use sqlx::query;
use sqlx::query::Query;
use sqlx::sqlite::{SqliteArguments, SqliteRow};

use crate::SqliteStore;
use crate::error::store_error;
use crate::row::{Reader, optional_text};

/// One statement is atomic, so that two processes which start at once add one first key between them.
macro_rules! insert {
    ($condition:literal) => {
        concat!(
            r#"insert into "keymint_server_key" ("id", "name", "start", "hash", "createdAt", "revokedAt")"#,
            " select ?1, ?2, ?3, ?4, ?5, ?6 ",
            $condition
        )
    };
}

#[async_trait]
impl ServerKeyStore for SqliteStore {
    async fn insert_server_key(&self, key: &ServerKey) -> Result<(), StoreError> {
        const INSERT: &str = insert!("");
        let mut connection = self.writer.lend().await?;
        let outcome = self.bound(bind(INSERT, key).execute(&mut *connection).map_err(store_error)).await;
        connection.finish(outcome.map(drop))
    }

    async fn insert_first_server_key(&self, key: &ServerKey) -> Result<bool, StoreError> {
        const INSERT_FIRST: &str = insert!(r#"where not exists (select 1 from "keymint_server_key")"#);
        let mut connection = self.writer.lend().await?;
        let outcome = self.bound(bind(INSERT_FIRST, key).execute(&mut *connection).map_err(store_error)).await;
        connection.finish(outcome.map(|inserted| inserted.rows_affected() == 1))
    }

    async fn list_server_keys(&self) -> Result<Vec<ServerKey>, StoreError> {
        const LIST: &str = r#"select "id", "name", "start", "hash", "createdAt", "revokedAt" from "keymint_server_key"
            order by "createdAt", "id""#;
        let rows = self.bound(query(LIST).fetch_all(self.readers()?).map_err(store_error)).await?;
        rows.iter().map(read).collect()
    }

    async fn revoke_server_key(&self, id: &KeyId, now: Timestamp) -> Result<bool, StoreError> {
        const REVOKE: &str =
            r#"update "keymint_server_key" set "revokedAt" = ?2 where "id" = ?1 and "revokedAt" is null"#;
        let mut connection = self.writer.lend().await?;
        let revoke = query(REVOKE).bind(id.as_str()).bind(now.to_string()).execute(&mut *connection);
        let outcome = self.bound(revoke.map_err(store_error)).await;
        connection.finish(outcome.map(|revoked| revoked.rows_affected() == 1))
    }
}

fn bind<'q>(statement: &'static str, key: &'q ServerKey) -> Query<'q, Sqlite, SqliteArguments> {
    let ServerKey { id, name, start, hash, created_at, revoked_at } = key;
    query(statement)
        .bind(id.as_str())
        .bind(name.as_deref())
        .bind(start.as_str())
        .bind(hash.as_str())
        .bind(created_at.to_string())
        .bind(optional_text(*revoked_at))
}

fn read(row: &SqliteRow) -> Result<ServerKey, StoreError> {
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

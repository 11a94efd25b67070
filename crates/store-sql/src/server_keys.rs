//! Statements on the table `keymint_server_key`.

use keymint_domain::event::Origin;
use keymint_domain::key::StoredKey;
use keymint_domain::server_key::ServerKey;
use keymint_domain::{KeyId, Timestamp};
use keymint_ports::StoreError;

use crate::connection::{end, fetch_all};
use crate::{ReadConnection, Row, RowReader, Statement, WriteConnection, events};

/// Adds a server key.
///
/// # Errors
/// [`StoreError::Duplicate`], [`StoreError::Unavailable`]
pub async fn insert_server_key(
    connection: &mut dyn WriteConnection,
    key: &ServerKey,
    origin: &Origin,
) -> Result<(), StoreError> {
    connection.begin().await?;
    let outcome = insert_and_record(connection, insert(key), key, origin).await;
    end(connection, outcome).await.map(drop)
}

/// Runs an insertion. Returns `false` if it added nothing.
async fn insert_and_record(
    connection: &mut dyn WriteConnection,
    insert: Statement<'_>,
    key: &ServerKey,
    origin: &Origin,
) -> Result<bool, StoreError> {
    let is_added = connection.execute(insert).await? == 1;
    if is_added {
        events::insert(connection, origin.server_key_created(key)).await?;
    }
    Ok(is_added)
}

/// Adds a server key if there never was one. Returns `false` if there was.
///
/// # Errors
/// [`StoreError::Unavailable`]
pub async fn insert_first_server_key(
    connection: &mut dyn WriteConnection,
    key: &ServerKey,
    origin: &Origin,
) -> Result<bool, StoreError> {
    connection.begin().await?;
    let outcome = insert_if_first(connection, key, origin).await;
    end(connection, outcome).await
}

async fn insert_if_first(
    connection: &mut dyn WriteConnection,
    key: &ServerKey,
    origin: &Origin,
) -> Result<bool, StoreError> {
    connection.lock("keymint first server key").await?;
    let mut insert = insert(key);
    insert.push(r#" where not exists (select 1 from "keymint_server_key")"#);
    insert_and_record(connection, insert, key, origin).await
}

fn insert(key: &ServerKey) -> Statement<'_> {
    const INSERT: &str = r#"insert into "keymint_server_key" ("id", "name", "start", "hash", "createdAt", "revokedAt",
        "lastUsedAt") select $1, $2, $3, $4, $5, $6, $7"#;
    let ServerKey { id, name, start, hash, created_at, revoked_at, last_used_at } = key;
    Statement::new(INSERT)
        .bind(id.as_str())
        .bind(name.as_deref())
        .bind(start.as_str())
        .bind(hash.as_str())
        .bind(*created_at)
        .bind(*revoked_at)
        .bind(*last_used_at)
}

/// Lists all server keys in the order of their creation.
///
/// # Errors
/// [`StoreError::Corrupt`], [`StoreError::Unavailable`]
pub async fn list_server_keys(connection: &mut dyn ReadConnection) -> Result<Vec<ServerKey>, StoreError> {
    let list = format!(
        r#"select "id", "name", "start", "hash", "createdAt", "revokedAt", "lastUsedAt" from "keymint_server_key"
            order by "createdAt", "id"{}"#,
        connection.dialect().by_bytes(),
    );
    fetch_all(connection, Statement::new(list), read).await
}

/// Revokes a server key. Returns `false` if there is none that was not revoked before.
///
/// # Errors
/// [`StoreError::Unavailable`]
pub async fn revoke_server_key(
    connection: &mut dyn WriteConnection,
    id: &KeyId,
    now: Timestamp,
    origin: &Origin,
) -> Result<bool, StoreError> {
    connection.begin().await?;
    let outcome = find_and_revoke(connection, id, now, origin).await;
    end(connection, outcome).await
}

async fn find_and_revoke(
    connection: &mut dyn WriteConnection,
    id: &KeyId,
    now: Timestamp,
    origin: &Origin,
) -> Result<bool, StoreError> {
    const REVOKE: &str = r#"update "keymint_server_key" set "revokedAt" = $2 where "id" = $1 and "revokedAt" is null"#;
    let is_revoked = connection.execute(Statement::new(REVOKE).bind(id.as_str()).bind(now)).await? == 1;
    if is_revoked {
        events::insert(connection, origin.server_key_revoked(id)).await?;
    }
    Ok(is_revoked)
}

/// Notes a use of a server key, unless a later one is noted.
///
/// # Errors
/// [`StoreError::Unavailable`]
pub async fn note_server_key_use(
    connection: &mut dyn WriteConnection,
    id: &KeyId,
    at: Timestamp,
) -> Result<(), StoreError> {
    const NOTE: &str = r#"update "keymint_server_key" set "lastUsedAt" = $2
        where "id" = $1 and ("lastUsedAt" is null or "lastUsedAt" < $2)"#;
    connection.execute(Statement::new(NOTE).bind(id.as_str()).bind(at)).await?;
    Ok(())
}

fn read(row: &dyn Row) -> Result<ServerKey, StoreError> {
    let row = RowReader::new(row, "keymint_server_key", "id");
    Ok(ServerKey {
        id: row.id()?,
        name: row.text("name")?.map(str::to_owned),
        start: row.required_text("start")?.to_owned(),
        hash: StoredKey::from_stored(row.required_text("hash")?),
        created_at: row.required_instant("createdAt")?,
        revoked_at: row.instant("revokedAt")?,
        last_used_at: row.instant("lastUsedAt")?,
    })
}

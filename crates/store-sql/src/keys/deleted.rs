//! Statements on the table `keymint_deleted_key`, which has every column of `apikey`, and those of the deletion.

use std::num::NonZeroU32;

use keymint_domain::event::Origin;
use keymint_domain::key::{Actor, Deletion};
use keymint_domain::listing::Unreadable;
use keymint_domain::{KeyId, Timestamp};
use keymint_ports::{DeletedKey, DeletedQuery, KeyStub, RestoredKey, StoreError};

use super::find::read_stub;
use super::import::LOCK;
use super::insert::check_room;
use super::list::offset;
use super::moving::second_secret_of;
use super::narrow;
use super::place::{RowName, check_free};
use super::remove::{RETURNING, read_removed, remove_in_transaction};
use crate::columns::COLUMN_LIST;
use crate::connection::{end, end_removal, fetch_all, fetch_optional};
use crate::{ReadConnection, Row, RowReader, Statement, WriteConnection, events, read_key};

pub(super) const TABLE: &str = "keymint_deleted_key";

/// The columns of the deletion.
const DELETION: &str = r#""keymint_deleted_at", "keymint_deleted_by", "keymint_deleted_until""#;

/// Moves a key among the deleted ones. Returns `false` if there is none.
///
/// # Errors
/// [`StoreError::Referenced`], [`StoreError::Unavailable`]
pub async fn set_aside(
    connection: &mut dyn WriteConnection,
    id: &KeyId,
    deletion: &Deletion,
    origin: &Origin,
) -> Result<bool, StoreError> {
    connection.begin().await?;
    let outcome = copy_and_remove(connection, id, deletion, origin).await;
    end_removal(connection, outcome).await
}

async fn copy_and_remove(
    connection: &mut dyn WriteConnection,
    id: &KeyId,
    deletion: &Deletion,
    origin: &Origin,
) -> Result<bool, StoreError> {
    let Deletion { at, by, until } = deletion;
    // Whoever deletes it at the same time finds it gone, and must not touch the deleted one.
    let Some(name) = RowName::lock(connection, id).await? else {
        return Ok(false);
    };
    // A key that had this id before.
    connection.execute(forgetting(id)).await?;
    let copy = format!(
        r#"insert into "keymint_deleted_key" ({COLUMN_LIST}, {DELETION}) select {COLUMN_LIST}, $1, $2, $3 from "apikey""#
    );
    let mut copy = Statement::new(copy).bind(*at).bind(by.to_string()).bind(*until);
    name.push_to(&mut copy);
    connection.execute(copy).await?;
    let mut remove = Statement::new(r#"delete from "apikey""#);
    name.push_to(&mut remove);
    remove.push(RETURNING);
    Ok(remove_in_transaction(connection, remove, origin).await?.removed == 1)
}

/// Returns the statement that removes a deleted key for good.
fn forgetting(id: &KeyId) -> Statement<'_> {
    Statement::new(r#"delete from "keymint_deleted_key" where "id" = $1"#).bind(id.as_str())
}

/// Finds a deleted key.
///
/// # Errors
/// [`StoreError::Corrupt`], [`StoreError::Unavailable`]
pub async fn find_deleted(connection: &mut dyn ReadConnection, id: &KeyId) -> Result<Option<DeletedKey>, StoreError> {
    let find = Statement::new(format!(r#"{} where "id" = $1"#, selection())).bind(id.as_str());
    Ok(fetch_optional(connection, find, read_deleted).await?.flatten())
}

/// Lists deleted keys.
///
/// # Errors
/// [`StoreError::Corrupt`], [`StoreError::Unavailable`]
pub async fn list_deleted(
    connection: &mut dyn ReadConnection,
    query: &DeletedQuery,
) -> Result<Vec<DeletedKey>, StoreError> {
    let DeletedQuery { owner, configurations, offset, limit } = query;
    let dialect = connection.dialect();
    let mut list = Statement::new(format!("{} where true", selection()));
    if let Some(owner) = owner {
        let owner = list.placeholder(owner.as_str());
        list.push(&format!(r#" and "referenceId" = {owner}"#));
    }
    narrow(&mut list, configurations, dialect);
    let limit = list.placeholder(i64::from(*limit));
    let offset = list.placeholder(self::offset(*offset));
    let by_bytes = dialect.by_bytes();
    list.push(&format!(r#" order by "keymint_deleted_at" desc, "id"{by_bytes} limit {limit} offset {offset}"#));
    Ok(fetch_all(connection, list, read_deleted).await?.into_iter().flatten().collect())
}

fn selection() -> String {
    format!(
        r#"select "id", "referenceId", "configId", "key", "keymint_second_key", "name", "start", {DELETION} from "keymint_deleted_key""#
    )
}

/// Reads a deleted key; `None` = its id cannot be read.
fn read_deleted(row: &dyn Row) -> Result<Option<DeletedKey>, StoreError> {
    let stub = read_stub(row);
    let row = RowReader::new(row, TABLE, "id");
    let Ok(id) = row.id() else { return Ok(None) };
    let text = |column| row.text(column).ok().flatten().map(str::to_owned);
    let deletion = Deletion {
        at: row.required_instant("keymint_deleted_at")?,
        by: row.parsed("keymint_deleted_by", Actor::from_stored)?,
        until: row.required_instant("keymint_deleted_until")?,
    };
    Ok(Some(DeletedKey { id, stub, name: text("name"), start: text("start"), deletion }))
}

/// Moves a deleted key back. Returns `None` if there is none.
///
/// # Errors
/// [`StoreError::OwnerFull`], [`StoreError::Duplicate`], [`StoreError::Unavailable`]
pub async fn restore(
    connection: &mut dyn WriteConnection,
    id: &KeyId,
    max_living: Option<NonZeroU32>,
    now: Timestamp,
    origin: &Origin,
) -> Result<Option<RestoredKey>, StoreError> {
    connection.begin().await?;
    let outcome = copy_back(connection, id, max_living, now, origin).await;
    end(connection, outcome).await
}

async fn copy_back(
    connection: &mut dyn WriteConnection,
    id: &KeyId,
    max_living: Option<NonZeroU32>,
    now: Timestamp,
    origin: &Origin,
) -> Result<Option<RestoredKey>, StoreError> {
    // No import takes the secret from here on.
    connection.lock(LOCK).await?;
    let for_update = connection.dialect().for_update();
    let find = format!(r#"select {COLUMN_LIST} from "keymint_deleted_key" where "id" = $1{for_update}"#);
    let find = Statement::new(find).bind(id.as_str());
    let read = |row: &dyn Row| Ok((read_key(row), read_stub(row), read_removed(row)));
    let Some((key, stub, removed)) = fetch_optional(connection, find, read).await? else {
        return Ok(None);
    };
    let restored = match key {
        Ok(key) => RestoredKey::Key(key),
        Err(StoreError::Corrupt { column, id, .. }) => RestoredKey::Unreadable(Unreadable { id, column }),
        Err(error) => return Err(error),
    };
    let takes_a_place = match &restored {
        RestoredKey::Key(key) => key.is_living(now),
        RestoredKey::Unreadable(_) => true,
    };
    if let (Some(max), KeyStub { owner: Some(owner), config_id: Some(config_id), stored: _ }, true) =
        (max_living, &stub, takes_a_place)
    {
        check_room(connection, owner, config_id, max, now).await?;
    }
    for stored in &stub.stored {
        let taken = r#"select "id" from "apikey" where "key" = $1 or "keymint_second_key" = $1"#;
        let taken = Statement::new(taken).bind(stored.as_str());
        if fetch_optional(connection, taken, |_| Ok(())).await?.is_some() {
            return Err(StoreError::Duplicate);
        }
    }
    check_free(connection, id).await?;
    let copy = format!(
        r#"insert into "apikey" ({COLUMN_LIST}) select {COLUMN_LIST} from "keymint_deleted_key" where "id" = $1"#
    );
    connection.execute(Statement::new(copy).bind(id.as_str())).await?;
    connection.execute(forgetting(id)).await?;
    if let (RestoredKey::Key(key), true) = (&restored, connection.dialect().is_sharded())
        && let Some(place) = second_secret_of(key)
    {
        connection.execute(place).await?;
    }
    let event = match &restored {
        RestoredKey::Key(key) => origin.key_undeleted(key),
        RestoredKey::Unreadable(_) => removed.and_then(|key| origin.unreadable_key_undeleted(key)),
    };
    events::insert(connection, event).await?;
    for stored in &stub.stored {
        connection.forget(stored);
    }
    if stub.stored.is_empty() {
        connection.forget_all();
    }
    Ok(Some(restored))
}

/// Removes deleted keys whose time has ended.
///
/// # Errors
/// [`StoreError::Unavailable`]
pub async fn purge_deleted(
    connection: &mut dyn WriteConnection,
    now: Timestamp,
    limit: NonZeroU32,
) -> Result<u32, StoreError> {
    let dialect = connection.dialect();
    let is_due = dialect.is_due(r#""keymint_deleted_until""#, "$1");
    let ended = format!(r#"where {is_due} order by "keymint_deleted_until" limit $2"#);
    let rows = dialect.rows_unlocked(r#""keymint_deleted_key""#, r#""id""#, &ended);
    let purge = Statement::new(format!(r#"delete from "keymint_deleted_key" where {rows}"#));
    let purge = purge.bind(now).bind(i64::from(limit.get()));
    connection.begin().await?;
    let outcome = connection.execute(purge).await.map_err(StoreError::from);
    let purged = end(connection, outcome).await?;
    Ok(u32::try_from(purged).unwrap_or(u32::MAX))
}

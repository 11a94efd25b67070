//! Rows of keys where they are. In a database that keeps them in shards, a row is in the shard of its text, and only a
//! statement that names the text can lock it, or finds it without asking every shard.

use std::collections::HashSet;

use keymint_domain::KeyId;
use keymint_ports::StoreError;

use super::moving::wait_for_moves;
use crate::connection::{fetch_all, fetch_optional};
use crate::{ReadConnection, Row, Statement};

/// The number of times that a row which moves to another text is looked for.
const LOOKS: u32 = 8;

/// Selects columns of the row of an id, and locks it until the transaction ends.
///
/// # Errors
/// Those of `read`, and [`StoreError::Locked`] if the row moves all the time.
pub(super) async fn lock_row<T: Send>(
    connection: &mut dyn ReadConnection,
    id: &KeyId,
    columns: &str,
    read: impl Fn(&dyn Row) -> Result<T, StoreError> + Send + Sync,
) -> Result<Option<T>, StoreError> {
    let dialect = connection.dialect();
    let lock = format!(r#"select {columns} from "apikey" where "id" = $1"#);
    if !dialect.is_sharded() {
        let lock = Statement::new(lock + dialect.for_update()).bind(id.as_str());
        return fetch_optional(connection, lock, read).await;
    }
    // A lock alone does not keep Citus from moving the shard to another node, and is lost with the move. A write does.
    let lock =
        format!(r#"update "apikey" set "enabled" = "enabled" where "id" = $1 and "key" = $2 returning {columns}"#);
    for _ in 0..LOOKS {
        let Some(text) = find_text(connection, id).await? else { return Ok(None) };
        let lock = Statement::new(lock.clone()).bind(id.as_str()).bind(text);
        let found = fetch_optional(connection, lock, &read).await?;
        if found.is_some() {
            return Ok(found);
        }
    }
    Err(StoreError::Locked)
}

const FIND_TEXT: &str = r#"select "key" from "apikey" where "id" = $1"#;

/// Finds the text that the row of an id is kept under.
async fn find_text(connection: &mut dyn ReadConnection, id: &KeyId) -> Result<Option<String>, StoreError> {
    let find = || Statement::new(FIND_TEXT).bind(id.as_str());
    Ok(find_by_id(connection, id, find, |row| Ok(read_text(row))).await?.flatten())
}

/// Runs a statement that finds the row of an id without a lock: once more if the row moves, for it is on no node for a moment.
///
/// # Errors
/// Those of `read`, [`StoreError::Locked`], [`StoreError::Unavailable`]
pub(super) async fn find_by_id<'k, T: Send>(
    connection: &mut dyn ReadConnection,
    id: &KeyId,
    find: impl Fn() -> Statement<'k> + Send + Sync,
    read: impl Fn(&dyn Row) -> Result<T, StoreError> + Send + Sync,
) -> Result<Option<T>, StoreError> {
    let found = fetch_optional(connection, find(), &read).await?;
    if found.is_none() && wait_for_moves(connection, vec![id.as_str()]).await? {
        return fetch_optional(connection, find(), &read).await;
    }
    Ok(found)
}

/// Selects columns, `"id"` among them, of the rows of these ids, in the order of ids. With `for_update` they are locked
/// until the transaction ends, in shards those of one after the other.
///
/// # Errors
/// Those of `read`.
pub(super) async fn read_rows<T: Send>(
    connection: &mut dyn ReadConnection,
    ids: &[KeyId],
    columns: &str,
    for_update: &str,
    read: impl Fn(&dyn Row) -> Result<T, StoreError> + Send + Sync,
) -> Result<Vec<T>, StoreError> {
    let dialect = connection.dialect();
    let (one_of, by_bytes) = (dialect.one_of("$1"), dialect.by_bytes());
    let mut asked: Vec<&str> = ids.iter().map(KeyId::as_str).collect();
    let find = format!(r#"select {columns} from "apikey" where "id" {one_of}"#);
    if for_update.is_empty() || !dialect.is_sharded() {
        let find = Statement::new(format!(r#"{find} order by "id"{by_bytes}{for_update}"#)).bind(asked);
        return fetch_all(connection, find, read).await;
    }
    let one_of_texts = dialect.one_of("$2");
    let lock = format!(r#"{find} and "key" {one_of_texts} order by "id"{by_bytes}{for_update}"#);
    let mut rows: Vec<(String, T)> = Vec::new();
    let mut has_waited = false;
    for _ in 0..LOOKS {
        let find = Statement::new(format!(r#"select "key" from "apikey" where "id" {one_of}"#)).bind(asked.clone());
        let texts: Vec<_> = fetch_all(connection, find, |row| Ok(read_text(row))).await?;
        if texts.is_empty() {
            if has_waited {
                break;
            }
            wait_for_moves(connection, asked.clone()).await?;
            has_waited = true;
            continue;
        }
        for texts in connection.divide(texts.iter().flatten().map(String::as_str).collect()) {
            let lock = Statement::new(lock.clone()).bind(asked.clone()).bind(texts);
            let read = |row: &dyn Row| Ok((read_id(row), read(row)?));
            rows.extend(fetch_all(connection, lock, read).await?);
        }
        let found: HashSet<&str> = rows.iter().map(|(id, _)| id.as_str()).collect();
        asked.retain(|id| !found.contains(id));
        if asked.is_empty() {
            break;
        }
    }
    rows.sort_by(|one, other| one.0.cmp(&other.0));
    Ok(rows.into_iter().map(|(_, row)| row).collect())
}

fn read_text(row: &dyn Row) -> Option<String> {
    text_in(row, "key")
}

fn read_id(row: &dyn Row) -> String {
    text_in(row, "id").unwrap_or_default()
}

pub(super) fn text_in(row: &dyn Row, column: &'static str) -> Option<String> {
    if let crate::Cell::Text(text) = row.cell(column) { Some(text.to_owned()) } else { None }
}

/// The row of an id, as statements name it.
pub(super) struct RowName<'k> {
    id: &'k str,
    /// The text, where a statement must name it.
    text: Option<String>,
}

impl<'k> RowName<'k> {
    /// Finds the row of an id in shards, and locks it until the transaction ends. A row in one table is named by its id, and
    /// nothing is asked.
    ///
    /// # Errors
    /// [`StoreError::Locked`], [`StoreError::Unavailable`]
    pub(super) async fn find(connection: &mut dyn ReadConnection, id: &'k KeyId) -> Result<Option<Self>, StoreError> {
        if !connection.dialect().is_sharded() {
            return Ok(Some(Self { id: id.as_str(), text: None }));
        }
        Self::lock(connection, id).await
    }

    /// Finds the row of an id in any database, and locks it until the transaction ends.
    ///
    /// # Errors
    /// [`StoreError::Locked`], [`StoreError::Unavailable`]
    pub(super) async fn lock(connection: &mut dyn ReadConnection, id: &'k KeyId) -> Result<Option<Self>, StoreError> {
        let text = lock_row(connection, id, r#""key""#, |row| Ok(read_text(row))).await?;
        let is_sharded = connection.dialect().is_sharded();
        Ok(text.map(|text| Self { id: id.as_str(), text: text.filter(|_| is_sharded) }))
    }

    /// Appends the condition of the row to a statement.
    pub(super) fn push_to(&self, statement: &mut Statement<'k>) {
        let id = statement.placeholder(self.id);
        statement.push(&format!(r#" where "id" = {id}"#));
        if let Some(text) = &self.text {
            let text = statement.placeholder(text.clone());
            statement.push(&format!(r#" and "key" = {text}"#));
        }
    }
}

/// Appends the condition of the rows of these ids, which are kept under these texts.
pub(super) fn push_rows<'k>(
    statement: &mut Statement<'k>,
    rows: impl IntoIterator<Item = (&'k str, &'k str)>,
    dialect: &dyn crate::Dialect,
) {
    let (ids, texts): (Vec<_>, Vec<_>) = rows.into_iter().unzip();
    if let [id] = ids[..] {
        let id = statement.placeholder(id);
        statement.push(&format!(r#" where "id" = {id}"#));
    } else {
        let ids = statement.placeholder(ids);
        statement.push(&format!(r#" where "id" {}"#, dialect.one_of(&ids)));
    }
    if dialect.is_sharded() {
        let texts = statement.placeholder(texts);
        statement.push(&format!(r#" and "key" {}"#, dialect.one_of(&texts)));
    }
}

/// Checks that no key has an id, where no constraint keeps two of them apart. Until the transaction ends, no other call takes
/// the id.
///
/// # Errors
/// [`StoreError::Duplicate`], [`StoreError::Unavailable`]
pub(super) async fn check_free(connection: &mut dyn crate::WriteConnection, id: &KeyId) -> Result<(), StoreError> {
    if !connection.dialect().is_sharded() {
        return Ok(());
    }
    connection.lock(&format!("keymint id {}", id.as_str())).await?;
    // Most ids are free, so that it waits first, and looks once.
    wait_for_moves(connection, vec![id.as_str()]).await?;
    let find = Statement::new(FIND_TEXT).bind(id.as_str());
    if fetch_optional(connection, find, |_| Ok(())).await?.is_some() { Err(StoreError::Duplicate) } else { Ok(()) }
}

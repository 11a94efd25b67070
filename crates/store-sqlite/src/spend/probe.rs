use keymint_domain::key::StoredKey;
use keymint_ports::StoreError;
use keymint_store_sql::{OwnerColumns, ban_columns, by_owner_columns, columns};
use rusqlite::Connection;

use super::{UPDATE, find_one};
use crate::writer::{WriterConnection, begin};

/// Texts of keys. Hashes are random, so that these are rows of all times.
const SAMPLE: &str = r#"select "key" from "apikey" order by "key" limit 16"#;

/// A row that is written and removed again, so that pages change, and nothing that anybody reads does.
const INSERT: &str =
    r#"insert into "keymint_server_key" ("id", "start", "hash", "createdAt") values ('probe', '', '', '')"#;
const DELETE: &str = r#"delete from "keymint_server_key" where "id" = 'probe'"#;

/// Reads, writes and commits as a batch does.
///
/// # Errors
/// [`StoreError::Corrupt`] if none of some rows can be read, [`StoreError::Unavailable`]
pub(crate) fn probe(
    WriterConnection { connection, patience, .. }: &mut WriterConnection,
    owner_columns: OwnerColumns,
) -> Result<(), StoreError> {
    let transaction = begin(connection, *patience).map_err(StoreError::unavailable)?;
    read(&transaction, owner_columns)?;
    write(&transaction).and_then(|()| transaction.commit()).map_err(StoreError::unavailable)
}

/// Fails if none of some rows can be read.
fn read(connection: &Connection, owner_columns: OwnerColumns) -> Result<(), StoreError> {
    let sample = connection.prepare_cached(SAMPLE).and_then(|mut sample| {
        let texts = sample.query_map([], |row| Ok(row.get_ref(0)?.as_str().ok().map(StoredKey::from_stored)))?;
        texts.collect::<Result<Vec<Option<StoredKey>>, _>>()
    });
    let sample = sample.map_err(StoreError::unavailable)?;
    let find = connection.prepare_cached(by_owner_columns!(owner_columns, find, "key"));
    let mut find = find.map_err(StoreError::unavailable)?;
    let mut unreadable = None;
    for form in sample.iter().flatten() {
        match find_one(&mut find, form).map_err(StoreError::unavailable)? {
            Some(Err(error)) => unreadable = Some(error),
            Some(Ok(_)) => return Ok(()),
            None => {}
        }
    }
    unreadable.map_or(Ok(()), Err)
}

fn write(connection: &Connection) -> Result<(), rusqlite::Error> {
    // To prepare it is enough to hear of a column that is not there.
    drop(connection.prepare_cached(UPDATE)?);
    connection.prepare_cached(INSERT)?.execute([])?;
    connection.prepare_cached(DELETE)?.execute([])?;
    Ok(())
}

use keymint_ports::StoreError;
use sqlx::postgres::PgConnection;
use sqlx::{Connection as _, query, query_scalar};

use super::Table;
use super::changes::Changes;
use super::find::{find, read_row};
use super::optimistic::UPDATE;
use super::version::Version;
use crate::connection::BEGIN;
use crate::error::store_error;

/// Texts of keys. Hashes are random, so that these are rows of all times.
const SAMPLE: &str = r#"select "key" from "apikey" order by "key" limit 16"#;

/// A row that is written and removed again, so there is something to commit, and nobody sees a change. Concurrent
/// probes use different ids.
const INSERT: &str = r#"insert into "keymint_server_key" ("id", "start", "hash", "createdAt")
    values ('probe-' || txid_current(), '', '', now())"#;
const DELETE: &str = r#"delete from "keymint_server_key" where "id" = 'probe-' || txid_current()"#;

/// Reads, writes and commits as a batch does. Where keys are in shards, it asks the coordinator alone.
///
/// # Errors
/// [`StoreError::Corrupt`] if none of some rows can be read, [`StoreError::Unavailable`]
pub(crate) async fn probe(connection: &mut PgConnection, table: Table<'_>) -> Result<(), StoreError> {
    let mut transaction = connection.begin_with(BEGIN).await.map_err(store_error)?;
    let outcome = match read(&mut transaction, table).await {
        Ok(()) => write(&mut transaction, table).await.map_err(store_error),
        unreadable => unreadable,
    };
    if outcome.is_ok() {
        transaction.commit().await.map_err(store_error)?;
    } else {
        transaction.rollback().await.map_err(store_error)?;
    }
    outcome
}

/// Fails if none of some rows can be read.
async fn read(connection: &mut PgConnection, table: Table<'_>) -> Result<(), StoreError> {
    // A node that is down fails its own keys alone, and the server serves the others.
    if table.shards.is_some() {
        return Ok(());
    }
    let sample: Vec<Option<String>> = query_scalar(SAMPLE).fetch_all(&mut *connection).await.map_err(store_error)?;
    let find = query(find(table.owner_columns));
    let rows = find.bind(sample).fetch_all(connection).await.map_err(store_error)?;
    let (mut read, mut unreadable) = (false, None);
    for (_, row) in rows.iter().filter_map(read_row) {
        match row {
            Ok(_) => read = true,
            Err(error) => unreadable = Some(error),
        }
    }
    unreadable.filter(|_| !read).map_or(Ok(()), Err)
}

async fn write(connection: &mut PgConnection, table: Table<'_>) -> Result<(), sqlx::Error> {
    if table.shards.is_none() {
        // The batch's statement, of no rows: to hear of a column or a right that is not there.
        Changes::default().bind(UPDATE).bind(Vec::<Option<Version>>::new()).execute(&mut *connection).await?;
    }
    query(INSERT).execute(&mut *connection).await?;
    query(DELETE).execute(connection).await?;
    Ok(())
}

use std::time::Duration;

use async_trait::async_trait;
use futures_util::FutureExt as _;
use keymint_domain::key::StoredKey;
use keymint_ports::StoreError;
use keymint_store_sql::{Dialect, ReadConnection, Statement, StatementError, TakeRow, Value, WriteConnection};
use rusqlite::{CachedStatement, Connection, DropBehavior};

use super::begin::begin;
use crate::connect::Opener;
use crate::dialect::{Kept, Sqlite};
use crate::error::statement_error;
use crate::row::WrittenRow;
use crate::spend::RememberedRows;

/// The connection that writes, with the rows that it remembers. It runs on the caller's thread: a batch has many small
/// statements, and with a thread of the connection each statement and each value would cross threads.
pub(crate) struct WriterConnection {
    pub(crate) connection: Connection,
    pub(crate) rows: RememberedRows,
    /// The time to wait for other processes.
    pub(crate) patience: Duration,
}

impl WriterConnection {
    pub(super) fn open(opener: &Opener) -> Result<Self, StoreError> {
        let connection = opener.open_writer().map_err(StoreError::unavailable)?;
        Ok(Self { connection, rows: RememberedRows::new(), patience: opener.patience })
    }

    /// Does work whose commit waits for no disk. `synchronous` is what other work waits for.
    pub(super) fn relaxed<T>(
        &mut self,
        synchronous: &str,
        work: impl FnOnce(&mut Self) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let set = |connection: &Connection, synchronous| {
            connection.pragma_update(None, "synchronous", synchronous).map_err(StoreError::unavailable)
        };
        set(&self.connection, "normal")?;
        let outcome = work(self);
        // A transaction that was left open is rolled back with the connection, which the caller then closes.
        if self.connection.is_autocommit() {
            set(&self.connection, synchronous)?;
        }
        outcome
    }

    /// Does work that awaits only this connection, whose futures are ready at once.
    pub(super) fn run<T>(
        &mut self,
        work: impl AsyncFnOnce(&mut Self) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let unfinished = || Err(StoreError::unavailable("a call waits for something else than the file"));
        work(self).now_or_never().unwrap_or_else(unfinished)
    }
}

#[async_trait]
impl ReadConnection for WriterConnection {
    fn dialect(&self) -> &'static dyn Dialect {
        &Sqlite
    }

    async fn fetch(&mut self, statement: Statement<'_>, take: &mut TakeRow<'_>) -> Result<(), StatementError> {
        fetch(&self.connection, statement, take).map_err(statement_error)
    }
}

#[async_trait]
impl WriteConnection for WriterConnection {
    async fn execute(&mut self, statement: Statement<'_>) -> Result<u64, StatementError> {
        execute(&self.connection, statement).map_err(statement_error)
    }

    async fn begin(&mut self) -> Result<(), StatementError> {
        let mut transaction = begin(&self.connection, self.patience).map_err(statement_error)?;
        // It stays open.
        transaction.set_drop_behavior(DropBehavior::Ignore);
        Ok(())
    }

    async fn commit(&mut self) -> Result<(), StatementError> {
        self.connection.execute_batch("commit").map_err(statement_error)
    }

    async fn rollback(&mut self) -> Result<(), StatementError> {
        // A trigger may have rolled back the transaction itself.
        if self.connection.is_autocommit() {
            return Ok(());
        }
        self.connection.execute_batch("rollback").map_err(statement_error)
    }

    fn forget(&mut self, stored: &StoredKey) {
        self.rows.forget(stored);
    }

    fn forget_all(&mut self) {
        self.rows.clear();
    }
}

fn fetch(connection: &Connection, statement: Statement<'_>, take: &mut TakeRow<'_>) -> Result<(), rusqlite::Error> {
    let (text, values) = statement.into_parts();
    let mut prepared = connection.prepare_cached(&text)?;
    bind(&mut prepared, values)?;
    let mut rows = prepared.raw_query();
    while let Some(row) = rows.next()? {
        if take(&WrittenRow(row)).is_break() {
            break;
        }
    }
    Ok(())
}

/// Runs a statement that returns no rows. Returns the number of rows that it changed.
pub(crate) fn execute(connection: &Connection, statement: Statement<'_>) -> Result<u64, rusqlite::Error> {
    let (text, values) = statement.into_parts();
    let mut prepared = connection.prepare_cached(&text)?;
    bind(&mut prepared, values)?;
    Ok(u64::try_from(prepared.raw_execute()?).unwrap_or(u64::MAX))
}

/// Binds values to the placeholders of their numbers. To SQLite `$2` is a name; its place depends on the order of
/// names.
fn bind(prepared: &mut CachedStatement<'_>, values: Vec<Value<'_>>) -> Result<(), rusqlite::Error> {
    let values: Vec<_> = values.into_iter().map(Kept::from).collect();
    for place in 1..=prepared.parameter_count() {
        let number = prepared.parameter_name(place).and_then(|name| name.strip_prefix('$')?.parse::<usize>().ok());
        match number.and_then(|number| values.get(number.checked_sub(1)?)) {
            Some(Kept::Text(text)) => prepared.raw_bind_parameter(place, text.as_deref())?,
            Some(Kept::Integer(number)) => prepared.raw_bind_parameter(place, number)?,
            None => return Err(rusqlite::Error::InvalidParameterCount(values.len(), place)),
        }
    }
    Ok(())
}

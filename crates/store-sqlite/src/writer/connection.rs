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
use crate::row::{Places, WrittenRow};
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
    bind(&mut prepared, &text, values)?;
    let places = Places::default();
    let mut rows = prepared.raw_query();
    while let Some(row) = rows.next()? {
        if take(&WrittenRow { row, places: &places }).is_break() {
            break;
        }
    }
    Ok(())
}

/// Runs a statement that returns no rows. Returns the number of rows that it changed.
pub(crate) fn execute(connection: &Connection, statement: Statement<'_>) -> Result<u64, rusqlite::Error> {
    let (text, values) = statement.into_parts();
    let mut prepared = connection.prepare_cached(&text)?;
    bind(&mut prepared, &text, values)?;
    Ok(u64::try_from(prepared.raw_execute()?).unwrap_or(u64::MAX))
}

/// Binds values to the placeholders of their numbers. To SQLite `$2` is a name: its place is the order in which names
/// appear. SQLite can be asked for the name at a place, but searches all names for it.
fn bind(prepared: &mut CachedStatement<'_>, text: &str, values: Vec<Value<'_>>) -> Result<(), rusqlite::Error> {
    let mut values: Vec<_> = values.into_iter().map(|value| Some(Kept::from(value))).collect();
    let mut place = 0;
    for number in placeholders(text) {
        let value = number.checked_sub(1).and_then(|number| values.get_mut(number));
        let Some(value) = value else {
            return Err(rusqlite::Error::InvalidParameterCount(values.len(), number));
        };
        // A number that appeared before has its place.
        if let Some(value) = value.take() {
            place += 1;
            match value {
                Kept::Text(text) => prepared.raw_bind_parameter(place, text.as_deref())?,
                Kept::Integer(number) => prepared.raw_bind_parameter(place, number)?,
            }
        }
    }
    if place == prepared.parameter_count() {
        Ok(())
    } else {
        Err(rusqlite::Error::InvalidParameterCount(place, prepared.parameter_count()))
    }
}

/// Returns the numbers of the placeholders `$1`, `$2` and so on of a statement, outside of its literals.
fn placeholders(statement: &str) -> impl Iterator<Item = usize> {
    // A quote within a literal is written twice, which ends it and begins the next one.
    statement.split('\'').step_by(2).flat_map(|code| code.split('$').skip(1)).map(|rest| {
        let digits = rest.len() - rest.trim_start_matches(|letter: char| letter.is_ascii_digit()).len();
        rest[..digits].parse().unwrap_or(0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_bound_by_their_numbers_wherever_they_appear() {
        let connection = Connection::open_in_memory().unwrap();
        let mut answer = String::new();
        let statement = Statement::new("select $2 || '$3 it''s $4' || $1 || $2 || $3 as \"answer\"");
        let bound = statement.bind("one").bind("two").bind("three");
        let take = &mut |row: &dyn keymint_store_sql::Row| {
            if let keymint_store_sql::Cell::Text(text) = row.cell("answer") {
                text.clone_into(&mut answer);
            }
            std::ops::ControlFlow::Continue(())
        };
        fetch(&connection, bound, take).unwrap();
        assert_eq!(answer, "two$3 it's $4onetwothree");
    }

    #[test]
    fn a_value_too_few_is_an_error() {
        let connection = Connection::open_in_memory().unwrap();
        let run =
            |statement: Statement<'_>| execute(&connection, statement).map(drop).map_err(|error| error.to_string());
        assert!(run(Statement::new("values ($1, $2)").bind("one")).is_err());
        assert!(run(Statement::new("values ($0)").bind("one")).is_err());
    }
}

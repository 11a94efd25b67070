//! One end of a copy of a whole database.

use std::error::Error;

use async_trait::async_trait;
use keymint_domain::Timestamp;
use keymint_ports::{CopyColumn, CopyEnd, CopyError, CopyKind, CopyPlan, CopyRow, CopyTable};
use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, OpenFlags, Row, ToSql, params_from_iter};
use tokio::task::spawn_blocking;

use crate::connect::{Opener, patience};
use crate::error::open_error;
use crate::{ConnectError, SqliteOptions, SqliteStore};

/// A connection with an open transaction.
pub struct SqliteCopy {
    /// `None` while a call uses it.
    connection: Option<Connection>,
    reading: Option<Reading>,
}

/// The table that is read.
struct Reading {
    plan: CopyPlan,
    /// The columns that name a row, in the table's own order.
    position: Vec<String>,
    /// The last row that was read.
    last: Vec<Value>,
}

impl SqliteCopy {
    /// Opens a database to read from it. It is neither made nor migrated.
    ///
    /// # Errors
    /// [`ConnectError`]
    pub fn source(options: &SqliteOptions) -> Result<Self, ConnectError> {
        let path = std::path::absolute(&options.path).map_err(open_error)?;
        if !path.exists() {
            return Err(ConnectError::Missing { path });
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&path, flags).map_err(open_error)?;
        connection.busy_timeout(patience(options)).map_err(open_error)?;
        connection.execute_batch("begin").map_err(open_error)?;
        Ok(Self { connection: Some(connection), reading: None })
    }

    /// Makes and migrates a database, and begins to write to it.
    ///
    /// # Errors
    /// [`ConnectError`]
    pub async fn target(options: &SqliteOptions) -> Result<Self, ConnectError> {
        SqliteStore::migrate(options).await?;
        let connection = Opener::new(options)?.open_writer().map_err(open_error)?;
        connection.execute_batch("begin immediate").map_err(open_error)?;
        Ok(Self { connection: Some(connection), reading: None })
    }

    /// Does work off the async threads.
    async fn run<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&Connection) -> Result<T, CopyError> + Send + 'static,
    ) -> Result<T, CopyError> {
        let connection = self.connection.take().ok_or_else(|| failed("a call was dropped"))?;
        let done = spawn_blocking(move || (work(&connection), connection)).await;
        let (outcome, connection) = done.map_err(failed)?;
        self.connection = Some(connection);
        outcome
    }
}

fn failed(source: impl Into<Box<dyn Error + Send + Sync>>) -> CopyError {
    CopyError::Failed { database: "SQLite", source: source.into() }
}

#[async_trait]
impl CopyEnd for SqliteCopy {
    async fn tables(&mut self) -> Result<Vec<CopyTable>, CopyError> {
        self.run(|connection| tables(connection).map_err(failed)?.into_iter().collect()).await
    }

    async fn open(&mut self, plan: &CopyPlan) -> Result<(), CopyError> {
        let table = plan.table.clone();
        let position = self.run(move |connection| position(connection, &table).map_err(failed)).await?;
        self.reading = Some(Reading { plan: plan.clone(), position, last: Vec::new() });
        Ok(())
    }

    async fn next(&mut self, limit: u32) -> Result<Vec<CopyRow>, CopyError> {
        let Some(reading) = self.reading.take() else { return Ok(Vec::new()) };
        let (rows, reading) = self.run(move |connection| read(connection, reading, limit)).await?;
        self.reading = Some(reading);
        Ok(rows)
    }

    /// The transaction excludes all others that write.
    async fn lock(&mut self, _table: &str) -> Result<(), CopyError> {
        Ok(())
    }

    async fn write(&mut self, plan: &CopyPlan, rows: &[CopyRow]) -> Result<(), CopyError> {
        let (plan, rows) = (plan.clone(), rows.to_vec());
        self.run(move |connection| write(connection, &plan, &rows)).await
    }

    /// SQLite gives new rows numbers behind the largest one by itself.
    async fn commit(&mut self) -> Result<(), CopyError> {
        let commit = "commit; pragma wal_checkpoint(truncate)";
        self.run(|connection| connection.execute_batch(commit).map_err(failed)).await
    }
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Selects one column of text.
fn texts(connection: &Connection, select: &str, table: &str) -> Result<Vec<String>, rusqlite::Error> {
    let mut statement = connection.prepare(select)?;
    let rows = statement.query_map([table], |row| row.get(0))?;
    rows.collect()
}

type Found = Vec<Result<CopyTable, CopyError>>;

fn tables(connection: &Connection) -> Result<Found, rusqlite::Error> {
    const TABLES: &str =
        "select name from sqlite_schema where type = 'table' and name not like 'sqlite\\_%' escape '\\'
        and ?1 = ?1 order by name";
    let names = texts(connection, TABLES, "")?;
    let of = |name: String| {
        let columns = texts(connection, "select name from pragma_table_info(?1)", &name)?;
        let references = texts(connection, r#"select distinct "table" from pragma_foreign_key_list(?1)"#, &name)?;
        let count = format!("select count(*) from {}", quoted(&name));
        let rows: i64 = connection.query_row(&count, [], |row| row.get(0))?;
        let columns = columns.into_iter().map(|name| CopyColumn { name, kind: None }).collect();
        Ok(Ok(CopyTable { name, columns, references, rows: rows.unsigned_abs() }))
    };
    names.into_iter().map(of).collect()
}

/// Returns the columns that name a row of a table: its number, or its primary key if rows have no numbers.
fn position(connection: &Connection, table: &str) -> Result<Vec<String>, rusqlite::Error> {
    const IS_NUMBERED: &str = "select not wr from pragma_table_list where schema = 'main' and name = ?1";
    if connection.query_row(IS_NUMBERED, [table], |row| row.get(0))? {
        return Ok(vec!["rowid".to_owned()]);
    }
    let key = texts(connection, "select name from pragma_table_info(?1) where pk > 0 order by pk", table)?;
    Ok(key.iter().map(|name| quoted(name)).collect())
}

fn read(connection: &Connection, mut reading: Reading, limit: u32) -> Result<(Vec<CopyRow>, Reading), CopyError> {
    let Reading { plan, position, last } = &mut reading;
    let columns: Vec<_> = plan.columns.iter().map(|(name, _)| quoted(name)).collect();
    let behind = match last.len() {
        0 => String::new(),
        length => format!("where ({}) > ({})", position.join(", "), vec!["?"; length].join(", ")),
    };
    let select = format!(
        "select {} from {} {behind} order by {} limit {limit}",
        [&columns[..], position].concat().join(", "),
        quoted(&plan.table),
        position.join(", "),
    );
    let mut statement = connection.prepare_cached(&select).map_err(failed)?;
    let mut found = statement.query(params_from_iter(last.iter())).map_err(failed)?;
    let (mut rows, mut behind) = (Vec::new(), Vec::new());
    while let Some(row) = found.next().map_err(failed)? {
        rows.push(read_row(row, plan)?);
        let places = plan.columns.len()..plan.columns.len() + position.len();
        behind = places.map(|place| row.get(place)).collect::<Result<Vec<Value>, _>>().map_err(failed)?;
    }
    drop(found);
    drop(statement);
    if !rows.is_empty() {
        *last = behind;
    }
    Ok((rows, reading))
}

fn read_row(row: &Row<'_>, plan: &CopyPlan) -> Result<CopyRow, CopyError> {
    let mut values = CopyRow::with_capacity(plan.columns.len());
    for (place, (column, kind)) in plan.columns.iter().enumerate() {
        let value = row.get_ref(place).map_err(failed)?;
        let value = canonical(value, *kind).map_err(|problem| CopyError::Value {
            table: plan.table.clone(),
            column: column.clone(),
            row: values.first().cloned().flatten().unwrap_or_default(),
            problem,
        })?;
        values.push(value);
    }
    Ok(values)
}

/// Returns a value in the one form of its kind, read as the store reads it.
#[expect(clippy::cast_possible_truncation, reason = "a number of milliseconds saturates, as instants do")]
fn canonical(value: ValueRef<'_>, kind: CopyKind) -> Result<Option<String>, &'static str> {
    let text = |bytes| std::str::from_utf8(bytes).map_err(|_| "it is not UTF-8");
    Ok(Some(match (kind, value) {
        (_, ValueRef::Null) => return Ok(None),
        (_, ValueRef::Blob(_)) => return Err("it is of bytes"),
        (CopyKind::Text, ValueRef::Text(bytes)) => match text(bytes)? {
            text if text.contains('\0') => return Err("it has U+0000"),
            text => text.to_owned(),
        },
        (CopyKind::Text, ValueRef::Integer(number)) | (CopyKind::Flag, ValueRef::Integer(number @ (0 | 1))) => {
            number.to_string()
        }
        (CopyKind::Text, ValueRef::Real(number)) => number.to_string(),
        (CopyKind::Instant, ValueRef::Text(bytes)) => {
            Timestamp::from_stored(text(bytes)?).map_err(|_| "it is not an instant")?.to_string()
        }
        (CopyKind::Instant, ValueRef::Integer(millis)) => Timestamp::from_millis(millis).to_string(),
        (CopyKind::Instant, ValueRef::Real(millis)) => Timestamp::from_millis(millis as i64).to_string(),
        (CopyKind::Flag, _) => return Err("it is neither true nor false"),
        (CopyKind::Number(bits), ValueRef::Integer(number)) => {
            let (min, max) = (i64::MIN >> (64 - bits), i64::MAX >> (64 - bits));
            if !(min..=max).contains(&number) {
                return Err("it is larger than the other database's column holds");
            }
            number.to_string()
        }
        // Whatever JavaScript wrote as a fraction counts as the nearest whole number.
        (CopyKind::Number(bits), ValueRef::Real(number)) => {
            let count = i64::try_from(keymint_domain::value::stored::count_of_real(number)).unwrap_or(i64::MAX);
            return canonical(ValueRef::Integer(count), CopyKind::Number(bits));
        }
        (CopyKind::Number(_), ValueRef::Text(_)) => return Err("it is not a number"),
    }))
}

fn write(connection: &Connection, plan: &CopyPlan, rows: &[CopyRow]) -> Result<(), CopyError> {
    let columns: Vec<_> = plan.columns.iter().map(|(name, _)| quoted(name)).collect();
    let insert = format!(
        "insert into {} ({}) values ({})",
        quoted(&plan.table),
        columns.join(", "),
        vec!["?"; columns.len()].join(", "),
    );
    let mut statement = connection.prepare_cached(&insert).map_err(failed)?;
    for row in rows {
        for (place, ((column, kind), value)) in plan.columns.iter().zip(row).enumerate() {
            let bound: &dyn ToSql = match (kind, value) {
                (CopyKind::Flag | CopyKind::Number(_), Some(text)) => {
                    &text.parse::<i64>().map_err(|_| CopyError::Value {
                        table: plan.table.clone(),
                        column: column.clone(),
                        row: row.first().cloned().flatten().unwrap_or_default(),
                        problem: "it is not a number",
                    })?
                }
                (_, value) => value,
            };
            statement.raw_bind_parameter(place + 1, bound).map_err(failed)?;
        }
        statement.raw_execute().map_err(failed)?;
    }
    Ok(())
}

impl std::fmt::Debug for SqliteCopy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SqliteCopy").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_read_as_the_store_reads_it() {
        let read = |value, kind| canonical(value, kind).map(Option::unwrap_or_default);
        let instant = "2026-02-03T04:05:06.000Z";
        for (value, kind, text) in [
            (ValueRef::Text(b"2026-02-03 04:05:06"), CopyKind::Instant, instant),
            (ValueRef::Integer(1_770_091_506_000), CopyKind::Instant, instant),
            (ValueRef::Real(1_770_091_506_000.0), CopyKind::Instant, instant),
            (ValueRef::Integer(1), CopyKind::Flag, "1"),
            (ValueRef::Real(7.0), CopyKind::Number(32), "7"),
            (ValueRef::Integer(2_147_483_648), CopyKind::Number(64), "2147483648"),
            (ValueRef::Integer(7), CopyKind::Text, "7"),
        ] {
            assert_eq!(read(value, kind).as_deref(), Ok(text));
        }
        for (value, kind) in [
            (ValueRef::Integer(2_147_483_648), CopyKind::Number(32)),
            (ValueRef::Integer(2), CopyKind::Flag),
            (ValueRef::Text(b"a\0"), CopyKind::Text),
            (ValueRef::Text(b"soon"), CopyKind::Instant),
            (ValueRef::Text(b"many"), CopyKind::Number(32)),
            (ValueRef::Blob(b"a"), CopyKind::Text),
        ] {
            assert!(read(value, kind).is_err(), "{value:?}");
        }
    }
}

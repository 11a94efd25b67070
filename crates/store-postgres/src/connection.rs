use async_trait::async_trait;
use futures_util::TryStreamExt as _;
use keymint_store_sql::{Dialect, ReadConnection, Statement, StatementError, TakeRow, Value, WriteConnection};
use sqlx::postgres::{PgArguments, PgConnection};
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, Connection as _, query, raw_sql};

use crate::dialect::{SHARDED, WHOLE};
use crate::error::statement_error;
use crate::instant::Instant;
use crate::lent::Lent;
use crate::lock::lock;
use crate::row::ReadRow;

/// Begins a transaction whose statements see the commits before each of them, whatever the server's default is: a
/// statement that waited for a row then reads it as it was committed.
pub(crate) const BEGIN: &str = "begin isolation level read committed";

#[async_trait]
impl ReadConnection for Lent {
    fn dialect(&self) -> &'static dyn Dialect {
        if self.shards().is_some() { SHARDED } else { WHOLE }
    }

    fn divide<'t>(&self, texts: Vec<&'t str>) -> Vec<Vec<&'t str>> {
        match self.shards() {
            Some(shards) => shards.divide(texts),
            None if texts.is_empty() => Vec::new(),
            None => vec![texts],
        }
    }

    async fn fetch(&mut self, statement: Statement<'_>, take: &mut TakeRow<'_>) -> Result<(), StatementError> {
        let outcome = fetch(self, statement, take).await;
        settled(self, outcome).await
    }
}

#[async_trait]
impl WriteConnection for Lent {
    async fn execute(&mut self, statement: Statement<'_>) -> Result<u64, StatementError> {
        let outcome = bind(statement).execute(&mut **self).await;
        settled(self, outcome).await.map(|done| done.rows_affected())
    }

    async fn begin(&mut self) -> Result<(), StatementError> {
        self.run(BEGIN).await
    }

    async fn commit(&mut self) -> Result<(), StatementError> {
        self.run("commit").await
    }

    async fn rollback(&mut self) -> Result<(), StatementError> {
        self.run("rollback").await
    }

    async fn lock(&mut self, name: &str) -> Result<(), StatementError> {
        lock(self, name).await.map_err(statement_error)
    }
}

impl Lent {
    /// Runs a statement without values, unprepared: a pooler may give the next transaction another session.
    ///
    /// # Errors
    /// The statement failed.
    pub(crate) async fn run(&mut self, statement: &'static str) -> Result<(), StatementError> {
        raw_sql(statement).execute(&mut **self).await.map(drop).map_err(statement_error)
    }
}

async fn fetch(
    connection: &mut PgConnection,
    statement: Statement<'_>,
    take: &mut TakeRow<'_>,
) -> Result<(), sqlx::Error> {
    let mut rows = bind(statement).fetch(connection);
    while let Some(row) = rows.try_next().await? {
        if take(&ReadRow(&row)).is_break() {
            break;
        }
    }
    Ok(())
}

/// Waits for the end of a statement that the server refused. The server tells a failure before it frees the statement's
/// rows, and whoever looks for rows that are not locked would pass over them.
async fn settled<T>(connection: &mut PgConnection, outcome: Result<T, sqlx::Error>) -> Result<T, StatementError> {
    let outcome = outcome.map_err(statement_error);
    if matches!(outcome, Err(StatementError::Dangling | StatementError::Refused(_))) {
        connection.ping().await.map_err(statement_error)?;
    }
    outcome
}

pub(crate) fn bind<'q>(statement: Statement<'_>) -> Query<'q, sqlx::Postgres, PgArguments> {
    let (text, values) = statement.into_parts();
    values.into_iter().fold(query(AssertSqlSafe(text)), |query, value| match value {
        Value::Text(text) => query.bind(text),
        Value::Texts(texts) => query.bind(texts),
        Value::Integer(number) => query.bind(number),
        Value::Flag(flag) => query.bind(flag),
        Value::Instant(instant) => query.bind(instant.map(Instant)),
    })
}

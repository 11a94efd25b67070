use std::ops::DerefMut;

use async_trait::async_trait;
use futures_util::TryStreamExt as _;
use keymint_store_sql::{Dialect, ReadConnection, Statement, StatementError, TakeRow};
use sqlx::query::Query;
use sqlx::sqlite::{SqliteArguments, SqliteConnection};
use sqlx::{AssertSqlSafe, query};

use crate::dialect::{Kept, Sqlite};
use crate::row::ReadRow;

/// Calls a function with a reading connection of a store as its first argument, within a deadline.
macro_rules! read {
    ($store:expr, $function:path $(, $argument:expr)* $(,)?) => {
        $store.bound(async { $function(&mut $store.reader().await? $(, $argument)*).await }).await
    };
}

/// A connection that reads, or a transaction on one.
pub(crate) struct Reader<C>(pub(crate) C);

#[async_trait]
impl<C: DerefMut<Target = SqliteConnection> + Send> ReadConnection for Reader<C> {
    fn dialect(&self) -> &'static dyn Dialect {
        &Sqlite
    }

    async fn fetch(&mut self, statement: Statement<'_>, take: &mut TakeRow<'_>) -> Result<(), StatementError> {
        let mut rows = bind(statement).fetch(&mut *self.0);
        while let Some(row) = rows.try_next().await.map_err(StatementError::unavailable)? {
            if take(&ReadRow(&row)).is_break() {
                break;
            }
        }
        Ok(())
    }
}

fn bind<'q>(statement: Statement<'_>) -> Query<'q, sqlx::Sqlite, SqliteArguments> {
    let (text, values) = statement.into_parts();
    values.into_iter().fold(query(AssertSqlSafe(text)), |query, value| match Kept::from(value) {
        Kept::Text(text) => query.bind(text),
        Kept::Integer(number) => query.bind(number),
    })
}

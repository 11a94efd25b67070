use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use keymint_ports::StoreError;
use sqlx::sqlite::SqliteConnection;
use tokio::sync::{Mutex, MutexGuard};
use tokio::time::timeout;

use crate::connect::Opener;
use crate::error::store_error;
use crate::file::DatabaseFile;

/// The one connection that writes, because SQLite has one writer at a time anyway: calls of this process wait here in
/// their order, not in SQLite's busy loop.
///
/// A connection is lent, and comes back only from a call that ended. Where the store fails, or a call is dropped
/// half-way, its connection is closed, which rolls back whatever was open, and the next call opens a new one.
pub(crate) struct Writer {
    opener: Opener,
    idle: Mutex<Option<SqliteConnection>>,
    file: Arc<DatabaseFile>,
}

/// The writing connection, on loan.
pub(crate) struct Lent<'a> {
    idle: MutexGuard<'a, Option<SqliteConnection>>,
    connection: SqliteConnection,
}

impl Writer {
    pub(crate) fn new(opener: Opener, connection: SqliteConnection, file: Arc<DatabaseFile>) -> Self {
        Self { opener, idle: Mutex::new(Some(connection)), file }
    }

    /// Lends the connection, once all calls before this one are done with it.
    pub(crate) async fn lend(&self) -> Result<Lent<'_>, StoreError> {
        let idle = timeout(self.opener.patience, self.idle.lock()).await;
        let mut idle = idle.map_err(|_| StoreError::unavailable("other calls of this process keep on writing"))?;
        self.file.check()?;
        let connection = match idle.take() {
            Some(connection) => connection,
            None => self.opener.open().await.map_err(store_error)?,
        };
        Ok(Lent { idle, connection })
    }
}

impl Lent<'_> {
    /// Ends a call. Its connection is given back unless the store failed: a failure may have left it in any state.
    pub(crate) fn finish<T>(mut self, outcome: Result<T, StoreError>) -> Result<T, StoreError> {
        if !matches!(outcome, Err(StoreError::Unavailable(_))) {
            *self.idle = Some(self.connection);
        }
        outcome
    }
}

impl Deref for Lent<'_> {
    type Target = SqliteConnection;

    fn deref(&self) -> &SqliteConnection {
        &self.connection
    }
}

impl DerefMut for Lent<'_> {
    fn deref_mut(&mut self) -> &mut SqliteConnection {
        &mut self.connection
    }
}

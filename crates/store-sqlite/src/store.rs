use std::fmt;
use std::sync::Arc;

use keymint_ports::{Connections, StoreError};
use sqlx::sqlite::SqlitePool;
use tokio::time::timeout;

use crate::connect::{Opener, readers};
use crate::file::DatabaseFile;
use crate::layout::Layout;
use crate::writer::{BatchConnection, Writer, too_slow};
use crate::{ConnectError, SqliteOptions, migrate};

/// A handle on what Keymint keeps in a SQLite database. Other handles, processes and Better Auth servers may use the same file.
pub struct SqliteStore {
    pub(crate) writer: Writer,
    readers: SqlitePool,
    file: Arc<DatabaseFile>,
    pub(crate) layout: Layout,
}

impl SqliteStore {
    /// Opens the database, which is made where it is missing, and brings its tables up to date where they are not.
    pub async fn connect(options: &SqliteOptions) -> Result<Self, ConnectError> {
        let opener = Opener::new(options)?;
        let mut connection = opener.open().await.map_err(|error| opener.explain(error))?;
        opener.check_writable()?;
        let layout = migrate::migrate(&mut connection, options).await?;
        let file = Arc::new(DatabaseFile::open(&opener)?);
        let writer = Writer::new(opener, connection, Arc::clone(&file));
        Ok(Self { writer, readers: readers(options)?, file, layout })
    }

    /// The connections that read.
    pub(crate) fn readers(&self) -> Result<&SqlitePool, StoreError> {
        self.file.check()?;
        Ok(&self.readers)
    }

    /// Waits for a call, and gives it up when it takes as long as nothing but a disk that hangs. The outcome is unknown then. The
    /// connection of a call that writes is closed once its statement has ended, and nobody else writes before that.
    pub(crate) async fn bound<T: Send>(
        &self,
        call: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> Result<T, StoreError> {
        timeout(self.writer.deadline(), call).await.unwrap_or_else(|_| Err(too_slow()))
    }

    /// The connections that read, and are open now. Beside them are up to two that write, in turns.
    pub fn connections(&self) -> Connections {
        Connections::new(usize::try_from(self.readers.size()).unwrap_or(usize::MAX), self.readers.num_idle())
    }

    /// Ends the use of this handle, once the calls under way are done: folds the write-ahead log into the file, and closes
    /// the connections. `true`: the file alone is whole. `false`: another process was reading, so that the log still
    /// holds a part; the last process to close the file folds it.
    ///
    /// Errors: the file cannot be written; it is no longer the one that was opened; or a call does not end, since its disk
    /// hangs. What was answered is in the log that was opened.
    pub async fn close(&self) -> Result<bool, StoreError> {
        let ended = timeout(self.writer.deadline().saturating_mul(2), self.end()).await;
        ended.unwrap_or_else(|_| Err(StoreError::unavailable("a call on the file does not end")))
    }

    async fn end(&self) -> Result<bool, StoreError> {
        self.readers.close().await;
        self.writer.end_checkpoint().await;
        let is_whole = self.writer.batch(fold).await;
        self.writer.close().await;
        self.file.release();
        is_whole
    }

    /// Brings the tables of the database up to date, and no more.
    pub async fn migrate(options: &SqliteOptions) -> Result<(), ConnectError> {
        let store = Self::connect(options).await?;
        // What it leaves undone, the next to open the file does.
        drop(store.close().await);
        Ok(())
    }
}

/// Copies all of the write-ahead log into the file, and empties it. `false` where somebody was in the way.
fn fold(batches: &mut BatchConnection) -> Result<bool, StoreError> {
    let is_busy = batches.connection.query_row("pragma wal_checkpoint(truncate)", [], |row| row.get::<_, bool>(0));
    is_busy.map(|is_busy| !is_busy).map_err(StoreError::unavailable)
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore").field("layout", &self.layout).finish_non_exhaustive()
    }
}

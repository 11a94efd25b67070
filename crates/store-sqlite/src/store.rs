use std::fmt;
use std::sync::Arc;

use keymint_ports::{Connections, StoreError};
use keymint_store_sql::Layout;
use sqlx::Connection as _;
use sqlx::Sqlite;
use sqlx::pool::PoolConnection;
use sqlx::sqlite::SqlitePool;
use tokio::time::timeout;

use crate::connect::{Opener, readers};
use crate::file::DatabaseFile;
use crate::reader::Reader;
use crate::writer::{Writer, WriterConnection, too_slow};
use crate::{ConnectError, SqliteOptions, migrate};

/// A handle on Keymint's rows in a SQLite database. Other handles, processes and Better Auth servers may use the same
/// file.
pub struct SqliteStore {
    pub(crate) writer: Writer,
    readers: SqlitePool,
    file: Arc<DatabaseFile>,
    pub(crate) layout: Layout,
}

impl SqliteStore {
    /// Opens the database, makes it if it is missing, and brings its tables up to date if they are not.
    ///
    /// # Errors
    /// The database cannot be used; [`ConnectError`] says why.
    pub async fn connect(options: &SqliteOptions) -> Result<Self, ConnectError> {
        let opener = Opener::new(options)?;
        let mut migrating = opener.open_migrating().await.map_err(|error| opener.explain(error))?;
        opener.check_writable()?;
        let layout = migrate::migrate(&mut migrating, options).await?;
        let file = Arc::new(DatabaseFile::open(&opener)?);
        // Only now, so that the log stays in its place.
        drop(migrating.close().await);
        let writer = Writer::new(opener, Arc::clone(&file));
        Ok(Self { writer, readers: readers(options)?, file, layout })
    }

    /// Returns the connections that read.
    ///
    /// # Errors
    /// The database is no longer the one that was opened.
    pub(crate) fn readers(&self) -> Result<&SqlitePool, StoreError> {
        self.file.check()?;
        Ok(&self.readers)
    }

    /// Takes a connection that reads.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`]
    pub(crate) async fn reader(&self) -> Result<Reader<PoolConnection<Sqlite>>, StoreError> {
        self.readers()?.acquire().await.map(Reader).map_err(StoreError::unavailable)
    }

    /// Waits for a call that reads, with the deadline of one that writes: only a disk that hangs takes as long.
    ///
    /// # Errors
    /// Those of the call, and [`StoreError::Unavailable`] after the deadline.
    pub(crate) async fn bound<T: Send>(
        &self,
        call: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> Result<T, StoreError> {
        timeout(self.writer.deadline(), call).await.unwrap_or_else(|_| Err(too_slow()))
    }

    /// Returns the number of connections that read and are open now. Beside them is one that writes.
    pub fn connections(&self) -> Connections {
        Connections::new(usize::try_from(self.readers.size()).unwrap_or(usize::MAX), self.readers.num_idle())
    }

    /// Closes this handle after the calls under way: copies the write-ahead log into the file, and closes the
    /// connections. Returns `true` if the file alone is complete. Returns `false` if another process was reading, so
    /// the log still has a part; the last process that closes the file copies it.
    ///
    /// # Errors
    /// The file cannot be written; it is no longer the one that was opened; or a call does not end, since its disk
    /// hangs. Every change that was answered is in the log that was opened.
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

    /// Returns the names of the migrations, in their order. All of them have run on a database that is open.
    pub fn migrations() -> Vec<String> {
        migrate::migrations()
    }

    /// Brings the tables of the database up to date, and no more.
    ///
    /// # Errors
    /// Those of [`SqliteStore::connect`].
    pub async fn migrate(options: &SqliteOptions) -> Result<(), ConnectError> {
        let store = Self::connect(options).await?;
        // The next to open the file does what this leaves undone.
        drop(store.close().await);
        Ok(())
    }
}

/// Copies all of the write-ahead log into the file, and empties it. Returns `false` if somebody was in the way.
fn fold(writer: &mut WriterConnection) -> Result<bool, StoreError> {
    let is_busy = writer.connection.query_row("pragma wal_checkpoint(truncate)", [], |row| row.get::<_, bool>(0));
    is_busy.map(|is_busy| !is_busy).map_err(StoreError::unavailable)
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore").field("layout", &self.layout).finish_non_exhaustive()
    }
}

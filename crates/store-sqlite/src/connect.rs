use std::io;
use std::path::{Path, PathBuf, absolute};
use std::time::Duration;

use rusqlite::OpenFlags;
use sqlx::ConnectOptions as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePool, SqlitePoolOptions};
use tempfile::NamedTempFile;
use tokio::time::{sleep, timeout};

use crate::error::{is_busy, is_read_only, is_unopened, open_error};
use crate::{ConnectError, SqliteOptions, checkpoint};
use keymint_ports::Durability;

/// The number of prepared statements that a writing connection keeps. Those of batches must not be evicted.
const STATEMENTS: usize = 128;

/// Opens connections to the file.
pub(crate) struct Opener {
    path: PathBuf,
    pub(crate) synchronous: &'static str,
    /// The most memory for pages, as SQLite takes it: negative, in KiB.
    cache_kib: i64,
    options: SqliteConnectOptions,
    /// The time to wait for others.
    pub(crate) patience: Duration,
}

impl Opener {
    /// Makes the file if it is missing.
    ///
    /// # Errors
    /// The file is missing and must not be made, or cannot be made.
    pub(crate) fn new(options: &SqliteOptions) -> Result<Self, ConnectError> {
        let path = absolute(&options.path).map_err(open_error)?;
        if options.must_exist && !path.exists() {
            return Err(ConnectError::Missing { path });
        }
        make_private(&path).map_err(open_error)?;
        let synchronous = match options.durability {
            Durability::Full => "full",
            Durability::Normal => "normal",
        };
        let connection = connection(&path, options)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .foreign_keys(true)
            .pragma("synchronous", synchronous);
        let cache_kib = -(i64::from(options.cache_mib) * 1024);
        Ok(Self { path, synchronous, cache_kib, options: connection, patience: patience(options) })
    }

    /// Opens the connection that migrates. SQLite does not wait for others while it switches a new file to the
    /// write-ahead log, so that processes that start at once wait here.
    pub(crate) async fn open_migrating(&self) -> Result<SqliteConnection, sqlx::Error> {
        const PAUSE: Duration = Duration::from_millis(10);
        let mut busy = sqlx::Error::PoolTimedOut;
        let patiently = async {
            loop {
                match self.options.connect().await {
                    Err(error) if is_busy(&error) => busy = error,
                    outcome => return outcome,
                }
                sleep(PAUSE).await;
            }
        };
        let outcome = timeout(self.patience, patiently).await;
        outcome.unwrap_or(Err(busy))
    }

    /// Converts an error of [`Opener::open_migrating`] to one that says what can be done about it.
    pub(crate) fn explain(&self, error: sqlx::Error) -> ConnectError {
        // A log or an index of somebody else's, beside a file of ours, cannot be opened either.
        if is_read_only(&error) || (is_unopened(&error) && self.path.is_file()) {
            return ConnectError::ReadOnly { path: self.path.clone() };
        }
        open_error(error)
    }

    /// Fails if the file may only be read, which SQLite reports only when somebody writes.
    ///
    /// # Errors
    /// [`ConnectError::ReadOnly`], [`ConnectError::Open`]
    pub(crate) fn check_writable(&self) -> Result<(), ConnectError> {
        let connection = self.open_writer().map_err(open_error)?;
        match connection.is_readonly(rusqlite::MAIN_DB) {
            Ok(true) => Err(ConnectError::ReadOnly { path: self.path.clone() }),
            Ok(false) => Ok(()),
            Err(error) => Err(open_error(error)),
        }
    }

    /// Opens a connection that writes.
    pub(crate) fn open_writer(&self) -> Result<rusqlite::Connection, rusqlite::Error> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = rusqlite::Connection::open_with_flags(&self.path, flags)?;
        connection.busy_timeout(self.patience)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        connection.pragma_update(None, "foreign_keys", true)?;
        connection.pragma_update(None, "synchronous", self.synchronous)?;
        connection.pragma_update(None, "cache_size", self.cache_kib)?;
        // A statement that changes several rows keeps the pages as they were, in case a row fails: by default in a file.
        connection.pragma_update(None, "temp_store", "memory")?;
        checkpoint::watch(&connection);
        Ok(connection)
    }
}

/// Opens the connections that read, each at its first use.
///
/// # Errors
/// The path has no absolute form.
pub(crate) fn readers(options: &SqliteOptions) -> Result<SqlitePool, ConnectError> {
    let path = absolute(&options.path).map_err(open_error)?;
    let pool = SqlitePoolOptions::new()
        .max_connections(options.readers.max(1))
        .acquire_timeout(patience(options))
        // There is no network between this process and the file that a connection could get lost on.
        .test_before_acquire(false)
        .idle_timeout(None)
        .max_lifetime(None);
    Ok(pool.connect_lazy_with(connection(&path, options).pragma("query_only", "on")))
}

fn connection(path: &Path, options: &SqliteOptions) -> SqliteConnectOptions {
    // The path is absolute, so that none is taken for SQLite's `:memory:` or `file:`.
    SqliteConnectOptions::new().filename(path).busy_timeout(patience(options)).disable_statement_logging()
}

/// Returns the time to wait for others. SQLite counts these milliseconds in 32 bits.
pub(crate) fn patience(options: &SqliteOptions) -> Duration {
    const MAX_MS: u64 = i32::MAX.unsigned_abs() as u64;
    Duration::from_millis(options.busy_timeout_ms.min(MAX_MS))
}

/// Makes the file if there is none, readable and writable by its owner alone; SQLite gives its log the same rights.
///
/// The file is created under another name and then renamed. Closing a file drops every lock that this process has on
/// it, so a file that another handle may have opened must never be opened here.
fn make_private(path: &Path) -> io::Result<()> {
    let Some(folder) = path.parent().filter(|_| !path.exists()) else {
        return Ok(());
    };
    match NamedTempFile::new_in(folder)?.into_temp_path().persist_noclobber(path) {
        Err(lost_race) if lost_race.error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        outcome => outcome.map_err(|failure| failure.error),
    }
}

#[cfg(test)]
mod tests {
    use sqlx::query_scalar;

    use super::*;

    #[tokio::test]
    async fn connections_are_told_what_the_options_say() {
        let folder = tempfile::tempdir().unwrap();
        for (durability, synchronous) in [(Durability::Full, 2), (Durability::Normal, 1)] {
            let options = SqliteOptions { durability, ..SqliteOptions::new(folder.path().join("keymint.db")) };
            let opener = Opener::new(&options).unwrap();
            let mut writer = opener.open_migrating().await.unwrap();
            let ask = |question| query_scalar::<_, i64>(question);
            assert_eq!(ask("pragma synchronous").fetch_one(&mut writer).await.unwrap(), synchronous);
            assert_eq!(ask("pragma foreign_keys").fetch_one(&mut writer).await.unwrap(), 1);
            assert_eq!(ask("pragma busy_timeout").fetch_one(&mut writer).await.unwrap(), 5000);
            let mode = query_scalar::<_, String>("pragma journal_mode").fetch_one(&mut writer).await.unwrap();
            assert_eq!(mode, "wal");
            let batches = opener.open_writer().unwrap();
            let told = [
                ("synchronous", synchronous),
                ("foreign_keys", 1),
                ("busy_timeout", 5000),
                ("wal_autocheckpoint", 0),
                ("cache_size", -2048),
                ("temp_store", 2),
            ];
            for (pragma, value) in told {
                let ask = |row: &rusqlite::Row<'_>| row.get::<_, i64>(0);
                assert_eq!(batches.pragma_query_value(None, pragma, ask), Ok(value), "{pragma}");
            }
            let readers = readers(&options).unwrap();
            assert_eq!(ask("pragma query_only").fetch_one(&readers).await.unwrap(), 1);
        }
    }

    #[test]
    fn any_patience_is_taken() {
        let options = SqliteOptions { busy_timeout_ms: u64::MAX, ..SqliteOptions::new("keymint.db") };
        assert_eq!(patience(&options), Duration::from_millis(2_147_483_647));
    }
}

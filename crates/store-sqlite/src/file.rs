use std::fs::{Metadata, metadata};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use keymint_ports::StoreError;
use rusqlite::Connection;
use rusqlite::config::DbConfig;
use tokio::time::sleep;

use crate::ConnectError;
use crate::connect::Opener;
use crate::error::open_error;

/// The files of the opened database: the file, its write-ahead log and the log's index. A connection keeps them even if
/// other files take their names. It would not see the writes to those, and a revoked key would stay valid.
#[derive(Debug)]
pub(crate) struct DatabaseFile {
    parts: Vec<Part>,
    /// An idle connection. While it is open, SQLite does not remove log and index, even if every other connection
    /// closes.
    pin: Mutex<Option<Connection>>,
    /// True for [`SELDOM`] after a look that found all files in their places.
    was_seen: Arc<AtomicBool>,
}

/// The pause between two looks at the log and its index by batches.
const SELDOM: Duration = Duration::from_millis(10);

#[derive(Debug)]
struct Part {
    path: PathBuf,
    identity: (u64, u64),
}

impl DatabaseFile {
    /// Remembers the files as they are now. Somebody must have switched the database to the write-ahead log.
    ///
    /// # Errors
    /// [`ConnectError::Open`]
    pub(crate) fn open(opener: &Opener) -> Result<Self, ConnectError> {
        let pin = opener.open_writer().map_err(open_error)?;
        // The first statement opens log and index.
        pin.query_row("select count(*) from sqlite_schema", [], |_| Ok(())).map_err(open_error)?;
        // As SQLite resolved it: the log is beside the file itself, not beside a link to it.
        let path = pin.path().unwrap_or_default().to_owned();
        let parts = ["", "-wal", "-shm"].map(|ending| Part::at(PathBuf::from(format!("{path}{ending}"))));
        let parts = parts.into_iter().collect::<Result<_, _>>().map_err(open_error)?;
        Ok(Self { parts, pin: Mutex::new(Some(pin)), was_seen: Arc::default() })
    }

    /// Fails if one of the files is no longer at its path.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`]
    pub(crate) fn check(&self) -> Result<(), StoreError> {
        self.parts.iter().try_for_each(Part::check)
    }

    /// Checks the file itself, and once in 10 ms its log and the log's index.
    ///
    /// Every batch does this. With a look at all three files per batch, batches became smaller and verifications fewer,
    /// by a tenth.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`]
    pub(crate) fn check_in_passing(&self) -> Result<(), StoreError> {
        if self.was_seen.load(Ordering::Relaxed) {
            return self.parts.first().map_or(Ok(()), Part::check);
        }
        self.check()?;
        self.was_seen.store(true, Ordering::Relaxed);
        let was_seen = Arc::clone(&self.was_seen);
        tokio::spawn(async move {
            sleep(SELDOM).await;
            was_seen.store(false, Ordering::Relaxed);
        });
        Ok(())
    }

    /// Lets the log go, once all other connections are closed.
    pub(crate) fn release(&self) {
        let pin = self.pin.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(pin) = pin
            && self.check().is_err()
        {
            // The last connection would copy its log over the writes of others to the file. If SQLite cannot be told
            // not to, the connection stays open until the process ends.
            if pin.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).is_err() {
                std::mem::forget(pin);
            }
        }
    }
}

impl Drop for DatabaseFile {
    fn drop(&mut self) {
        self.release();
    }
}

impl Part {
    fn at(path: PathBuf) -> io::Result<Self> {
        let identity = identity(&metadata(&path)?);
        Ok(Self { path, identity })
    }

    fn check(&self) -> Result<(), StoreError> {
        const GONE: &str = "the database file or its log was moved, deleted or replaced; a restart uses what is there";
        match metadata(&self.path) {
            Ok(found) if identity(&found) == self.identity => Ok(()),
            Ok(_) => Err(StoreError::unavailable(GONE)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(StoreError::unavailable(GONE)),
            Err(error) => Err(StoreError::unavailable(error)),
        }
    }
}

fn identity(metadata: &Metadata) -> (u64, u64) {
    (metadata.dev(), metadata.ino())
}

//! Backups of a database that is in use.

use std::error::Error;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf, absolute};

use rusqlite::{Connection, OpenFlags};
use tempfile::NamedTempFile;
use tokio::task::spawn_blocking;

use crate::connect::patience;
use crate::{SqliteOptions, SqliteStore};

/// The reason why there is no backup. Nothing is left behind, and the database is as it was.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// A file of that name exists. It is left alone.
    #[error("there is a file at {} already", path.display())]
    Exists {
        /// The path of the file.
        path: PathBuf,
    },
    /// The database cannot be copied: it is missing, locked or damaged, or the disk is full.
    #[error("the database cannot be copied")]
    Copy(#[source] Box<dyn Error + Send + Sync>),
    /// The backup cannot be written: its folder is missing, or may not be written to.
    #[error("the backup cannot be written")]
    Write(#[source] io::Error),
}

impl SqliteStore {
    /// Copies the database into a new file at `to`, readable by its owner only. The copy is a snapshot. Other
    /// connections can write meanwhile, and do not wait. The copy is on the disk when this returns.
    ///
    /// The database is only read. It is neither created nor migrated, so a backup can be taken before an upgrade.
    ///
    /// # Errors
    /// [`BackupError`]
    pub async fn backup(options: &SqliteOptions, to: &Path) -> Result<(), BackupError> {
        let (options, to) = (options.clone(), to.to_owned());
        let done = spawn_blocking(move || backup(&options, &to));
        done.await.map_err(|error| BackupError::Copy(error.into()))?
    }
}

fn backup(options: &SqliteOptions, to: &Path) -> Result<(), BackupError> {
    let (from, to) = (absolute(&options.path).map_err(copy_error)?, absolute(to).map_err(BackupError::Write)?);
    if to.symlink_metadata().is_ok() {
        return Err(BackupError::Exists { path: to });
    }
    let folder = to.parent().unwrap_or(Path::new("/"));
    // Under another name until it is complete, so a file with the name of a backup is one.
    let file = NamedTempFile::new_in(folder).map_err(BackupError::Write)?;
    // Not `CREATE`: a missing database must not be created.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(&from, flags).map_err(copy_error)?;
    connection.busy_timeout(patience(options)).map_err(copy_error)?;
    // One reading transaction. SQLite's backup API would start again each time another connection has written.
    let path = file.path().to_str().ok_or_else(|| BackupError::Write(io::ErrorKind::InvalidFilename.into()))?;
    connection.execute("vacuum into ?1", [path]).map_err(copy_error)?;
    // SQLite does not wait for the disk here.
    file.as_file().sync_all().map_err(BackupError::Write)?;
    file.into_temp_path().persist_noclobber(&to).map_err(|failure| match failure.error.kind() {
        io::ErrorKind::AlreadyExists => BackupError::Exists { path: to.clone() },
        _ => BackupError::Write(failure.error),
    })?;
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(BackupError::Write)
}

fn copy_error(error: impl Into<Box<dyn Error + Send + Sync>>) -> BackupError {
    BackupError::Copy(error.into())
}

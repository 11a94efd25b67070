use std::path::Path;

use keymint_store_sqlite::SqliteStore;

use super::store::sqlite_options;
use crate::config::{Database, DatabaseUrl};

/// The failure of a backup.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// SQLite could not be backed up.
    #[error(transparent)]
    Sqlite(#[from] keymint_store_sqlite::BackupError),
    /// Postgres has better tools of its own.
    #[error(
        "Postgres is backed up by its own tools: pg_dump --format=custom --file=FILE --dbname=URL, with the URL of \
         database.url"
    )]
    Postgres,
    /// A database in memory is only accessible to its own process.
    #[error("a database in memory is gone when its server ends, and cannot be backed up")]
    Memory,
}

/// Copies the database into a new file at `to`, beside a running server.
///
/// # Errors
///
/// Returns [`BackupError::Sqlite`] if the copy fails, and the other variants for databases that are not SQLite.
pub async fn backup(database: &Database, to: &Path) -> Result<(), BackupError> {
    match &database.url {
        DatabaseUrl::Memory => Err(BackupError::Memory),
        DatabaseUrl::Sqlite { path } => Ok(SqliteStore::backup(&sqlite_options(database, path), to).await?),
        DatabaseUrl::Postgres { .. } => Err(BackupError::Postgres),
    }
}

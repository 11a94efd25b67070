use std::path::Path;

use keymint_store_sqlite::SqliteStore;

use super::store::sqlite_options;
use crate::config::{Database, DatabaseUrl};

/// Why there is no backup.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// SQLite's.
    #[error(transparent)]
    Sqlite(#[from] keymint_store_sqlite::BackupError),
    /// Postgres has tools of its own, which know more about it than this one could.
    #[error(
        "Postgres is backed up by its own tools: pg_dump --format=custom --file=FILE --dbname=URL, with the URL of \
         database.url"
    )]
    Postgres,
    /// A database in memory is another process's alone.
    #[error("a database in memory is gone when its server ends, and cannot be backed up")]
    Memory,
}

/// Copies the database into a new file at `to`, beside a running server.
pub async fn backup(database: &Database, to: &Path) -> Result<(), BackupError> {
    match &database.url {
        DatabaseUrl::Memory => Err(BackupError::Memory),
        DatabaseUrl::Sqlite { path } => Ok(SqliteStore::backup(&sqlite_options(database, path), to).await?),
        DatabaseUrl::Postgres { .. } => Err(BackupError::Postgres),
    }
}

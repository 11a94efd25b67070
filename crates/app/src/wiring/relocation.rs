use keymint_ports::CopyEnd;
use keymint_service::{MoveError, MoveProgress, Moved, move_database};
use keymint_store_postgres::PgCopy;
use keymint_store_sqlite::SqliteCopy;

use super::store::{OpenError, postgres_options, sqlite_options};
use crate::config::{Database, DatabaseUrl};

/// The failure of a move between databases. The target has no rows of it.
#[derive(Debug, thiserror::Error)]
pub enum RelocationError {
    /// One of the databases cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The databases are of one kind, or one of them is in memory.
    #[error(
        "a move goes from SQLite to Postgres, or back; `keymint backup` copies a SQLite database, and pg_dump a Postgres \
         database"
    )]
    Kinds,
    /// The rows were not moved.
    #[error(transparent)]
    Move(#[from] MoveError),
}

/// Copies everything in a database into another one of the other kind, which must be empty.
///
/// # Errors
///
/// Returns [`RelocationError`].
pub async fn relocate(
    from: &Database,
    to: &Database,
    progress: &mut (dyn FnMut(MoveProgress) + Send),
) -> Result<Moved, RelocationError> {
    let (mut source, mut target): (Box<dyn CopyEnd>, Box<dyn CopyEnd>) = match (&from.url, &to.url) {
        (DatabaseUrl::Sqlite { path }, DatabaseUrl::Postgres { url }) => {
            let source = SqliteCopy::source(&sqlite_options(from, path)).map_err(OpenError::from)?;
            let target = PgCopy::target(&postgres_options(to, url.expose())).await.map_err(OpenError::from)?;
            (Box::new(source), Box::new(target))
        }
        (DatabaseUrl::Postgres { url }, DatabaseUrl::Sqlite { path }) => {
            let source = PgCopy::source(&postgres_options(from, url.expose())).await.map_err(OpenError::from)?;
            let target = SqliteCopy::target(&sqlite_options(to, path)).await.map_err(OpenError::from)?;
            (Box::new(source), Box::new(target))
        }
        _ => return Err(RelocationError::Kinds),
    };
    Ok(move_database(&mut *source, &mut *target, progress).await?)
}

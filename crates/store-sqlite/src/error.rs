use std::error::Error;
use std::path::PathBuf;

use keymint_store_sql::{StatementError, describe_missing_columns};
use rusqlite::ffi;

/// The reason why a database cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The file cannot be opened or made.
    #[error("the database cannot be opened")]
    Open(#[source] Box<dyn Error + Send + Sync>),
    /// The tables cannot be brought up to date. Nothing was changed.
    #[error("the database cannot be migrated")]
    Migrate(#[source] Box<dyn Error + Send + Sync>),
    /// The table of keys is older than Better Auth's api-key plugin 1.5. Nothing was changed.
    #[error("{}", describe_missing_columns(missing))]
    Layout {
        /// The columns of `apikey` that are not there.
        missing: Vec<&'static str>,
    },
    /// A view instead of a table, columns of unsuitable types, or required columns that Keymint does not know. Nothing
    /// was changed.
    #[error("the database cannot be used as it is: {}", listed(faults))]
    Unfit {
        /// Everything that is wrong.
        faults: Vec<Fault>,
    },
    /// The file or its folder may not be written.
    #[error("{} or its folder may not be written, and every use of a key is written: let this user write both", path.display())]
    ReadOnly {
        /// The file.
        path: PathBuf,
    },
    /// The file does not exist, and must not be created.
    #[error("there is no database at {}; `keymint migrate` makes one", path.display())]
    Missing {
        /// Its path.
        path: PathBuf,
    },
    /// Keymint has never used this database, and must not create its tables.
    #[error("there are no keys in {}: it has no table keymint_migrations; `keymint migrate` makes the tables", path.display())]
    Unused {
        /// The file.
        path: PathBuf,
    },
}

/// A fault that keeps a database from being used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// A column of another type, in which SQLite changes what is written.
    #[error("{table}.{column} is {found}, and must be {expected}")]
    Column {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
        /// The type that it must have.
        expected: &'static str,
        /// The type that it has.
        found: String,
    },
    /// A view instead of a table.
    #[error("{table} is a view, and must be a table")]
    View {
        /// The table.
        table: &'static str,
    },
    /// A required column that Keymint does not know.
    #[error(
        "{table}.{column} is not null without a default, and must be nullable or have one: Keymint writes no such column"
    )]
    Required {
        /// The table.
        table: &'static str,
        /// The column.
        column: String,
    },
}

fn listed(faults: &[Fault]) -> String {
    faults.iter().map(Fault::to_string).collect::<Vec<_>>().join("; ")
}

pub(crate) fn open_error(error: impl Into<Box<dyn Error + Send + Sync>>) -> ConnectError {
    ConnectError::Open(error.into())
}

pub(crate) fn migrate_error(error: impl Into<Box<dyn Error + Send + Sync>>) -> ConnectError {
    ConnectError::Migrate(error.into())
}

/// Converts the failure of a statement on the connection that writes.
pub(crate) fn statement_error(error: rusqlite::Error) -> StatementError {
    let code = error.sqlite_error().map(|refusal| refusal.extended_code);
    match code {
        Some(ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY) => StatementError::Duplicate,
        Some(ffi::SQLITE_CONSTRAINT_FOREIGNKEY) => StatementError::Dangling,
        // SQLite reports some foreign keys like triggers, and triggers keep rows too.
        Some(code) if code & 0xff == ffi::SQLITE_CONSTRAINT => StatementError::Refused(error.into()),
        // Locks, a full disk, a crashed worker: all of them may pass.
        _ => StatementError::unavailable(error),
    }
}

/// Returns `true` if another connection holds the lock.
pub(crate) fn is_busy(error: &sqlx::Error) -> bool {
    const SQLITE_BUSY: i64 = 5;
    has_code(error, SQLITE_BUSY)
}

/// Returns `true` if the database may only be read.
pub(crate) fn is_read_only(error: &sqlx::Error) -> bool {
    const SQLITE_READONLY: i64 = 8;
    has_code(error, SQLITE_READONLY)
}

/// Returns `true` if a file could not be opened: the database's, or one that SQLite makes beside it.
pub(crate) fn is_unopened(error: &sqlx::Error) -> bool {
    const SQLITE_CANTOPEN: i64 = 14;
    has_code(error, SQLITE_CANTOPEN)
}

/// Compares the lowest byte of a code, which the others only refine.
fn has_code(error: &sqlx::Error, wanted: i64) -> bool {
    let code = error.as_database_error().and_then(|refusal| refusal.code()?.parse::<i64>().ok());
    code.is_some_and(|code| code & 0xff == wanted)
}

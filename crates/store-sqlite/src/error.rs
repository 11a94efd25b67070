use std::error::Error;
use std::path::PathBuf;

use keymint_ports::StoreError;

/// Why a database cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The file cannot be opened or made.
    #[error("the database cannot be opened")]
    Open(#[source] Box<dyn Error + Send + Sync>),
    /// The tables cannot be brought up to date. Nothing was changed.
    #[error("the database cannot be migrated")]
    Migrate(#[source] Box<dyn Error + Send + Sync>),
    /// The table of keys is older than Better Auth's api-key plugin 1.5. Nothing was changed.
    #[error("{}", describe_layout(missing))]
    Layout {
        /// The columns of `apikey` that are not there.
        missing: Vec<&'static str>,
    },
    /// A view in the place of a table, columns of other types than Keymint can use, or columns that it would have to write and does
    /// not know. Nothing was changed.
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
    /// There is no such file, and none was to be made.
    #[error("there is no database at {}; `keymint migrate` makes one", path.display())]
    Missing {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// Keymint has never used this database, and was not to begin now.
    #[error("there are no keys in {}: it has no table keymint_migrations; `keymint migrate` makes the tables", path.display())]
    Unused {
        /// The file.
        path: PathBuf,
    },
}

/// What keeps a database from being used.
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
    /// A view in the place of a table.
    #[error("{table} is a view, and must be a table")]
    View {
        /// The table.
        table: &'static str,
    },
    /// A column that must be given a value, and that Keymint does not know.
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

fn describe_layout(missing: &[&str]) -> String {
    let missing = missing.join(", ");
    format!(
        "the table apikey lacks {missing}: Better Auth's own migration to the api-key plugin 1.5 or later must run first"
    )
}

pub(crate) fn open_error(error: impl Into<Box<dyn Error + Send + Sync>>) -> ConnectError {
    ConnectError::Open(error.into())
}

pub(crate) fn migrate_error(error: impl Into<Box<dyn Error + Send + Sync>>) -> ConnectError {
    ConnectError::Migrate(error.into())
}

/// Says what the caller can do about a failed statement. Values that cannot be read never get here: a row's reader
/// reports them itself.
pub(crate) fn store_error(error: sqlx::Error) -> StoreError {
    match &error {
        sqlx::Error::Database(refusal) if refusal.is_unique_violation() => StoreError::Duplicate,
        sqlx::Error::Database(refusal) if refusal.is_foreign_key_violation() => StoreError::Dangling,
        // Locks, a full disk, a crashed worker: all of them may pass.
        _ => StoreError::unavailable(error),
    }
}

/// Says the same of a statement that removes rows. SQLite tells of some keys to other tables as of triggers, and triggers
/// keep rows too.
pub(crate) fn removal_error(error: sqlx::Error) -> StoreError {
    let code = error.as_database_error().and_then(|refusal| refusal.code()?.parse().ok());
    if code.is_some_and(is_constraint) { StoreError::Referenced } else { store_error(error) }
}

/// Whether a constraint of the database forbids what was to be done.
pub(crate) fn is_constraint(code: i32) -> bool {
    const SQLITE_CONSTRAINT: i32 = 19;
    code & 0xff == SQLITE_CONSTRAINT
}

/// Whether another connection holds the lock.
pub(crate) fn is_busy(error: &sqlx::Error) -> bool {
    const SQLITE_BUSY: i64 = 5;
    has_code(error, SQLITE_BUSY)
}

/// Whether the database may only be read.
pub(crate) fn is_read_only(error: &sqlx::Error) -> bool {
    const SQLITE_READONLY: i64 = 8;
    has_code(error, SQLITE_READONLY)
}

/// Whether a file could not be opened: the database's, or one that SQLite makes beside it.
pub(crate) fn is_unopened(error: &sqlx::Error) -> bool {
    const SQLITE_CANTOPEN: i64 = 14;
    has_code(error, SQLITE_CANTOPEN)
}

/// The lowest byte is the code, the others say more about it.
fn has_code(error: &sqlx::Error, wanted: i64) -> bool {
    let code = error.as_database_error().and_then(|refusal| refusal.code()?.parse::<i64>().ok());
    code.is_some_and(|code| code & 0xff == wanted)
}

use std::error::Error;

use keymint_ports::StoreError;

/// Why a database cannot be used. No text of it, nor of its sources, holds the URL or a value of a row.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The URL cannot be read.
    #[error("the database URL cannot be read")]
    Url(#[source] Box<dyn Error + Send + Sync>),
    /// The server does not answer, or does not let us in.
    #[error("the database cannot be reached")]
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
}

fn describe_layout(missing: &[&str]) -> String {
    let missing = missing.join(", ");
    format!(
        "the table apikey lacks {missing}: Better Auth's own migration to the api-key plugin 1.5 or later must run first"
    )
}

pub(crate) fn url_error(error: sqlx::Error) -> ConnectError {
    ConnectError::Url(scrubbed(error))
}

pub(crate) fn open_error(error: sqlx::Error) -> ConnectError {
    ConnectError::Open(scrubbed(error))
}

/// A failed migration is told by its text alone, which names the migration.
pub(crate) fn migrate_error(error: impl Error) -> ConnectError {
    ConnectError::Migrate(error.to_string().into())
}

/// A lock was waited for as long as `lock_timeout` says.
const LOCK_NOT_AVAILABLE: &str = "55P03";

/// Says what the caller can do about a failed statement. Values that cannot be read never get here: a row's reader
/// reports them itself.
pub(crate) fn store_error(error: sqlx::Error) -> StoreError {
    match &error {
        sqlx::Error::Database(refusal) if refusal.is_unique_violation() => StoreError::Duplicate,
        sqlx::Error::Database(refusal) if refusal.is_foreign_key_violation() => StoreError::Dangling,
        sqlx::Error::Database(refusal) if refusal.code().as_deref() == Some(LOCK_NOT_AVAILABLE) => StoreError::Locked,
        // Timeouts, lost connections, a server that starts or stops: all of them may pass.
        _ => StoreError::unavailable(scrubbed(error)),
    }
}

/// Whether the server ended a statement for the sake of another one that was faster. Nothing of it was kept.
pub(crate) fn lost_race(error: &sqlx::Error) -> bool {
    const SERIALIZATION_FAILURE: &str = "40001";
    const DEADLOCK_DETECTED: &str = "40P01";
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    code.is_some_and(|code| [SERIALIZATION_FAILURE, DEADLOCK_DETECTED].contains(&&*code))
}

/// Whether the connection is of no use any more: it was closed, or the server is about to close it.
pub(crate) fn is_broken(error: &sqlx::Error) -> bool {
    // `admin_shutdown`, `crash_shutdown` and their like.
    const OPERATOR_INTERVENTION: &str = "57P0";
    match error {
        sqlx::Error::Io(_) | sqlx::Error::Protocol(_) => true,
        sqlx::Error::Database(refusal) => refusal.code().is_some_and(|code| code.starts_with(OPERATOR_INTERVENTION)),
        _ => false,
    }
}

/// Of what the server says, only code and message: its details quote whole rows, hashes included.
fn scrubbed(error: sqlx::Error) -> Box<dyn Error + Send + Sync> {
    match error {
        sqlx::Error::Database(refusal) => {
            format!("{} (SQLSTATE {})", refusal.message(), refusal.code().unwrap_or_default()).into()
        }
        other => other.into(),
    }
}

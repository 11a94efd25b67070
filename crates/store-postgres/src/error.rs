use std::error::Error;

use keymint_ports::StoreError;
use keymint_store_sql::{StatementError, describe_missing_columns};

/// The reason why a database cannot be used. No text of it, nor of its sources, holds the URL or a value of a row.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The URL cannot be read.
    #[error("the database URL cannot be read")]
    Url(#[source] Box<dyn Error + Send + Sync>),
    /// The server does not answer, or does not let us in.
    #[error("the database cannot be reached")]
    Open(#[source] Box<dyn Error + Send + Sync>),
    /// None of the hosts takes writes.
    #[error("no host of the database takes writes: {}", hosts.join("; "))]
    NoHost {
        /// Each host, with the reason.
        hosts: Vec<String>,
    },
    /// Hosts of the URL belong to different databases.
    #[error("{} and {} are no copies of one database: their system identifiers differ", hosts[0], hosts[1])]
    Strangers {
        /// Two of the hosts.
        hosts: [String; 2],
    },
    /// The tables cannot be brought up to date. Nothing was changed.
    #[error("the database cannot be migrated")]
    Migrate(#[source] Box<dyn Error + Send + Sync>),
    /// The table of keys is older than Better Auth's api-key plugin 1.5. Nothing was changed.
    #[error("{}", describe_missing_columns(missing))]
    Layout {
        /// The columns of `apikey` that are not there.
        missing: Vec<&'static str>,
    },
    /// A view instead of a table, columns of unsuitable types, required columns that Keymint does not know, or rights
    /// that its role lacks. Nothing was changed.
    #[error("the database cannot be used as it is: {}", listed(faults))]
    Unfit {
        /// Everything that is wrong.
        faults: Vec<Fault>,
    },
    /// The keys of the target of a copy are in shards, where a row also belongs to tables that a copy does not know.
    #[error("its keys are in shards of Citus: move to a database that is not distributed, and distribute that one")]
    Sharded,
    /// The tables are not up to date, and this role may not change them. Nothing was changed.
    #[error(
        "the tables are not up to date, and the role {role} may not change them: {refusal}; run `keymint migrate` once as \
         the role that owns them"
    )]
    MayNotMigrate {
        /// The role of the connection.
        role: String,
        /// The server's words.
        refusal: String,
    },
    /// Another session keeps a lock that a migration needs. Nothing was changed.
    #[error(
        "the database cannot be migrated, since it waits too long for {what}: {}; wait for its end, or end it by \
         pg_terminate_backend",
        seen(holders)
    )]
    MigrationWaits {
        /// The thing that it waits for.
        what: &'static str,
        /// The sessions that keep the lock, with their roles, applications and times.
        holders: Vec<String>,
    },
    /// A pooler gives each transaction another session, and does not track prepared statements.
    #[error(
        "{found}: it keeps no prepared statements, so that most requests would fail; give Keymint's user or database \
         pool_mode = session there, or use PgBouncer 1.21 or later with max_prepared_statements above 0"
    )]
    ForgetfulPooler {
        /// The server and the pooler behind the URL.
        found: String,
    },
    /// The server's certificate is of a form that no TLS library of today takes.
    #[error(
        "the server's certificate is of X.509 version 1 (UnsupportedCertVersion), as Citus makes one for itself, which has no \
         place for the server's name: \
         make it anew as version 3, as `openssl req -x509 -addext subjectAltName=DNS:HOST` does, or give the URL \
         sslmode=disable if nobody else is on the network"
    )]
    OldCertificate,
    /// The server is a worker of Citus, whose advisory locks nobody else sees.
    #[error("the server is a worker of Citus; database.url must name the coordinator")]
    CitusWorker,
    /// The table of keys is distributed in another way than by the text of a key.
    #[error(
        "the table apikey is distributed by {column}, and must be by key: undo it by select undistribute_table('apikey', cascade_via_foreign_keys => true), and run `keymint migrate --distribute`"
    )]
    OtherDistribution {
        /// The column.
        column: String,
    },
    /// Keys are in shards on nodes that the coordinator does not know any more. Citus then refuses all statements on keys.
    #[error(
        "{shards} of apikey's shards are on nodes that the coordinator does not know any more, of the groups {groups}: \
         add each again by select citus_add_node('HOST', PORT, GROUP)"
    )]
    LostShards {
        /// The number of shards.
        shards: String,
        /// The numbers that Citus has for the nodes.
        groups: String,
    },
    /// Keymint has never used this database, and must not create its tables.
    #[error(
        "there are no keys in this database: it has no table keymint_migrations; `keymint migrate` makes the tables"
    )]
    Missing,
}

/// A fault that keeps a database from being used, or a part of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// A column of another type.
    #[error("{table}.{column} is {found}, and must be {expected}")]
    Column {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
        /// The type that it must have.
        expected: String,
        /// The type that it has.
        found: String,
    },
    /// A view, or something else, instead of a table.
    #[error("{table} is {found}, and must be a table")]
    Relation {
        /// The table.
        table: &'static str,
        /// The kind of the relation.
        found: &'static str,
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
    /// A right that the role lacks.
    #[error("the role lacks {right} on {table}, for {purpose}")]
    Right {
        /// The table.
        table: &'static str,
        /// The right.
        right: &'static str,
        /// The purpose that fails without it.
        purpose: &'static str,
    },
}

impl Fault {
    /// Returns the table that is not as it must be.
    pub fn table(&self) -> &'static str {
        match self {
            Self::Column { table, .. }
            | Self::Relation { table, .. }
            | Self::Required { table, .. }
            | Self::Right { table, .. } => table,
        }
    }

    pub(crate) fn column(
        table: &'static str,
        column: &'static str,
        expected: impl Into<String>,
        found: impl Into<String>,
    ) -> Self {
        Self::Column { table, column, expected: expected.into(), found: found.into() }
    }

    pub(crate) fn relation(table: &'static str, found: &'static str) -> Self {
        Self::Relation { table, found }
    }

    pub(crate) fn required(table: &'static str, column: &str) -> Self {
        Self::Required { table, column: column.to_owned() }
    }

    pub(crate) fn right(table: &'static str, right: &'static str, purpose: &'static str) -> Self {
        Self::Right { table, right, purpose }
    }
}

fn listed(faults: &[Fault]) -> String {
    faults.iter().map(Fault::to_string).collect::<Vec<_>>().join("; ")
}

fn seen(holders: &[String]) -> String {
    if holders.is_empty() { "nobody is seen to hold it any more".to_owned() } else { holders.join(", ") }
}

pub(crate) fn url_error<E: Error + Send + Sync + 'static>(error: E) -> ConnectError {
    ConnectError::Url(error.into())
}

pub(crate) fn open_error(error: sqlx::Error) -> ConnectError {
    if is_of_an_old_certificate(&error) { ConnectError::OldCertificate } else { ConnectError::Open(scrubbed(error)) }
}

/// Returns `true` if the server showed a certificate of another version than 3, which the TLS library cannot read.
fn is_of_an_old_certificate(error: &dyn Error) -> bool {
    error.to_string().contains("UnsupportedCertVersion") || error.source().is_some_and(is_of_an_old_certificate)
}

/// Returns `true` if a program between us and the server does not take settings at the start of a session.
pub(crate) fn refuses_settings(error: &sqlx::Error) -> bool {
    // PgBouncer's words, and those of the proxy of Amazon's RDS.
    const WORDS: [&str; 2] = ["startup parameter", "command-line options"];
    let refusal = error.as_database_error().map(sqlx::error::DatabaseError::message);
    refusal.is_some_and(|refusal| WORDS.iter().any(|words| refusal.contains(words)))
}

/// Keeps only the text of a failed migration, which names the migration.
pub(crate) fn migrate_error(error: impl Error) -> ConnectError {
    ConnectError::Migrate(error.to_string().into())
}

/// The code of a statement that waited for a lock as long as `lock_timeout` allows.
const LOCK_NOT_AVAILABLE: &str = "55P03";

/// Returns `true` if waiting for a lock timed out.
pub(crate) fn is_locked(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    code.is_some_and(|code| code == LOCK_NOT_AVAILABLE)
}

/// Converts the failure of a statement. A value that cannot be read never gets here: the reader of its row reports it.
pub(crate) fn statement_error(error: sqlx::Error) -> StatementError {
    const INTEGRITY_CONSTRAINT_VIOLATION: &str = "23";
    const RAISE_EXCEPTION: &str = "P0001";
    let sqlx::Error::Database(refusal) = &error else {
        return StatementError::Unavailable(scrubbed(error));
    };
    match refusal.code().as_deref() {
        _ if refusal.is_unique_violation() => StatementError::Duplicate,
        _ if refusal.is_foreign_key_violation() => StatementError::Dangling,
        // One of two that waited for each other was aborted, or so it seemed to Citus, which looks at its nodes one by one.
        _ if is_locked(&error) || lost_race(&error) => StatementError::Locked,
        Some(code) if code.starts_with(INTEGRITY_CONSTRAINT_VIOLATION) || code == RAISE_EXCEPTION => {
            StatementError::Refused(scrubbed(error))
        }
        // Timeouts, lost connections, a server that starts or stops: all of them may pass.
        _ => StatementError::Unavailable(scrubbed(error)),
    }
}

/// Converts the failure of a statement that removes nothing.
pub(crate) fn store_error(error: sqlx::Error) -> StoreError {
    statement_error(error).into()
}

/// Returns `true` if the server aborted a statement because of a conflict. It changed nothing.
pub(crate) fn lost_race(error: &sqlx::Error) -> bool {
    const SERIALIZATION_FAILURE: &str = "40001";
    const DEADLOCK_DETECTED: &str = "40P01";
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    code.is_some_and(|code| [SERIALIZATION_FAILURE, DEADLOCK_DETECTED].contains(&&*code))
}

/// Returns `true` if the role lacks a right, or there is no schema that it may use.
pub(crate) fn is_forbidden(error: &sqlx::Error) -> bool {
    const INSUFFICIENT_PRIVILEGE: &str = "42501";
    const INVALID_SCHEMA_NAME: &str = "3F000";
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    code.is_some_and(|code| [INSUFFICIENT_PRIVILEGE, INVALID_SCHEMA_NAME].contains(&&*code))
}

/// Returns `true` if the connection is of no use any more: it was closed, or the server is about to close it.
pub(crate) fn is_broken(error: &sqlx::Error) -> bool {
    // `admin_shutdown`, `crash_shutdown` and their like.
    const OPERATOR_INTERVENTION: &str = "57P0";
    match error {
        sqlx::Error::Io(_) | sqlx::Error::Protocol(_) => true,
        sqlx::Error::Database(refusal) => refusal.code().is_some_and(|code| code.starts_with(OPERATOR_INTERVENTION)),
        _ => false,
    }
}

/// Keeps only code and message of an error of the server: its details quote whole rows, hashes included.
pub(crate) fn scrubbed(error: sqlx::Error) -> Box<dyn Error + Send + Sync> {
    match error {
        sqlx::Error::Database(refusal) => {
            format!("{} (SQLSTATE {})", refusal.message(), refusal.code().unwrap_or_default()).into()
        }
        other => other.into(),
    }
}

/// Returns `true` if a column can hold the text. Postgres refuses U+0000, so that no row has a text with it.
pub(crate) fn is_storable(text: &str) -> bool {
    !text.contains('\0')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_that_cannot_be_read_is_said_to_be_old() {
        // As rustls says it.
        let refused = sqlx::Error::Tls("invalid peer certificate: Other(OtherError(UnsupportedCertVersion))".into());
        assert!(matches!(open_error(refused), ConnectError::OldCertificate));
        let unknown = sqlx::Error::Tls("invalid peer certificate: UnknownIssuer".into());
        assert!(matches!(open_error(unknown), ConnectError::Open(_)));
    }
}

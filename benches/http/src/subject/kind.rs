use clap::ValueEnum;
use serde::Serialize;

use crate::keys::named;

named!(Engine, Kind);

/// The subjects that can be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Kind {
    /// An endpoint that parses the request and answers with a verification's bytes.
    Bare,
    /// Keymint on SQLite, durability full.
    Sqlite,
    /// The same with `defer_usage`.
    SqliteDeferred,
    /// The same as `sqlite` without events, usage, notices and webhooks.
    SqliteUnrecorded,
    /// Keymint on Postgres, durability full.
    Postgres,
    /// The same with `defer_usage`.
    PostgresDeferred,
    /// The same as `postgres` without events, usage, notices and webhooks.
    PostgresUnrecorded,
    /// Keymint in its own memory.
    Memory,
    /// Better Auth on SQLite: WAL, synchronous full.
    BetterAuthSqlite,
    /// Better Auth on Postgres.
    BetterAuthPostgres,
}

/// The database of a subject's keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Engine {
    /// A file, durability full.
    Sqlite,
    /// A server of its own, durability full.
    Postgres,
}

impl Kind {
    /// Returns its database; `None` = it has none.
    pub(crate) fn engine(self) -> Option<Engine> {
        match self {
            Self::Bare | Self::Memory => None,
            Self::Sqlite | Self::SqliteDeferred | Self::SqliteUnrecorded | Self::BetterAuthSqlite => {
                Some(Engine::Sqlite)
            }
            Self::Postgres | Self::PostgresDeferred | Self::PostgresUnrecorded | Self::BetterAuthPostgres => {
                Some(Engine::Postgres)
            }
        }
    }

    pub(crate) fn is_better_auth(self) -> bool {
        matches!(self, Self::BetterAuthSqlite | Self::BetterAuthPostgres)
    }

    pub(crate) fn is_keymint(self) -> bool {
        self != Self::Bare && !self.is_better_auth()
    }

    /// Returns true if it writes the usage of keys without a quota after its answers.
    pub(crate) fn defers_usage(self) -> bool {
        matches!(self, Self::SqliteDeferred | Self::PostgresDeferred)
    }

    /// Returns true if it keeps no record: no events, no usage, no notices.
    pub(crate) fn is_unrecorded(self) -> bool {
        matches!(self, Self::SqliteUnrecorded | Self::PostgresUnrecorded)
    }

    /// Returns true if several processes of Keymint can share its database.
    pub(crate) fn is_shared(self) -> bool {
        self.is_keymint() && self.engine().is_some()
    }
}

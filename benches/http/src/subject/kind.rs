use std::fmt;

use clap::ValueEnum;
use serde::Serialize;

/// What can be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Kind {
    /// An endpoint that parses the request and answers with a verification's bytes.
    Bare,
    /// Keymint on SQLite, durability full.
    Sqlite,
    /// Keymint on Postgres, durability full.
    Postgres,
    /// Keymint on its memory.
    Memory,
    /// Better Auth on SQLite: WAL, synchronous full.
    BetterAuthSqlite,
    /// Better Auth on Postgres.
    BetterAuthPostgres,
}

impl Kind {
    /// Whether what its keys have spent must be what was answered. A peer's books are shown, and not judged.
    pub(crate) fn keeps_quotas(self) -> bool {
        matches!(self, Self::Sqlite | Self::Postgres | Self::Memory)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Bare => "bare",
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
            Self::Memory => "memory",
            Self::BetterAuthSqlite => "better-auth-sqlite",
            Self::BetterAuthPostgres => "better-auth-postgres",
        })
    }
}

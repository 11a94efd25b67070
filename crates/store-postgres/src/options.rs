use std::fmt;

use keymint_ports::Durability;

/// The place of the database, and the way to use it.
#[derive(Clone)]
pub struct PgOptions {
    /// `postgres://user:password@host:port/database`, with libpq's parameters behind a `?`. Several hosts stand between
    /// commas; the one that takes writes is used, and followed. See [`PgUrl::parse`](crate::PgUrl::parse).
    pub url: String,
    /// The failure that an answer survives.
    pub durability: Durability,
    /// The maximum number of connections; 0 counts as 1. Half of them, and five at most, belong to batches of
    /// verifications.
    pub max_connections: u32,
    /// The milliseconds that one statement may take, waiting for locks included; 0 = any. A connection on which the
    /// server is silent for a second longer is given up, or for an hour if any time is allowed.
    pub statement_timeout_ms: u64,
    /// The milliseconds to wait for a connection.
    pub acquire_timeout_ms: u64,
    /// Makes a database that Keymint has never used an error, instead of giving it tables.
    pub must_exist: bool,
}

impl PgOptions {
    /// Returns the options of the database at `url`: full durability, 10 connections, 5 seconds for a statement and for
    /// a connection.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            durability: Durability::Full,
            max_connections: 10,
            statement_timeout_ms: 5000,
            acquire_timeout_ms: 5000,
            must_exist: false,
        }
    }
}

/// Leaves out the URL, which may hold a password.
impl fmt::Debug for PgOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { url: _, durability, max_connections, statement_timeout_ms, acquire_timeout_ms, must_exist } = self;
        f.debug_struct("PgOptions")
            .field("durability", durability)
            .field("max_connections", max_connections)
            .field("statement_timeout_ms", statement_timeout_ms)
            .field("acquire_timeout_ms", acquire_timeout_ms)
            .field("must_exist", must_exist)
            .finish_non_exhaustive()
    }
}

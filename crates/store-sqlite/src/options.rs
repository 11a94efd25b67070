use std::path::PathBuf;

use keymint_ports::Durability;

/// Where the database is, and how it is used.
#[derive(Debug, Clone)]
pub struct SqliteOptions {
    /// The file; it is made where it is missing, readable by its owner alone.
    pub path: PathBuf,
    /// What an answer survives.
    pub durability: Durability,
    /// Milliseconds to wait for another process, or for another call of this one, to finish writing.
    pub busy_timeout_ms: u64,
    /// Connections that read; 0 counts as 1.
    pub readers: u32,
    /// Whether a missing file, or one that Keymint has never used, is an error, instead of being made.
    pub must_exist: bool,
}

impl SqliteOptions {
    /// The database at `path`: full durability, 5 seconds of patience, 4 readers.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), durability: Durability::Full, busy_timeout_ms: 5000, readers: 4, must_exist: false }
    }
}

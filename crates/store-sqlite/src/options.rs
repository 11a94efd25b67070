use std::path::PathBuf;

use keymint_ports::Durability;

/// The place of the database, and the way to use it.
#[derive(Debug, Clone)]
pub struct SqliteOptions {
    /// The file. If it is missing it is made, readable by its owner alone.
    pub path: PathBuf,
    /// The failure that an answer survives.
    pub durability: Durability,
    /// The milliseconds to wait for another process, or for another call of this one, to finish writing.
    pub busy_timeout_ms: u64,
    /// The number of connections that read; 0 counts as 1.
    pub readers: u32,
    /// The most memory for pages of the file on the connection that writes, in MiB. Little of it is used while few pages
    /// are.
    pub cache_mib: u32,
    /// Makes a missing file, or one that Keymint has never used, an error.
    pub must_exist: bool,
}

impl SqliteOptions {
    /// Returns the options of the database at `path`: full durability, 5 seconds of patience, 4 readers, 2 MiB of pages.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            durability: Durability::Full,
            busy_timeout_ms: 5000,
            readers: 4,
            cache_mib: 2,
            must_exist: false,
        }
    }
}

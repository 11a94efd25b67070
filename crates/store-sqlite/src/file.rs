use std::fs::{Metadata, metadata};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use keymint_ports::StoreError;

/// The file that was opened. A connection keeps it although another one takes its name, so that a backup that is put
/// in its place would be read by some connections and not by others.
#[derive(Debug)]
pub(crate) struct DatabaseFile {
    path: PathBuf,
    identity: (u64, u64),
}

impl DatabaseFile {
    /// Remembers the file that is at `path` now.
    pub(crate) fn at(path: &Path) -> io::Result<Self> {
        Ok(Self { path: path.to_owned(), identity: identity(&metadata(path)?) })
    }

    /// Fails where the file is no longer at its path.
    pub(crate) fn check(&self) -> Result<(), StoreError> {
        const GONE: &str = "the database file was moved, deleted or replaced; a restart uses the one that is there";
        match metadata(&self.path) {
            Ok(found) if identity(&found) == self.identity => Ok(()),
            Ok(_) => Err(StoreError::unavailable(GONE)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(StoreError::unavailable(GONE)),
            Err(error) => Err(StoreError::unavailable(error)),
        }
    }
}

fn identity(metadata: &Metadata) -> (u64, u64) {
    (metadata.dev(), metadata.ino())
}

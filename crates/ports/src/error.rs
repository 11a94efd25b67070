use std::error::Error;
use std::sync::Arc;

use keymint_domain::KeyId;

/// A failure of a store, classified by what the caller can do about it.
///
/// It is cheap to clone, because one failed batch fails many attempts. The driver's own error is its
/// [`source`](Error::source).
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// A row with this id exists already. Nothing was changed.
    #[error("a row with this id exists already")]
    Duplicate,
    /// The owner has as many living keys as the insert allows. Nothing was changed.
    #[error("the owner has too many keys")]
    OwnerFull,
    /// The row refers to one that does not exist. Nothing was changed.
    #[error("the row refers to one that does not exist")]
    Dangling,
    /// Another row refers to the row, or a trigger keeps it. Nothing was changed.
    #[error("another row refers to the row")]
    Referenced,
    /// A number is larger than the store's column holds (Postgres: 2147483647). Nothing was changed.
    #[error("{column} is larger than the store's column holds")]
    OutOfRange {
        /// The column.
        column: &'static str,
    },
    /// Another transaction holds a lock on a row that the call needs. Nothing was changed; a retry may succeed.
    #[error("a row is locked by somebody else")]
    Locked,
    /// The store does not answer, or cannot do its work now. A retry may succeed.
    ///
    /// The change may have happened if the connection broke, or the call timed out, on its commit.
    #[error("the store is unavailable")]
    Unavailable(#[source] Arc<dyn Error + Send + Sync>),
    /// A row holds a value that no writer of the table writes.
    #[error("the row {} of {table} cannot be read: {column}", id.as_ref().map_or("?", |id| id.as_str()))]
    Corrupt {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
        /// The row's id, if it could be read.
        id: Option<KeyId>,
    },
}

impl StoreError {
    /// Wraps a driver's error as [`StoreError::Unavailable`].
    pub fn unavailable(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Unavailable(Arc::from(source.into()))
    }
}

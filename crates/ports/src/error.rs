use std::error::Error;
use std::sync::Arc;

use keymint_domain::KeyId;

/// What a store could not do, by what the caller can do about it.
///
/// Cheap to clone, because one failed batch fails many attempts. The driver's own error is the [`source`](Error::source).
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
    /// Somebody else keeps a row locked that the call needs. Nothing was changed; a later attempt may succeed.
    #[error("a row is locked by somebody else")]
    Locked,
    /// The store does not answer, or cannot do its work now. A later attempt may succeed. A change may or may not
    /// have happened where the connection broke, or was given up, on its commit.
    #[error("the store is unavailable")]
    Unavailable(#[source] Arc<dyn Error + Send + Sync>),
    /// A row holds what no writer of this table writes.
    #[error("the row {} of {table} cannot be read: {column}", id.as_ref().map_or("?", |id| id.as_str()))]
    Corrupt {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
        /// The row, where its id could be read.
        id: Option<KeyId>,
    },
}

impl StoreError {
    /// Wraps a driver's error as [`StoreError::Unavailable`].
    pub fn unavailable(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Unavailable(Arc::from(source.into()))
    }
}

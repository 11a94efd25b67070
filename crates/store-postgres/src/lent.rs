use std::ops::{Deref, DerefMut};

use keymint_ports::StoreError;
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnection, PgPool};
use sqlx::{Postgres, Transaction};

use crate::error::store_error;

/// A connection on loan for a transaction.
///
/// It goes back to the pool only from a call that ended. Where the store fails, or a call is dropped half-way, it is
/// closed, which rolls back whatever was open: `sqlx` does not see a transaction whose `begin` was sent but not heard of,
/// and the next call on such a connection would be lost in it.
pub(crate) struct Lent {
    connection: PoolConnection<Postgres>,
    ended: bool,
}

impl Lent {
    /// Takes a connection from the pool.
    pub(crate) async fn from(pool: &PgPool) -> Result<Self, StoreError> {
        let connection = pool.acquire().await.map_err(store_error)?;
        Ok(Self { connection, ended: false })
    }

    /// Ends a call. Its connection is given back unless the store failed: a failure may have left it in any state.
    pub(crate) fn finish<T>(self, outcome: Result<T, StoreError>) -> Result<T, StoreError> {
        if !matches!(outcome, Err(StoreError::Unavailable(_))) {
            self.give_back();
        }
        outcome
    }

    /// Gives the connection back, after a call that left it as it was.
    pub(crate) fn give_back(mut self) {
        self.ended = true;
    }
}

/// Commits what went well, and rolls back what did not: a transaction that is merely dropped keeps its locks for a while.
pub(crate) async fn end(
    transaction: Transaction<'_, Postgres>,
    outcome: Result<(), StoreError>,
) -> Result<(), StoreError> {
    match outcome {
        Ok(()) => transaction.commit().await.map_err(store_error),
        Err(StoreError::Unavailable(cause)) => Err(StoreError::Unavailable(cause)),
        Err(refusal) => {
            transaction.rollback().await.map_err(store_error)?;
            Err(refusal)
        }
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if !self.ended {
            self.connection.close_on_drop();
        }
    }
}

impl Deref for Lent {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.connection
    }
}

impl DerefMut for Lent {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.connection
    }
}

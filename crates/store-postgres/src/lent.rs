use std::ops::{Deref, DerefMut};
use std::time::Duration;

use keymint_ports::StoreError;
use sqlx::Postgres;
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnection, PgPool};
use tokio::runtime::Handle;
use tokio::time::timeout;

use crate::deadline::Deadline;
use crate::error::store_error;

/// The time that an idle connection may take to answer a ping.
pub(crate) const SIGN_OF_LIFE: Duration = Duration::from_secs(1);

/// The connections, and the time that a call on one of them may take.
pub(crate) struct Pool {
    pub(crate) connections: PgPool,
    pub(crate) deadline: Deadline,
}

impl Pool {
    /// Takes a connection.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`]
    pub(crate) async fn lend(&self) -> Result<Lent, StoreError> {
        let connection = self.connections.acquire().await.map_err(store_error)?;
        Ok(Lent { connection, ended: false })
    }
}

/// Calls a function with a connection of a pool as its first argument. The connection goes back to the pool if the call
/// ends within its deadline and the store did not fail.
macro_rules! call {
    ($pool:expr, $function:path $(, $argument:expr)* $(,)?) => {{
        let mut connection = $pool.lend().await?;
        let outcome = $pool.deadline.bound($function(&mut connection $(, $argument)*)).await;
        connection.finish(outcome)
    }};
}

/// A connection on loan.
///
/// It goes back to the pool only from a call that ended. If the store fails, or a call is dropped half-way, it is
/// closed, which rolls back an open transaction. `sqlx` does not know of a transaction whose `begin` was sent but not
/// answered; the next call on such a connection would run in it.
pub(crate) struct Lent {
    connection: PoolConnection<Postgres>,
    ended: bool,
}

impl Lent {
    /// Ends a call. Gives its connection back unless the store failed: a failure may have left it in any state.
    ///
    /// # Errors
    /// Those of the call.
    pub(crate) fn finish<T>(self, outcome: Result<T, StoreError>) -> Result<T, StoreError> {
        if !matches!(outcome, Err(StoreError::Unavailable(_) | StoreError::Locked)) {
            self.give_back();
        }
        outcome
    }

    /// Gives the connection back, after a call that left it as it was.
    pub(crate) fn give_back(mut self) {
        self.ended = true;
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        // The future owns the connection now. The pool pings it without a timeout. If the future is dropped before its
        // end, the socket is closed at once, without a message to a peer that may not read it.
        let returning = self.connection.return_to_pool();
        if self.ended
            && let Ok(runtime) = Handle::try_current()
        {
            runtime.spawn(timeout(SIGN_OF_LIFE, returning));
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

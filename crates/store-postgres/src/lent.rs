use std::ops::{Deref, DerefMut};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use keymint_ports::StoreError;
use sqlx::Postgres;
use sqlx::pool::{CloseEvent, PoolConnection};
use sqlx::postgres::{PgConnection, PgPool};
use tokio::runtime::Handle;
use tokio::time::timeout;

use crate::deadline::Deadline;
use crate::error::store_error;
use crate::shards::{ShardMap, Shards};

/// The time that an idle connection may take to answer a ping.
pub(crate) const SIGN_OF_LIFE: Duration = Duration::from_secs(1);

/// The connections, and the time that a call on one of them may take.
pub(crate) struct Pool {
    /// Those to the host that takes writes.
    connections: RwLock<PgPool>,
    pub(crate) deadline: Deadline,
    /// The database may move to another host.
    is_watched: bool,
    /// The shards of keys; `None` = keys are in one table.
    shards: Option<Arc<ShardMap>>,
}

impl Pool {
    pub(crate) fn new(
        connections: PgPool,
        deadline: Deadline,
        is_watched: bool,
        shards: Option<Arc<ShardMap>>,
    ) -> Self {
        Self { connections: RwLock::new(connections), deadline, is_watched, shards }
    }

    pub(crate) fn connections(&self) -> PgPool {
        self.connections.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes a connection, and the terms of a call on it. If the database moves meanwhile, the connection is one to its new host.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`]
    pub(crate) async fn lend(&self) -> Result<(Lent, Stay), StoreError> {
        loop {
            let connections = self.connections();
            let mut leaving = self.is_watched.then(|| connections.close_event());
            let acquired = match &mut leaving {
                None => connections.acquire().await,
                Some(leaving) => leaving.do_until(connections.acquire()).await.flatten(),
            };
            match acquired {
                // Only a move closes a pool, after it has put another one in its place.
                Err(sqlx::Error::PoolClosed) if self.is_watched => {}
                acquired => {
                    let connection = acquired.map_err(store_error)?;
                    let shards = self.shards.as_ref().map(|shards| shards.seen());
                    return Ok((Lent { connection, shards, ended: false }, Stay { deadline: self.deadline, leaving }));
                }
            }
        }
    }

    /// Uses other connections from now on. Calls on the former ones are given up, and the connections are closed.
    pub(crate) fn leave_for(&self, others: PgPool) {
        let former = std::mem::replace(&mut *self.connections.write().unwrap_or_else(PoisonError::into_inner), others);
        tokio::spawn(async move { timeout(SIGN_OF_LIFE, former.close()).await });
    }
}

/// The time for which a call may go on: until its deadline, and until the database moves to another host.
pub(crate) struct Stay {
    deadline: Deadline,
    leaving: Option<CloseEvent>,
}

impl Stay {
    /// Waits for a call, and gives it up in time.
    ///
    /// # Errors
    /// Those of the call, and [`StoreError::Unavailable`] when it is given up.
    pub(crate) async fn bound<T, E: From<StoreError>>(self, call: impl Future<Output = Result<T, E>>) -> Result<T, E> {
        self.deadline.bound(self.until_left(call)).await
    }

    /// Waits for a call that has deadlines of its own, and gives it up if the database moves. Its outcome is unknown then.
    ///
    /// # Errors
    /// Those of the call, and [`StoreError::Unavailable`] when it is given up.
    pub(crate) async fn until_left<T, E: From<StoreError>>(
        self,
        call: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        match self.leaving {
            None => call.await,
            Some(mut leaving) => leaving
                .do_until(call)
                .await
                .unwrap_or_else(|_| Err(StoreError::unavailable("the database has moved to another host").into())),
        }
    }
}

/// Calls a function with a connection of a pool as its first argument. The connection goes back to the pool if the call
/// ends within its deadline and the store did not fail.
macro_rules! call {
    ($pool:expr, $function:path $(, $argument:expr)* $(,)?) => {{
        let (mut connection, stay) = $pool.lend().await?;
        let outcome = stay.bound($function(&mut connection $(, $argument)*)).await;
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
    shards: Option<Arc<Shards>>,
    ended: bool,
}

impl Lent {
    /// Returns the shards of keys; `None` = keys are in one table.
    pub(crate) fn shards(&self) -> Option<&Arc<Shards>> {
        self.shards.as_ref()
    }

    /// Ends a call. Gives its connection back unless the store failed: a failure may have left it in any state.
    ///
    /// # Errors
    /// Those of the call.
    pub(crate) fn finish<T>(self, outcome: Result<T, StoreError>) -> Result<T, StoreError> {
        if matches!(outcome, Err(StoreError::Unavailable(_) | StoreError::Locked)) {
            self.give_up();
        } else {
            self.give_back();
        }
        outcome
    }

    /// Ends a call that failed. The connection is closed, except where another server than its own may have failed: a
    /// coordinator that answers at once ends what was begun, and its session goes on. A new session would first have to learn of
    /// the nodes, and connect to them.
    pub(crate) fn give_up(mut self) {
        if self.shards.is_some()
            && let Ok(runtime) = Handle::try_current()
        {
            runtime.spawn(timeout(SIGN_OF_LIFE, async move {
                if self.run("rollback").await.is_ok() {
                    self.give_back();
                }
            }));
        }
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

use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::Duration;

use keymint_ports::StoreError;
use sqlx::Connection as _;
use sqlx::sqlite::SqliteConnection;
use tokio::sync::{Mutex, MutexGuard};
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::checkpoint::{Checkpoint, PAGES};
use crate::connect::Opener;
use crate::error::store_error;
use crate::file::DatabaseFile;
use crate::key_store::spend::Memory;

/// What writes. SQLite has one writer at a time anyway: calls of this process wait here in their order, not in SQLite's
/// busy loop.
///
/// A connection is lent, and comes back only from a call that ended. Where the store fails, or a call is dropped
/// half-way, its connection is closed, which rolls back whatever was open, and the next call opens a new one.
pub(crate) struct Writer {
    opener: Arc<Opener>,
    idle: Arc<Mutex<Idle>>,
    file: Arc<DatabaseFile>,
    checkpoint: Checkpoint,
}

/// The connections that are not lent.
struct Idle {
    /// For statements, one at a time.
    statements: Option<SqliteConnection>,
    /// For batches of verifications, whose statements are many and small: it stays on the thread that asks, while the other
    /// one has a thread of its own, to which every statement and every value makes a trip.
    batches: Option<BatchConnection>,
    /// Pages that were written since the last checkpoint began, by an estimate: each changed row is on another one.
    pages: u64,
}

/// Pages that a call writes by the connection for statements, about: a row, and its entries in the indexes.
const PAGES_OF_A_CALL: u64 = 8;

/// The connection for batches, with what it remembers.
pub(crate) struct BatchConnection {
    pub(crate) connection: rusqlite::Connection,
    pub(crate) memory: Memory,
    /// How long to wait for other processes.
    pub(crate) patience: Duration,
}

impl BatchConnection {
    fn open(opener: &Opener) -> Result<Self, StoreError> {
        let connection = opener.open_for_batches().map_err(StoreError::unavailable)?;
        Ok(Self { connection, memory: Memory::new(), patience: opener.patience })
    }
}

/// The connection for statements, on loan.
pub(crate) struct Lent<'a> {
    idle: MutexGuard<'a, Idle>,
    connection: SqliteConnection,
}

impl Writer {
    pub(crate) fn new(opener: Opener, connection: SqliteConnection, file: Arc<DatabaseFile>) -> Self {
        let idle = Idle { statements: Some(connection), batches: None, pages: 0 };
        let opener = Arc::new(opener);
        Self { checkpoint: Checkpoint::new(Arc::clone(&opener)), opener, idle: Arc::new(Mutex::new(idle)), file }
    }

    /// Lends the connection for statements, once all calls before this one are done.
    pub(crate) async fn lend(&self) -> Result<Lent<'_>, StoreError> {
        let mut idle = self.in_turn(self.idle.lock()).await?;
        let connection = match idle.statements.take() {
            Some(connection) => connection,
            None => self.opener.open().await.map_err(store_error)?,
        };
        Ok(Lent { idle, connection })
    }

    /// Does `work` with the connection for batches, off the async threads, once all calls before this one are done. Work
    /// that has begun ends, whether or not somebody still waits for it.
    pub(crate) async fn batch<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut BatchConnection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let mut idle = self.in_turn(Arc::clone(&self.idle).lock_owned()).await?;
        let opener = Arc::clone(&self.opener);
        let done = spawn_blocking(move || {
            let mut connection = match idle.batches.take() {
                Some(connection) => connection,
                None => BatchConnection::open(&opener)?,
            };
            let before = connection.connection.total_changes();
            let outcome = work(&mut connection);
            idle.pages += connection.connection.total_changes() - before;
            if is_reusable(&outcome) {
                idle.batches = Some(connection);
            }
            outcome
        });
        done.await.map_err(StoreError::unavailable)?
    }

    /// Waits for the end of the checkpoint that is under way. Until a great deal more is written there is no other one.
    pub(crate) async fn end_checkpoint(&self) {
        self.idle.lock().await.pages = 0;
        self.checkpoint.end().await;
    }

    /// Closes the connections that are not lent. A later call opens its own.
    pub(crate) async fn close(&self) {
        let mut idle = self.idle.lock().await;
        drop(idle.batches.take());
        if let Some(connection) = idle.statements.take() {
            // What it leaves undone, the next to open the file does.
            drop(connection.close().await);
        }
    }

    async fn in_turn<G: DerefMut<Target = Idle>>(&self, turn: impl Future<Output = G>) -> Result<G, StoreError> {
        let turn = timeout(self.opener.patience, turn).await;
        let mut turn = turn.map_err(|_| StoreError::unavailable("other calls of this process keep on writing"))?;
        self.file.check()?;
        if turn.pages >= PAGES.into() {
            turn.pages = 0;
            self.checkpoint.begin(&self.idle);
        }
        Ok(turn)
    }
}

/// A failure of the store may have left its connection in any state.
fn is_reusable<T>(outcome: &Result<T, StoreError>) -> bool {
    !matches!(outcome, Err(StoreError::Unavailable(_)))
}

impl Lent<'_> {
    /// Ends a call. Its connection is given back unless the store failed.
    pub(crate) fn finish<T>(mut self, outcome: Result<T, StoreError>) -> Result<T, StoreError> {
        self.idle.pages += PAGES_OF_A_CALL;
        if is_reusable(&outcome) {
            self.idle.statements = Some(self.connection);
        }
        outcome
    }
}

impl Deref for Lent<'_> {
    type Target = SqliteConnection;

    fn deref(&self) -> &SqliteConnection {
        &self.connection
    }
}

impl DerefMut for Lent<'_> {
    fn deref_mut(&mut self) -> &mut SqliteConnection {
        &mut self.connection
    }
}

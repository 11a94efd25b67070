use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::Duration;

use keymint_ports::StoreError;
use sqlx::Connection as _;
use sqlx::sqlite::SqliteConnection;
use tokio::runtime::Handle;
use tokio::sync::{Mutex, OwnedMutexGuard};
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
/// half-way, its connection is closed, which rolls back whatever was open, and the next call opens a new one. A call that
/// hangs in the kernel cannot be closed: nobody else writes until it ends, and who waits is told so.
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
pub(crate) struct Lent {
    idle: Option<OwnedMutexGuard<Idle>>,
    /// There is one until the call ends.
    connection: Option<SqliteConnection>,
}

impl Writer {
    pub(crate) fn new(opener: Opener, connection: SqliteConnection, file: Arc<DatabaseFile>) -> Self {
        let idle = Idle { statements: Some(connection), batches: None, pages: 0 };
        let opener = Arc::new(opener);
        Self { checkpoint: Checkpoint::new(Arc::clone(&opener)), opener, idle: Arc::new(Mutex::new(idle)), file }
    }

    /// Lends the connection for statements, once all calls before this one are done.
    pub(crate) async fn lend(&self) -> Result<Lent, StoreError> {
        let mut idle = self.in_turn(Arc::clone(&self.idle).lock_owned()).await?;
        let connection = match idle.statements.take() {
            Some(connection) => connection,
            None => self.opener.open().await.map_err(store_error)?,
        };
        Ok(Lent { idle: Some(idle), connection: Some(connection) })
    }

    /// Does `work` with the connection for batches, off the async threads, once all calls before this one are done. Work
    /// that has begun ends, whether or not somebody still waits for it.
    ///
    /// Errors: what the work fails with, or that it takes longer than anything but a disk that hangs; its outcome is unknown
    /// then, and until it ends nobody else writes.
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
            } else {
                idle.has_failed();
            }
            outcome
        });
        let done = timeout(self.deadline(), done).await;
        let done = done.map_err(|_| too_slow())?;
        done.map_err(StoreError::unavailable)?
    }

    /// How long a call may take that others are not in the way of, and that waits for locks of other processes as long as it
    /// is told to.
    pub(crate) fn deadline(&self) -> Duration {
        const DISK: Duration = Duration::from_secs(1);
        self.opener.patience.saturating_add(DISK)
    }

    /// Waits for the end of the checkpoint that is under way. Until a great deal more is written there is no other one.
    pub(crate) async fn end_checkpoint(&self) {
        self.idle.lock().await.pages = 0;
        self.checkpoint.end().await;
    }

    /// Closes the connections that are not lent.
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

/// Of a call that is given up.
pub(crate) fn too_slow() -> StoreError {
    StoreError::unavailable("the disk takes too long; the outcome is unknown")
}

/// A failure of the store may have left its connection in any state.
fn is_reusable<T>(outcome: &Result<T, StoreError>) -> bool {
    !matches!(outcome, Err(StoreError::Unavailable(_)))
}

impl Idle {
    /// Lets the next call begin a checkpoint. It takes no space on a disk that is full, and the log then begins anew.
    fn has_failed(&mut self) {
        self.pages = PAGES.into();
    }
}

impl Lent {
    /// Ends a call. Its connection is given back unless the store failed.
    pub(crate) fn finish<T>(mut self, outcome: Result<T, StoreError>) -> Result<T, StoreError> {
        if is_reusable(&outcome)
            && let Some(idle) = &mut self.idle
        {
            idle.pages += PAGES_OF_A_CALL;
            idle.statements = self.connection.take();
        }
        outcome
    }
}

impl Drop for Lent {
    /// Closes a connection that was not given back. Its statement may still run: until it has ended nobody else writes.
    fn drop(&mut self) {
        if let (Some(mut idle), Some(connection)) = (self.idle.take(), self.connection.take())
            && let Ok(runtime) = Handle::try_current()
        {
            idle.has_failed();
            runtime.spawn(async move {
                drop(connection.close().await);
                drop(idle);
            });
        }
    }
}

impl Deref for Lent {
    type Target = SqliteConnection;

    fn deref(&self) -> &SqliteConnection {
        match &self.connection {
            Some(connection) => connection,
            None => unreachable!("a call that has ended has no connection"),
        }
    }
}

impl DerefMut for Lent {
    fn deref_mut(&mut self) -> &mut SqliteConnection {
        match &mut self.connection {
            Some(connection) => connection,
            None => unreachable!("a call that has ended has no connection"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use keymint_domain::policy::Policy;
    use keymint_domain::{KeyId, Timestamp};
    use keymint_ports::KeyStore as _;

    use super::*;
    use crate::{SqliteOptions, SqliteStore};

    #[tokio::test(flavor = "multi_thread")]
    async fn a_batch_that_hangs_is_unavailable_to_everybody_and_no_second_one_writes_until_it_ends() {
        let folder = tempfile::tempdir().unwrap();
        let options = SqliteOptions { busy_timeout_ms: 500, ..SqliteOptions::new(folder.path().join("keymint.db")) };
        let store = SqliteStore::connect(&options).await.unwrap();
        let (release, is_released) = mpsc::channel::<()>();
        let hanging = store.writer.batch(move |_| is_released.recv().map_err(StoreError::unavailable));
        assert!(matches!(hanging.await, Err(StoreError::Unavailable(_))));
        assert!(matches!(store.probe().await, Err(StoreError::Unavailable(_))));
        assert!(matches!(store.writer.lend().await.map(drop), Err(StoreError::Unavailable(_))));
        assert!(matches!(store.close().await, Err(StoreError::Unavailable(_))));
        release.send(()).unwrap();
        while store.writer.lend().await.map(|lent| lent.finish(Ok(()))).is_err() {}
        store.probe().await.unwrap();
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_statement_or_a_reader_that_hangs_is_given_up_by_itself() {
        const LIMIT: Duration = Duration::from_secs(20);
        let folder = tempfile::tempdir().unwrap();
        let options = SqliteOptions::new(folder.path().join("keymint.db"));
        let options = SqliteOptions { busy_timeout_ms: 200, readers: 1, ..options };
        let store = SqliteStore::connect(&options).await.unwrap();
        let id = KeyId::parse("a").unwrap();
        let (release, is_released) = mpsc::channel::<()>();
        let mut reader = store.readers().unwrap().acquire().await.unwrap();
        let hang = move || is_released.recv().is_err();
        reader.lock_handle().await.unwrap().set_progress_handler(1, hang);
        drop(reader);
        let found = timeout(LIMIT, store.find(&id)).await.expect("it has a deadline of its own");
        assert!(matches!(found, Err(StoreError::Unavailable(_))), "{found:?}");
        drop(release);
        while store.find(&id).await.is_err() {}

        let (release, is_released) = mpsc::channel::<()>();
        let mut lent = store.writer.lend().await.unwrap();
        let hang = move || is_released.recv().is_err();
        lent.lock_handle().await.unwrap().set_progress_handler(1, hang);
        lent.finish(Ok(())).unwrap();
        let (ids, policy) = ([id.clone()], Policy::default());
        let removed = store.remove_exhausted(&ids, &policy, Timestamp::from_millis(0));
        let removed = timeout(LIMIT, removed).await.expect("it has a deadline of its own");
        assert!(matches!(removed, Err(StoreError::Unavailable(_))), "{removed:?}");
        assert!(matches!(store.probe().await, Err(StoreError::Unavailable(_))), "its statement still runs");
        drop(release);
        while store.remove(&id).await.is_err() {}
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_statement_that_hangs_and_is_dropped_keeps_its_turn_until_it_ends() {
        let folder = tempfile::tempdir().unwrap();
        let options = SqliteOptions { busy_timeout_ms: 500, ..SqliteOptions::new(folder.path().join("keymint.db")) };
        let store = SqliteStore::connect(&options).await.unwrap();
        let (release, is_released) = mpsc::channel::<()>();
        let mut lent = store.writer.lend().await.unwrap();
        lent.lock_handle().await.unwrap().set_progress_handler(1, move || is_released.recv().is_ok());
        assert!(timeout(Duration::from_millis(50), sqlx::query("select 1").execute(&mut *lent)).await.is_err());
        drop(lent);
        assert!(matches!(store.probe().await, Err(StoreError::Unavailable(_))), "its statement still runs");
        drop(release);
        while store.probe().await.is_err() {}
    }
}

//! Checkpoints of the write-ahead log, beside the batches.
//!
//! By default, SQLite checkpoints in the commit that finds the log too long, and waits for the disk: a hundred
//! milliseconds if every page is a different one, and nobody is answered meanwhile. Here a separate connection copies
//! the log in passes. Each pass copies the pages that were written during the previous one.
//!
//! SQLite waits for the disk only in a pass during which nothing is written, and a log starts again only after all of
//! it is copied. Writers are therefore held up twice, for a moment each time: until a pass with little to copy has come
//! to wait for the disk, and then for the pages that were written meanwhile.

use std::sync::Arc;
use std::time::Duration;

use keymint_ports::StoreError;
use rusqlite::Connection;
use tokio::sync::Mutex;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::connect::Opener;

/// The number of pages in the log that start a checkpoint: 32 MiB. A page that many batches change is copied once for
/// all of them, so this is eight times SQLite's default.
pub(crate) const PAGES: u32 = 8192;

/// The number of pages that are copied within a moment.
const FEW: u32 = 256;

/// The longest time that writers are held up.
const MOMENT: Duration = Duration::from_millis(2);

/// The maximum number of passes. If pages are written faster than they are copied, none would be the last one.
const PASSES: usize = 12;

/// The copy that is under way, if there is one.
pub(crate) struct Checkpoint {
    opener: Arc<Opener>,
    running: Arc<Mutex<()>>,
}

impl Checkpoint {
    pub(crate) fn new(opener: Arc<Opener>) -> Self {
        Self { opener, running: Arc::default() }
    }

    /// Begins a copy, unless one is under way. Writers hold `turns` while they write.
    pub(crate) fn begin<T: Send + 'static>(&self, turns: &Arc<Mutex<T>>) {
        if let Ok(running) = Arc::clone(&self.running).try_lock_owned() {
            let (opener, turns) = (Arc::clone(&self.opener), Arc::clone(turns));
            tokio::spawn(async move {
                // A failure is left to the next checkpoint, or to SQLite, which reports it to a batch.
                drop(run(opener, &turns).await);
                drop(running);
            });
        }
    }

    /// Waits for the end of the copy that is under way.
    pub(crate) async fn end(&self) {
        drop(self.running.lock().await);
    }
}

/// Copies pass after pass, until all of the log is in the file and on the disk.
async fn run<T>(opener: Arc<Opener>, turns: &Mutex<T>) -> Result<(), StoreError> {
    let connected = spawn_blocking(move || opener.open_writer()).await.map_err(StoreError::unavailable)?;
    let mut connection = connected.map_err(StoreError::unavailable)?;
    let mut copied = 0;
    for _ in 0..PASSES {
        let pass = pass(connection).await?;
        if pass.is_hindered() {
            break;
        }
        let portion = pass.copied.saturating_sub(copied);
        (connection, copied) = (pass.connection, pass.copied);
        if portion <= FEW {
            let turn = turns.lock().await;
            let mut last = Box::pin(self::pass(connection));
            if timeout(MOMENT, &mut last).await.is_ok() {
                break;
            }
            drop(turn);
            Pass { connection, copied, .. } = last.await?;
        }
    }
    Ok(())
}

/// The outcome of a pass.
struct Pass {
    connection: Connection,
    /// Pages in the log, at its beginning.
    log: u32,
    /// Those of them that are in the file by now.
    copied: u32,
}

impl Pass {
    /// Returns `true` if somebody reads a state that is older than the log's end.
    fn is_hindered(&self) -> bool {
        self.copied < self.log
    }
}

/// Copies the pages that can be copied without waiting for anybody.
async fn pass(connection: Connection) -> Result<Pass, StoreError> {
    const COPY: &str = "pragma wal_checkpoint(passive)";
    let pass = spawn_blocking(move || {
        let (log, copied) = connection.query_row(COPY, [], |row| Ok((row.get(1)?, row.get(2)?)))?;
        Ok(Pass { connection, log, copied })
    });
    pass.await.map_err(StoreError::unavailable)?.map_err(|error: rusqlite::Error| StoreError::unavailable(error))
}

//! Checkpoints of the write-ahead log, beside the batches.
//!
//! By default, SQLite checkpoints in the commit that finds the log too long, and waits for the disk: a hundred
//! milliseconds if every page is a different one, and nobody is answered meanwhile. Here a separate connection copies
//! the log in passes. Each pass copies the pages that were written during the previous one.
//!
//! A checkpoint begins when the log has grown by a number of pages, which SQLite tells after each commit.
//!
//! SQLite waits for the disk only in a pass during which nothing is written, and a log starts again only after all of
//! it is copied. Writers are therefore held up twice, for a moment each time: until a pass with little to copy has come
//! to wait for the disk, and then for the pages that were written meanwhile.

use std::cell::Cell;
use std::ffi::c_int;
use std::sync::Arc;
use std::time::Duration;

use keymint_ports::StoreError;
use rusqlite::Connection;
use rusqlite::hooks::Wal;
use tokio::sync::Mutex;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::connect::Opener;

/// The number of pages by which the log grows before a checkpoint starts: 32 MiB. A page that many batches change is copied
/// once for all of them, so this is eight times SQLite's default.
pub(crate) const PAGES: u32 = 8192;

/// The number of pages in the log at which a commit itself copies them: it is so long only if checkpoints do not keep up.
const MOST_PAGES: u32 = 4 * PAGES;

thread_local! {
    /// The pages in the log after the last commit on this thread.
    static COMMITTED: Cell<Option<u32>> = const { Cell::new(None) };
}

/// Lets a connection tell the length of the log after each of its commits, in the place of SQLite's own checkpoints.
pub(crate) fn watch(connection: &Connection) {
    connection.wal_hook(Some(committed));
}

/// A hook has no state of its own, but it runs on the thread of the commit.
fn committed(log: &Wal, pages: c_int) -> rusqlite::Result<()> {
    let pages = u32::try_from(pages).unwrap_or(0);
    COMMITTED.set(Some(pages));
    if pages < MOST_PAGES {
        return Ok(());
    }
    // The commit counts, whatever becomes of the copy.
    log.checkpoint().or(Ok(()))
}

/// The length of the log, as far as one connection's commits tell it.
#[derive(Default)]
pub(crate) struct LogLength {
    pages: u32,
    /// The length when the last checkpoint began.
    at_checkpoint: u32,
    is_due: bool,
}

impl LogLength {
    /// Runs work on this thread, and takes note of its last commit.
    pub(crate) fn observe<T>(&mut self, work: impl FnOnce() -> T) -> T {
        // What another connection has left.
        COMMITTED.set(None);
        let outcome = work();
        if let Some(pages) = COMMITTED.take() {
            self.set(pages);
        }
        outcome
    }

    fn set(&mut self, pages: u32) {
        // All of the log was copied, and it began again.
        if pages < self.pages {
            self.at_checkpoint = 0;
        }
        self.pages = pages;
    }

    /// Makes a checkpoint due, however long the log is.
    pub(crate) fn make_due(&mut self) {
        self.is_due = true;
    }

    /// Returns true if a checkpoint should begin, and takes it as begun.
    pub(crate) fn begins_checkpoint(&mut self) -> bool {
        let begins = self.is_due || self.pages.saturating_sub(self.at_checkpoint) >= PAGES;
        if begins {
            self.put_off();
        }
        begins
    }

    /// Makes the next checkpoint wait for as many pages again.
    pub(crate) fn put_off(&mut self) {
        (self.at_checkpoint, self.is_due) = (self.pages, false);
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;

    fn begins_at(log: &mut LogLength, pages: u32) -> bool {
        log.observe(|| COMMITTED.set(Some(pages)));
        log.begins_checkpoint()
    }

    #[test]
    fn a_checkpoint_begins_when_the_log_has_grown_by_its_pages() {
        let mut log = LogLength::default();
        assert!(!begins_at(&mut log, PAGES - 1));
        assert!(begins_at(&mut log, PAGES));
        assert!(!begins_at(&mut log, 2 * PAGES - 1), "it was hindered, and the log goes on");
        assert!(begins_at(&mut log, 2 * PAGES));
        assert!(!begins_at(&mut log, 10), "the log began again");
        assert!(!begins_at(&mut log, PAGES - 1));
        assert!(begins_at(&mut log, PAGES));
        log.make_due();
        assert!(log.begins_checkpoint());
        assert!(!log.begins_checkpoint());
    }

    #[test]
    fn work_that_commits_nothing_leaves_the_length_as_it_was() {
        let mut log = LogLength::default();
        COMMITTED.set(Some(PAGES));
        log.observe(|| ());
        assert!(!log.begins_checkpoint(), "it was another connection's commit");
    }

    #[test]
    fn a_connection_tells_the_pages_of_its_log() {
        let folder = tempfile::tempdir().unwrap();
        let connection = Connection::open(folder.path().join("keymint.db")).unwrap();
        let mode: String = connection.query_row("pragma journal_mode = wal", [], |row| row.get(0)).unwrap();
        assert_eq!(mode, "wal");
        watch(&connection);
        let mut log = LogLength::default();
        log.observe(|| {
            connection.execute_batch("create table t (x); insert into t values (zeroblob(409600))").unwrap();
        });
        assert!(log.pages > 100, "{}", log.pages);
        let fill = "insert into t select zeroblob(4096000) from (values (1), (2), (3), (4), (5), (6), (7))";
        (0..5).for_each(|_| log.observe(|| connection.execute_batch(fill).unwrap()));
        assert!(log.pages >= MOST_PAGES, "{}", log.pages);
        log.observe(|| connection.execute_batch("delete from t where rowid = 1").unwrap());
        assert!(log.pages < PAGES, "the commit has copied it, and it began again: {}", log.pages);
    }
}

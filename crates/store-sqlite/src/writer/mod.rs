mod begin;
mod connection;

use std::ops::DerefMut;
use std::sync::Arc;
use std::time::Duration;

use keymint_ports::StoreError;
use tokio::sync::Mutex;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

pub(crate) use self::begin::begin;
pub(crate) use self::connection::{WriterConnection, execute};
use crate::checkpoint::{Checkpoint, LogLength};
use crate::connect::Opener;
use crate::file::DatabaseFile;

/// The one connection that writes. Calls of this process use it in the order of asking. SQLite has one writer at a time
/// anyway; calls wait here instead of in SQLite's busy loop.
///
/// If the store fails, the connection is closed, which rolls back an open transaction, and the next call opens a new
/// one. A call that hangs in the kernel cannot be ended: nobody else writes until it ends, and waiting calls time out.
pub(crate) struct Writer {
    opener: Arc<Opener>,
    turn: Arc<Mutex<Turn>>,
    file: Arc<DatabaseFile>,
    checkpoint: Checkpoint,
}

/// The right to write.
struct Turn {
    connection: Option<WriterConnection>,
    log: LogLength,
}

impl Writer {
    pub(crate) fn new(opener: Opener, file: Arc<DatabaseFile>) -> Self {
        let (opener, turn) = (Arc::new(opener), Turn { connection: None, log: LogLength::default() });
        Self { checkpoint: Checkpoint::new(Arc::clone(&opener)), opener, turn: Arc::new(Mutex::new(turn)), file }
    }

    /// Does the work of a batch off the async threads, after all earlier calls. Started work finishes, even if its
    /// caller has gone.
    ///
    /// # Errors
    /// The work fails; it gets no turn within the time to wait for others; or it misses the deadline, because the disk
    /// hangs. Its outcome is then unknown, and nobody else writes until it ends.
    pub(crate) async fn batch<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut WriterConnection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.run(work).await
    }

    /// Does any other work that writes, in the same way as a batch. It awaits only the connection.
    ///
    /// # Errors
    /// Those of [`Writer::batch`].
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        work: impl AsyncFnOnce(&mut WriterConnection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.run(move |connection| connection.run(work)).await
    }

    /// Does other work as [`Writer::write`] does, but its commit waits for no disk: a power cut may undo it, until another
    /// call has committed or the log is copied into the file.
    ///
    /// # Errors
    /// Those of [`Writer::batch`].
    pub(crate) async fn write_relaxed<T: Send + 'static>(
        &self,
        work: impl AsyncFnOnce(&mut WriterConnection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let synchronous = self.opener.synchronous;
        self.run(move |connection| connection.relaxed(synchronous, |relaxed| relaxed.run(work))).await
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut WriterConnection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let mut turn = self.in_turn(Arc::clone(&self.turn).lock_owned()).await?;
        let opener = Arc::clone(&self.opener);
        let done = spawn_blocking(move || {
            let mut connection = match turn.connection.take() {
                Some(connection) => connection,
                None => WriterConnection::open(&opener)?,
            };
            let outcome = turn.log.observe(|| work(&mut connection));
            if is_reusable(&connection, &outcome) {
                turn.connection = Some(connection);
            } else {
                // The next call starts a checkpoint. It needs no space on a full disk, and the log then starts again.
                turn.log.make_due();
            }
            outcome
        });
        let done = timeout(self.deadline(), done).await;
        let done = done.map_err(|_| too_slow())?;
        done.map_err(StoreError::unavailable)?
    }

    /// Returns the deadline of a call that has its turn: the time to wait for locks of other processes, and a second
    /// for the disk.
    pub(crate) fn deadline(&self) -> Duration {
        const DISK: Duration = Duration::from_secs(1);
        self.opener.patience.saturating_add(DISK)
    }

    /// Waits for the end of the checkpoint that is under way, and makes the next one wait for as many pages again.
    pub(crate) async fn end_checkpoint(&self) {
        self.turn.lock().await.log.put_off();
        self.checkpoint.end().await;
    }

    /// Closes the connection, once all calls are done.
    pub(crate) async fn close(&self) {
        drop(self.turn.lock().await.connection.take());
    }

    async fn in_turn<G: DerefMut<Target = Turn>>(&self, turn: impl Future<Output = G>) -> Result<G, StoreError> {
        let turn = timeout(self.opener.patience, turn).await;
        let mut turn = turn.map_err(|_| StoreError::unavailable("other calls of this process keep on writing"))?;
        self.file.check_in_passing()?;
        if turn.log.begins_checkpoint() {
            self.checkpoint.begin(&self.turn);
        }
        Ok(turn)
    }
}

/// Returns the error of a call that missed its deadline.
pub(crate) fn too_slow() -> StoreError {
    StoreError::unavailable("the disk takes too long; the outcome is unknown")
}

/// Returns `true` unless the connection may be in any state: a failure of the store may leave one, and so would work
/// that does not end its transaction.
fn is_reusable<T>(connection: &WriterConnection, outcome: &Result<T, StoreError>) -> bool {
    connection.connection.is_autocommit() && !matches!(outcome, Err(StoreError::Unavailable(_)))
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;
    use std::sync::mpsc;

    use keymint_conformance::sample;
    use keymint_domain::identity::SessionToken;
    use keymint_domain::key::{EditKey, Field};
    use keymint_domain::metering::{Hour, UsageFlush};
    use keymint_domain::policy::{ConfigFilter, Policy};
    use keymint_domain::webhook::Attempts;
    use keymint_ports::{
        Durability, IdentityStore as _, KeyStore as _, OrganizationStore as _, ServerKeyStore as _, UsageStore as _,
        WebhookPortion, WebhookStore as _,
    };
    use keymint_store_sql::WriteConnection as _;

    use super::*;
    use crate::{SqliteOptions, SqliteStore};

    async fn impatient(folder: &tempfile::TempDir) -> SqliteStore {
        let options = SqliteOptions { busy_timeout_ms: 500, ..SqliteOptions::new(folder.path().join("keymint.db")) };
        SqliteStore::connect(&options).await.unwrap()
    }

    fn is_unavailable<T>(outcome: &Result<T, StoreError>) -> bool {
        matches!(outcome, Err(StoreError::Unavailable(_)))
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_batch_that_hangs_is_unavailable_to_everybody_and_no_second_one_writes_until_it_ends() {
        let folder = tempfile::tempdir().unwrap();
        let store = impatient(&folder).await;
        let (release, is_released) = mpsc::channel::<()>();
        let hanging = store.writer.batch(move |_| is_released.recv().map_err(StoreError::unavailable));
        assert!(is_unavailable(&hanging.await));
        assert!(is_unavailable(&store.probe().await));
        assert!(is_unavailable(&store.writer.write(async |_| Ok(())).await));
        assert!(is_unavailable(&store.close().await));
        release.send(()).unwrap();
        while store.writer.write(async |_| Ok(())).await.is_err() {}
        store.probe().await.unwrap();
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_statement_or_a_reader_that_hangs_is_given_up_by_itself() {
        const LIMIT: Duration = Duration::from_secs(20);
        let folder = tempfile::tempdir().unwrap();
        let options = SqliteOptions::new(folder.path().join("keymint.db"));
        let options = SqliteOptions { busy_timeout_ms: 200, readers: 1, ..options };
        let store = SqliteStore::connect(&options).await.unwrap();
        let id = sample::id("a");
        let (release, is_released) = mpsc::channel::<()>();
        let mut reader = store.readers().unwrap().acquire().await.unwrap();
        let hang = move || is_released.recv().is_err();
        reader.lock_handle().await.unwrap().set_progress_handler(1, hang);
        drop(reader);
        let found = timeout(LIMIT, store.find(&id)).await.expect("it has a deadline of its own");
        assert!(is_unavailable(&found), "{found:?}");
        drop(release);
        while store.find(&id).await.is_err() {}

        let (release, is_released) = mpsc::channel::<()>();
        let hang = move || is_released.recv().is_ok();
        let hangs = store
            .writer
            .batch(move |writer| writer.connection.progress_handler(1, Some(hang)).map_err(StoreError::unavailable));
        hangs.await.unwrap();
        let (ids, policy) = ([id.clone()], Policy::default());
        let removed = store.remove_exhausted(&ids, &policy, sample::NOW, &sample::UNRECORDED);
        let removed = timeout(LIMIT, removed).await.expect("it has a deadline of its own");
        assert!(is_unavailable(&removed), "{removed:?}");
        assert!(is_unavailable(&store.probe().await), "its statement still runs");
        drop(release);
        while store.remove(&id, &sample::UNRECORDED).await.is_err() {}
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_statement_that_hangs_and_is_dropped_keeps_its_turn_until_it_ends() {
        let folder = tempfile::tempdir().unwrap();
        let store = impatient(&folder).await;
        let (release, is_released) = mpsc::channel::<()>();
        let hanging = store.writer.write(async move |_| is_released.recv().map_err(StoreError::unavailable));
        assert!(timeout(Duration::from_millis(50), hanging).await.is_err());
        assert!(is_unavailable(&store.probe().await), "its statement still runs");
        drop(release);
        while store.probe().await.is_err() {}
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_transaction_that_is_left_open_is_rolled_back() {
        let folder = tempfile::tempdir().unwrap();
        let store = impatient(&folder).await;
        let left_open = store.writer.batch(|writer| {
            writer.connection.execute_batch("begin immediate; insert into keymint_secret values (1, 'lost')").unwrap();
            Ok(())
        });
        left_open.await.unwrap();
        assert_eq!(store.keep_secret("offered").await.unwrap(), "offered");
    }

    /// Returns `true` if the row of a key is remembered, and nobody else has written since.
    async fn is_remembered(store: &SqliteStore, id: &'static str) -> bool {
        let is_remembered = store.writer.batch(move |writer| {
            writer.rows.refresh(&writer.connection)?;
            Ok(writer.rows.recall(&sample::plain(id).hash()).is_some())
        });
        is_remembered.await.unwrap()
    }

    /// Leases an endpoint, and records a delivery to it.
    async fn deliver(store: &SqliteStore) {
        let (webhook, later) = (sample::webhook("w"), sample::NOW.plus_millis(1));
        assert!(store.insert_webhook(&webhook, 9, &sample::UNRECORDED).await.unwrap());
        let lease = store.lease_webhook(&webhook.id, "me", sample::NOW, later).await.unwrap().unwrap();
        let deliveries = vec![sample::delivery(1, Some("used"), Attempts::due(later))];
        let portion = WebhookPortion {
            position: 1,
            deliveries,
            health: webhook.health,
            state: None,
            is_back: true,
            now: sample::NOW,
        };
        assert!(store.record_deliveries(&lease, &portion, &sample::UNRECORDED).await.unwrap());
        assert_eq!(store.renew_webhook_leases("me", sample::NOW, later).await.unwrap(), [webhook.id]);
        store.release_webhook_leases("me").await.unwrap();
    }

    #[tokio::test]
    async fn what_this_process_writes_leaves_the_rows_of_other_keys_remembered() {
        let folder = tempfile::tempdir().unwrap();
        let store = impatient(&folder).await;
        store
            .insert_user(&sample::new_user("ada"), &sample::session("first", "ada"), &sample::UNRECORDED)
            .await
            .unwrap();
        for id in ["used", "other", "spent"] {
            store.insert(&sample::key_with_quota(id, 1), None, &sample::UNRECORDED).await.unwrap();
        }
        let (policy, token) = (Policy::default(), SessionToken::new("first"));
        store.spend(&["used", "other", "spent"].map(sample::attempt), &policy, sample::NOW).await.unwrap();
        assert!(store.insert_session(&sample::session("second", "ada"), &sample::UNRECORDED).await.unwrap());
        assert!(store.refresh_session(&token, sample::NOW, sample::NOW).await.unwrap());
        assert!(store.remove_session(&token, &sample::UNRECORDED).await.unwrap());
        store.keep_secret("offered").await.unwrap();
        store
            .insert_organization(&sample::organization("acme"), &sample::member("acme", "ada"), &sample::UNRECORDED)
            .await
            .unwrap();
        assert!(
            store.insert_first_server_key(&sample::server_key("s", sample::NOW), &sample::UNRECORDED).await.unwrap()
        );
        assert!(store.revoke_server_key(&sample::id("s"), sample::NOW, &sample::UNRECORDED).await.unwrap());
        store.insert(&sample::key("new"), NonZeroU32::new(9), &sample::UNRECORDED).await.unwrap();
        deliver(&store).await;
        store.remove_expired(&ConfigFilter::Any, sample::NOW, 0, 10, &sample::UNRECORDED).await.unwrap();
        let (process, at, hour) = ("p".into(), sample::NOW, Hour::of(sample::NOW));
        let flush = UsageFlush { process, number: 1, at, keys: Vec::new(), unknown: Vec::new() };
        assert!(store.add_usage(&flush).await.unwrap());
        assert_eq!(store.roll_up_usage(hour, NonZeroU32::MAX).await.unwrap(), 0);
        assert_eq!(store.remove_usage(hour, NonZeroU32::MAX).await.unwrap(), 0);
        for id in ["used", "other", "spent"] {
            assert!(is_remembered(&store, id).await, "{id}");
        }
        let edit = sample::patch(EditKey { remaining: Field::Given(5), ..EditKey::default() });
        store.update(&sample::id("other"), &edit, sample::NOW, &sample::UNRECORDED).await.unwrap().unwrap();
        assert!(!is_remembered(&store, "other").await, "it was changed");
        assert_eq!(
            store
                .remove_exhausted(&[sample::id("spent")], &policy, sample::NOW, &sample::UNRECORDED)
                .await
                .unwrap()
                .removed,
            1
        );
        assert!(!is_remembered(&store, "spent").await, "it was removed");
        assert!(is_remembered(&store, "used").await);
        assert!(store.remove(&sample::id("used"), &sample::UNRECORDED).await.unwrap());
        assert!(!is_remembered(&store, "used").await, "it was removed");
    }

    #[tokio::test]
    async fn only_relaxed_work_does_not_wait_for_the_disk() {
        const FULL: i64 = 2;
        const NORMAL: i64 = 1;
        for (durability, synchronous) in [(Durability::Full, FULL), (Durability::Normal, NORMAL)] {
            let folder = tempfile::tempdir().unwrap();
            let options = SqliteOptions { durability, ..SqliteOptions::new(folder.path().join("keymint.db")) };
            let store = SqliteStore::connect(&options).await.unwrap();
            let ask = |writer: &mut WriterConnection| {
                let found = writer.connection.query_row("pragma synchronous", [], |row| row.get::<_, i64>(0));
                found.map_err(StoreError::unavailable)
            };
            let relaxed = async || store.writer.write_relaxed(async move |writer| ask(writer)).await.unwrap();
            assert_eq!(relaxed().await, NORMAL);
            assert_eq!(store.writer.batch(ask).await.unwrap(), synchronous);
            let fails = store.writer.write_relaxed(async |_| Err::<(), _>(StoreError::Duplicate));
            assert!(matches!(fails.await, Err(StoreError::Duplicate)));
            assert_eq!(store.writer.batch(ask).await.unwrap(), synchronous, "after a failure");
            let left_open = store.writer.write_relaxed(async |writer| writer.begin().await.map_err(Into::into));
            left_open.await.unwrap();
            assert_eq!(store.writer.batch(ask).await.unwrap(), synchronous, "after an open transaction");
        }
    }

    #[tokio::test]
    async fn what_another_process_writes_makes_it_forget_all_rows() {
        let folder = tempfile::tempdir().unwrap();
        let store = impatient(&folder).await;
        store.insert(&sample::key("used"), None, &sample::UNRECORDED).await.unwrap();
        store.spend(&[sample::attempt("used")], &Policy::default(), sample::NOW).await.unwrap();
        assert!(is_remembered(&store, "used").await);
        impatient(&folder).await.keep_secret("offered").await.unwrap();
        assert!(!is_remembered(&store, "used").await);
    }
}

//! The write-ahead log is copied into the file while batches go on.

#![expect(clippy::unwrap_used, reason = "test support")]

mod support;

use std::path::Path;

use keymint_conformance::sample;
use keymint_domain::policy::Policy;
use keymint_domain::verify::Attempt;
use keymint_ports::KeyStore as _;
use keymint_store_sqlite::SqliteStore;

use crate::support::Database;

const KEYS: usize = 512;

#[tokio::test(flavor = "multi_thread")]
async fn the_log_begins_anew_while_batches_go_on_and_nothing_is_lost() {
    let database = Database::new();
    let store = database.open().await;
    let ids: Vec<String> = (0..KEYS).map(|number| format!("key-{number}")).collect();
    for id in &ids {
        store.insert(&sample::key_with_quota(id, 1000), None, &sample::UNRECORDED).await.unwrap();
    }
    let attempts: Vec<Attempt> = ids.iter().map(|id| sample::attempt(id)).collect();
    let begun = times_begun(&database.path());
    let mut batches = 0;
    while times_begun(&database.path()) == begun && batches < 300 {
        accept_all(&store, &attempts).await;
        batches += 1;
    }
    assert!(batches < 300, "the log has not begun anew");
    // A commit copies the log by itself at four times the length.
    let pages = std::fs::metadata(database.path().with_extension("db-wal")).unwrap().len() / 4096;
    assert!(pages < 16_384, "a checkpoint comes late: {pages} pages");
    accept_all(&store, &attempts).await;
    assert!(store.close().await.unwrap(), "nobody is in the way");
    let left = database.open().await.find(&sample::id("key-7")).await.unwrap().unwrap().usage.remaining;
    assert_eq!(left, Some(1000 - batches - 1));
}

async fn accept_all(store: &SqliteStore, attempts: &[Attempt]) {
    let answers = store.spend(attempts, &Policy::default(), sample::NOW).await.unwrap();
    assert!(answers.iter().all(|answer| answer.as_ref().unwrap().accepted().is_some()));
}

/// Reads the number of times that the log has started again: the "checkpoint sequence number" of its header.
fn times_begun(database: &Path) -> u32 {
    let log = std::fs::read(database.with_extension("db-wal")).unwrap();
    u32::from_be_bytes(log[12..16].try_into().unwrap())
}

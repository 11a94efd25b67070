//! Backups are whole and private, and where there can be none, nothing is left behind.

#![expect(clippy::unwrap_used, reason = "test support")]

mod support;

use std::fs;
use std::os::unix::fs::{FileExt as _, PermissionsExt as _};
use std::path::Path;

use keymint_conformance::sample;
use keymint_ports::{KeyStore as _, StoreError};
use keymint_store_sqlite::{BackupError, SqliteOptions, SqliteStore};
use sqlx::{Connection as _, query, query_scalar};

use crate::support::Database;

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[tokio::test]
async fn a_backup_is_one_private_file_that_opens_as_the_database_was() {
    let database = Database::new();
    let store = database.open().await;
    store.insert(&sample::key("a"), None, &sample::UNRECORDED).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("copy.db");
    SqliteStore::backup(&database.options(), &copy).await.unwrap();
    store.insert(&sample::key("b"), None, &sample::UNRECORDED).await.unwrap();
    assert_eq!(names(folder.path()), ["copy.db"]);
    assert_eq!(fs::metadata(&copy).unwrap().permissions().mode() & 0o777, 0o600);

    let restored = SqliteStore::connect(&SqliteOptions::new(&copy)).await.unwrap();
    assert_eq!(restored.find(&sample::id("a")).await.unwrap(), Some(sample::key("a")));
    assert_eq!(restored.find(&sample::id("b")).await.unwrap(), None);
}

#[tokio::test]
async fn a_backup_waits_for_no_writer() {
    let database = Database::new();
    let store = database.open().await;
    store.insert(&sample::key("a"), None, &sample::UNRECORDED).await.unwrap();
    let mut stranger = database.stranger().await;
    let mut writing = stranger.begin_with("begin immediate").await.unwrap();
    query(r#"update "apikey" set "name" = 'half-way'"#).execute(&mut *writing).await.unwrap();
    let copy = database.path().with_extension("copy");
    let impatient = SqliteOptions { busy_timeout_ms: 0, ..database.options() };
    SqliteStore::backup(&impatient, &copy).await.unwrap();
    let restored = SqliteStore::connect(&SqliteOptions::new(&copy)).await.unwrap();
    assert_eq!(restored.find(&sample::id("a")).await.unwrap(), Some(sample::key("a")));
}

#[tokio::test]
async fn a_file_that_is_there_is_left_alone() {
    let database = Database::new();
    drop(database.open().await);
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("copy.db");
    fs::write(&copy, "precious").unwrap();
    let refused = SqliteStore::backup(&database.options(), &copy).await;
    assert!(matches!(refused, Err(BackupError::Exists { path }) if path == copy));
    assert_eq!((fs::read_to_string(&copy).unwrap(), names(folder.path()).len()), ("precious".to_owned(), 1));
}

#[tokio::test]
async fn where_there_is_no_database_none_is_made() {
    let (database, folder) = (Database::new(), tempfile::tempdir().unwrap());
    let refused = SqliteStore::backup(&database.options(), &folder.path().join("copy.db")).await;
    assert!(matches!(refused, Err(BackupError::Copy(_))));
    assert!(!database.path().exists() && names(folder.path()).is_empty());

    drop(database.open().await);
    let nowhere = folder.path().join("missing/copy.db");
    assert!(matches!(SqliteStore::backup(&database.options(), &nowhere).await, Err(BackupError::Write(_))));
}

#[tokio::test]
async fn damage_is_found_when_the_backup_is_taken() {
    let database = Database::new();
    let store = database.open().await;
    store.insert(&sample::key("a"), None, &sample::UNRECORDED).await.unwrap();
    assert!(store.close().await.unwrap());
    let find = query_scalar::<_, i64>(r#"select "rootpage" from "sqlite_master" where "name" = 'apikey'"#);
    let page = u64::try_from(find.fetch_one(&mut database.stranger().await).await.unwrap()).unwrap();
    let file = fs::OpenOptions::new().write(true).open(database.path()).unwrap();
    file.write_all_at(&[0xff; 4096], (page - 1) * 4096).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let refused = SqliteStore::backup(&database.options(), &folder.path().join("copy.db")).await;
    assert!(matches!(refused, Err(BackupError::Copy(_))), "{refused:?}");
    assert!(names(folder.path()).is_empty());
}

#[tokio::test]
async fn a_closed_database_is_one_whole_file() {
    let database = Database::new();
    let store = database.open().await;
    store.insert(&sample::key("a"), None, &sample::UNRECORDED).await.unwrap();
    store.find(&sample::id("a")).await.unwrap();
    let folder = database.path().parent().unwrap().to_owned();
    assert_eq!(names(&folder), ["keymint.db", "keymint.db-shm", "keymint.db-wal"]);
    assert!(store.close().await.unwrap());
    assert_eq!(names(&folder), ["keymint.db"]);
    assert!(matches!(store.find(&sample::id("a")).await, Err(StoreError::Unavailable(_))), "it was closed");
}

#[tokio::test]
async fn a_reader_in_the_way_is_told() {
    let database = Database::new();
    // Enough for a busy machine to make the file in.
    let impatient = SqliteOptions { busy_timeout_ms: 1000, ..database.options() };
    let store = SqliteStore::connect(&impatient).await.unwrap();
    let mut stranger = database.stranger().await;
    let mut reading = stranger.begin().await.unwrap();
    query(r#"select 1 from "apikey""#).fetch_optional(&mut *reading).await.unwrap();
    store.insert(&sample::key("a"), None, &sample::UNRECORDED).await.unwrap();
    assert!(!store.close().await.unwrap());
}

//! A store that cannot do its work now says so, and works again once it can.

#![expect(clippy::unwrap_used, reason = "test support")]

mod support;

use keymint_conformance::sample;
use keymint_domain::key::{Actor, KeyPatch, Revocation};
use keymint_domain::policy::Policy;
use keymint_ports::{KeyStore, StoreError};
use keymint_store_sqlite::{SqliteOptions, SqliteStore};
use sqlx::{Connection as _, query};

use crate::support::Database;

#[tokio::test]
async fn a_locked_database_is_unavailable_for_writes_until_it_is_unlocked() {
    let database = Database::new();
    // Enough for a busy machine to open the file in.
    let impatient = SqliteOptions { busy_timeout_ms: 500, ..database.options() };
    let store = SqliteStore::connect(&impatient).await.unwrap();
    store.insert(&sample::key_with_quota("a", 1), None, &sample::UNRECORDED).await.unwrap();

    let mut stranger = database.stranger().await;
    let lock = stranger.begin_with("begin exclusive").await.unwrap();
    let attempts = [sample::attempt("a")];
    let refused = store.spend(&attempts, &Policy::default(), sample::NOW).await;
    assert!(matches!(refused, Err(StoreError::Unavailable(_))));
    assert!(matches!(store.remove(&sample::id("a"), &sample::UNRECORDED).await, Err(StoreError::Unavailable(_))));
    assert!(matches!(store.probe().await, Err(StoreError::Unavailable(_))));
    assert!(store.find(&sample::id("a")).await.unwrap().is_some(), "readers wait for no writer");
    lock.rollback().await.unwrap();
    store.probe().await.unwrap();

    let answers = store.spend(&attempts, &Policy::default(), sample::NOW).await.unwrap();
    assert!(answers[0].as_ref().unwrap().accepted().is_some(), "what was refused before took nothing");
}

#[tokio::test]
async fn a_statement_that_fails_leaves_a_store_that_works() {
    let database = Database::new();
    let store = database.open().await;
    store.insert(&sample::key_with_quota("a", 2), None, &sample::UNRECORDED).await.unwrap();
    database.execute(r#"alter table "apikey" rename to "elsewhere""#).await;
    let attempts = [sample::attempt("a")];
    let failed = store.spend(&attempts, &Policy::default(), sample::NOW).await;
    assert!(matches!(failed, Err(StoreError::Unavailable(_))));
    assert!(store.probe().await.is_err());
    database.execute(r#"alter table "elsewhere" rename to "apikey""#).await;
    let answers = store.spend(&attempts, &Policy::default(), sample::NOW).await.unwrap();
    assert_eq!(answers[0].as_ref().unwrap().accepted().unwrap().usage.remaining, Some(1));
    store.probe().await.unwrap();
}

#[tokio::test]
async fn a_write_that_sqlite_itself_rolls_back_leaves_a_store_that_works() {
    let database = Database::new();
    let store = database.open().await;
    // The trigger rolls back the whole transaction, as SQLite does where the disk is full.
    let trigger = r#"create trigger "full" before update on "apikey" begin select raise(rollback, 'full'); end"#;
    database.execute(trigger).await;
    store.insert(&sample::key_with_quota("a", 2), None, &sample::UNRECORDED).await.unwrap();
    let attempts = [sample::attempt("a")];
    for _ in 0..2 {
        let failed = store.spend(&attempts, &Policy::default(), sample::NOW).await;
        assert!(matches!(failed, Err(StoreError::Unavailable(_))));
    }
    query(r#"drop trigger "full""#).execute(&mut database.stranger().await).await.unwrap();
    let answers = store.spend(&attempts, &Policy::default(), sample::NOW).await.unwrap();
    assert_eq!(answers[0].as_ref().unwrap().accepted().unwrap().usage.remaining, Some(1));
}

#[tokio::test]
async fn a_file_that_was_replaced_is_unavailable_until_it_is_back() {
    let database = Database::new();
    let store = database.open().await;
    store.insert(&sample::key_with_quota("a", 2), None, &sample::UNRECORDED).await.unwrap();
    let (path, aside) = (database.options().path, database.options().path.with_extension("aside"));
    let attempts = [sample::attempt("a")];
    for replaced in [false, true] {
        std::fs::rename(&path, &aside).unwrap();
        if replaced {
            std::fs::write(&path, "").unwrap();
        }
        let refused = store.spend(&attempts, &Policy::default(), sample::NOW).await;
        assert!(matches!(refused, Err(StoreError::Unavailable(_))), "a wrong 'valid' is a breach");
        assert!(matches!(
            store.insert(&sample::key("b"), None, &sample::UNRECORDED).await,
            Err(StoreError::Unavailable(_))
        ));
        assert!(matches!(store.find(&sample::id("a")).await, Err(StoreError::Unavailable(_))));
        assert!(matches!(store.probe().await, Err(StoreError::Unavailable(_))));
        std::fs::rename(&aside, &path).unwrap();
        let answers = store.spend(&attempts, &Policy::default(), sample::NOW).await.unwrap();
        assert!(answers[0].as_ref().unwrap().accepted().is_some());
    }
}

#[tokio::test]
async fn a_probe_writes() {
    let database = Database::new();
    let store = database.open().await;
    let trigger =
        r#"create trigger "full" before insert on "keymint_server_key" begin select raise(rollback, 'full'); end"#;
    database.execute(trigger).await;
    assert!(matches!(store.probe().await, Err(StoreError::Unavailable(_))));
    database.execute(r#"drop trigger "full""#).await;
    let log = database.path().with_extension("db-wal");
    let before = std::fs::metadata(&log).unwrap().len();
    store.probe().await.unwrap();
    assert!(std::fs::metadata(&log).unwrap().len() > before, "what is not in the log may not fit into it");
}

#[tokio::test]
async fn a_probe_fails_where_no_key_can_be_verified() {
    let database = Database::new();
    let store = database.open().await;
    for name in ["a", "b"] {
        store.insert(&sample::key(name), None, &sample::UNRECORDED).await.unwrap();
    }
    database.execute(r#"update "apikey" set "createdAt" = x'00' where "id" = 'a'"#).await;
    store.probe().await.unwrap();
    database.execute(r#"update "apikey" set "createdAt" = x'00'"#).await;
    assert!(matches!(store.probe().await, Err(StoreError::Corrupt { .. })));
    database.execute(r#"alter table "apikey" drop column "requestCount""#).await;
    assert!(matches!(store.probe().await, Err(StoreError::Unavailable(_))));
}

#[tokio::test]
async fn a_log_that_was_deleted_is_unavailable() {
    for part in ["db-wal", "db-shm"] {
        let database = Database::new();
        let store = database.open().await;
        store.insert(&sample::key("a"), None, &sample::UNRECORDED).await.unwrap();
        std::fs::remove_file(database.path().with_extension(part)).unwrap();
        // A batch looks at the log once in 10 ms.
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        let refused = store.spend(&[sample::attempt("a")], &Policy::default(), sample::NOW).await;
        assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{part}");
        assert!(matches!(
            store.insert(&sample::key("b"), None, &sample::UNRECORDED).await,
            Err(StoreError::Unavailable(_))
        ));
        assert!(matches!(store.find(&sample::id("a")).await, Err(StoreError::Unavailable(_))));
        assert!(matches!(store.close().await, Err(StoreError::Unavailable(_))));
    }
}

#[tokio::test]
async fn a_log_stays_in_its_place_whatever_connections_fail() {
    let database = Database::new();
    let store = database.open().await;
    store.insert(&sample::key_with_quota("a", 9), None, &sample::UNRECORDED).await.unwrap();
    let trigger = r#"create trigger "full" before update on "apikey" begin select raise(rollback, 'full'); end"#;
    for _ in 0..3 {
        database.execute(trigger).await;
        let attempts = [sample::attempt("a")];
        assert!(store.spend(&attempts, &Policy::default(), sample::NOW).await.is_err());
        drop(store.update(&sample::id("a"), &KeyPatch::default(), sample::NOW, &sample::UNRECORDED).await);
        database.execute(r#"drop trigger "full""#).await;
        store.spend(&attempts, &Policy::default(), sample::NOW).await.unwrap();
    }
}

#[tokio::test]
async fn a_revocation_counts_at_once_although_a_backup_was_copied_over_the_file() {
    let database = Database::new();
    let store = database.open().await;
    store.insert(&sample::key_with_quota("a", 9), None, &sample::UNRECORDED).await.unwrap();
    let attempts = [sample::attempt("a")];
    let accepts = async || {
        let answers = store.spend(&attempts, &Policy::default(), sample::NOW).await.unwrap();
        answers[0].as_ref().unwrap().accepted().is_some()
    };
    assert!(accepts().await);
    let backup = std::fs::read(database.path()).unwrap();
    assert!(accepts().await);
    // The same file, with other content: no other one takes its name.
    std::fs::write(database.path(), backup).unwrap();
    let revocation = Revocation { at: sample::NOW, by: Actor::Server };
    assert!(database.open().await.revoke_unreadable(&sample::id("a"), &revocation, &sample::UNRECORDED).await.unwrap());
    assert!(!accepts().await, "all share the log");
}

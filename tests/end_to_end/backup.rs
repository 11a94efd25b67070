//! Backups that are taken during verifications, and restored in another place.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use serde_json::{Value, json};

use crate::process::{Place, Server};

const QUOTA: u32 = 1_000_000;

/// Keys that are verified all the time, and one beside them that was revoked.
struct Load {
    server: Arc<Server>,
    keys: Vec<(Value, Arc<Count>)>,
    revoked: Value,
    stopped: Arc<AtomicBool>,
    callers: Vec<tokio::task::JoinHandle<()>>,
}

/// The verifications of one key.
#[derive(Default)]
struct Count {
    asked: AtomicU32,
    answered: AtomicU32,
}

impl Load {
    async fn start(place: &Place) -> Self {
        let server = Arc::new(place.serve());
        let create = || server.create(json!({ "userId": "ada", "remaining": QUOTA, "rateLimitEnabled": false }));
        let revoked = create().await;
        let (status, _) = server.post("revoke", json!({ "id": revoked["id"] })).await;
        assert_eq!(status, 200);
        let mut keys = Vec::new();
        for _ in 0..8 {
            keys.push((create().await, Arc::new(Count::default())));
        }
        let stopped = Arc::new(AtomicBool::new(false));
        let callers = keys.iter().map(|(key, count)| {
            let (server, key, count) = (Arc::clone(&server), key.clone(), Arc::clone(count));
            let stopped = Arc::clone(&stopped);
            tokio::spawn(async move {
                while !stopped.load(Ordering::SeqCst) {
                    count.asked.fetch_add(1, Ordering::SeqCst);
                    assert!(server.is_valid(&key).await);
                    count.answered.fetch_add(1, Ordering::SeqCst);
                }
            })
        });
        let callers = callers.collect();
        let load = Self { server, keys, revoked, stopped, callers };
        load.is_under_way().await;
        load
    }

    /// Waits until each key was verified again.
    async fn is_under_way(&self) {
        let before = self.answered();
        while self.answered().iter().zip(&before).any(|(now, before)| now <= before) {
            tokio::task::yield_now().await;
        }
    }

    fn answered(&self) -> Vec<u32> {
        self.keys.iter().map(|(_, count)| count.answered.load(Ordering::SeqCst)).collect()
    }

    fn asked(&self) -> Vec<u32> {
        self.keys.iter().map(|(_, count)| count.asked.load(Ordering::SeqCst)).collect()
    }

    /// Takes a backup under load. Returns the fewest and the most uses of each key that it may contain.
    async fn back_up(&self, work: impl FnOnce() + Send + 'static) -> Vec<(u32, u32)> {
        let fewest = self.answered();
        tokio::task::spawn_blocking(work).await.unwrap();
        let most = self.asked();
        self.is_under_way().await;
        fewest.into_iter().zip(most).collect()
    }

    async fn stop(&mut self) {
        self.stopped.store(true, Ordering::SeqCst);
        for caller in self.callers.drain(..) {
            caller.await.unwrap();
        }
    }

    /// Checks that every key is as it was at one moment of the backup, and works.
    async fn is_restored_at(&self, place: &Place, bounds: &[(u32, u32)]) {
        let server = place.serve();
        for ((key, _), (fewest, most)) in self.keys.iter().zip(bounds) {
            let kept = place.json(&["key", "get", key["id"].as_str().unwrap(), "--json"]);
            let used = QUOTA - u32::try_from(kept["remaining"].as_u64().unwrap()).unwrap();
            assert!((*fewest..=*most).contains(&used), "{used} is not from {fewest} to {most}");
            assert_eq!(kept["requestCount"], json!(0), "no rate limit, no count");
            assert!(server.is_valid(key).await);
        }
        let (_, verdict) = server.post("verify", json!({ "key": self.revoked["key"] })).await;
        assert_eq!(verdict["valid"], json!(false), "a revoked key stays revoked");
        let listed = place.json(&["key", "list", "--user", "ada", "--json"]);
        assert_eq!(listed["total"], json!(self.keys.len() + 1), "no key is lost");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_of_sqlite_under_load_is_one_moment_of_it() {
    let (place, restored) = (Place::new(), Place::new());
    let mut load = Load::start(&place).await;
    let copy = place.path().join("backup.db");
    let mut command = place.command(&["backup", "backup.db"]);
    let bounds = load.back_up(move || assert!(command.status().unwrap().success())).await;
    load.stop().await;
    std::fs::copy(copy, restored.path().join("keymint.db")).unwrap();
    load.is_restored_at(&restored, &bounds).await;
}

#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(not(feature = "full-tests"), ignore = "needs Postgres")]
async fn a_dump_of_postgres_under_load_is_one_moment_of_it() {
    let (database, other) = (keymint_test_postgres::database().await, keymint_test_postgres::database().await);
    let (place, restored) = (Place::on(&database), Place::on(&other));
    let mut load = Load::start(&place).await;
    let dump = place.path().join("keymint.dump");
    let mut command = tool("pg_dump", &["--format=custom", "--dbname", &database, "--file"], &dump);
    let bounds = load.back_up(move || assert!(command.status().unwrap().success())).await;
    load.stop().await;
    assert!(
        tool("pg_restore", &["--exit-on-error", "--no-owner", "--dbname", &other], &dump).status().unwrap().success()
    );
    load.is_restored_at(&restored, &bounds).await;
}

fn tool(name: &str, arguments: &[&str], file: &Path) -> Command {
    let mut command = Command::new(keymint_test_postgres::tool(name));
    command.args(arguments).arg(file);
    command
}

#[tokio::test(flavor = "multi_thread")]
async fn the_file_alone_of_a_running_server_lacks_what_is_in_its_log() {
    let (place, torn) = (Place::new(), Place::new());
    let server = place.serve();
    let key = server.create(json!({ "userId": "ada" })).await;
    std::fs::copy(place.path().join("keymint.db"), torn.path().join("keymint.db")).unwrap();
    assert!(server.is_valid(&key).await);
    assert!(!torn.serve().is_valid(&key).await, "docs/operations warns of this");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_file_alone_of_a_server_that_was_stopped_under_load_is_whole() {
    let (place, restored) = (Place::new(), Place::new());
    let mut load = Load::start(&place).await;
    load.server.terminate();
    // They end with the connections, by a panic on a request without an answer.
    for caller in load.callers.drain(..) {
        let _ = caller.await;
    }
    let bounds: Vec<_> = load.answered().into_iter().zip(load.asked()).collect();
    let mut server = std::mem::replace(&mut load.server, Arc::new(Place::new().serve()));
    assert!(Arc::get_mut(&mut server).unwrap().wait());
    assert_eq!(files(place.path()), [PathBuf::from("keymint.db")]);
    std::fs::copy(place.path().join("keymint.db"), restored.path().join("keymint.db")).unwrap();
    load.is_restored_at(&restored, &bounds).await;
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into()).collect()
}

#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(not(feature = "full-tests"), ignore = "needs Postgres")]
async fn where_there_can_be_no_backup_it_is_said_why() {
    let postgres = keymint_test_postgres::database().await;
    for (database, reason) in [
        ("memory:", "a database in memory is gone when its server ends"),
        (postgres.as_str(), "pg_dump --format=custom"),
        ("sqlite:none.db", "the database cannot be copied"),
    ] {
        let place = Place::on(database);
        let output = place.run(&["backup", "backup.db"]);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && stderr.contains(reason), "{database}: {stderr}");
        assert!(files(place.path()).is_empty(), "{database}");
    }
}

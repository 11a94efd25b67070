//! SQLite's disk fills up, and has room again.

use std::fs;
use std::path::PathBuf;

use keymint_test_support::keymint::{Place, SERVER_KEY, Server};
use serde_json::json;

use crate::load::Load;
use crate::ready;

/// A server whose database is on a small disk that no other process sees: a file system in memory, in a namespace that
/// the server's process begins.
struct SmallDisk {
    place: Place,
    server: Server,
}

impl SmallDisk {
    const MEGABYTES: u64 = 8;

    fn start() -> Self {
        let place = Place::on("sqlite:disk/keymint.db").with("KEYMINT__API_KEY__0__ENABLE_METADATA", "true");
        fs::create_dir(place.path().join("disk")).unwrap();
        let mut command = std::process::Command::new("unshare");
        let keymint = place.command(&[]);
        let mount = format!("mount -t tmpfs -o size={}m keymint disk && exec \"$0\"", Self::MEGABYTES);
        command.args(["--map-root-user", "--mount", "sh", "-c", &mount]).arg(keymint.get_program());
        command.current_dir(place.path()).env_clear().env("KEYMINT_SERVER_KEYS", SERVER_KEY);
        command.envs(keymint.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let server = Server::start(command);
        Self { place, server }
    }

    /// Returns the path of a file on the disk, as seen from here.
    fn file(&self, name: &str) -> PathBuf {
        let root = PathBuf::from(format!("/proc/{}/root", self.server.id()));
        root.join(self.place.path().strip_prefix("/").unwrap()).join("disk").join(name)
    }

    /// Fills the disk.
    fn fill(&self) {
        let zeros = vec![0; 4096];
        let mut file = fs::File::create(self.file("others")).unwrap();
        while std::io::Write::write_all(&mut file, &zeros).is_ok() {}
    }

    /// Makes keys until there is no room for another one.
    async fn use_what_is_left(&self) {
        let body = json!({ "userId": "ada", "metadata": { "text": "x".repeat(100_000) } });
        for _ in 0..2 * Self::MEGABYTES * 10 {
            let (status, answer) = self.server.post("create", body.clone()).await;
            if status != 200 {
                assert_eq!(status, 503, "{answer}");
                return;
            }
        }
        panic!("the disk is not full");
    }

    /// Removes the other files.
    fn make_room(&self) {
        fs::remove_file(self.file("others")).unwrap();
    }

    /// Stops the server, whose disk goes with it, and copies the database to the place where commands look for it.
    fn keep(mut self) -> Place {
        let (from, to) = (self.file("keymint.db"), self.place.path().join("disk/keymint.db"));
        // An open file outlives the last user of its disk.
        let mut database = fs::File::open(from).unwrap();
        self.server.terminate();
        assert!(self.server.wait(), "{}", self.server.log());
        std::io::copy(&mut database, &mut fs::File::create(to).unwrap()).unwrap();
        self.place
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_loses_no_use_that_was_answered_and_serves_again_once_there_is_room() {
    let disk = SmallDisk::start();
    let key = disk.server.create(json!({ "userId": "ada" , "remaining": 1_000_000, "rateLimitEnabled": false })).await;
    let load = Load::start(&disk.server, 3, 8).await;
    for _ in 0..3 {
        load.goes_on(50).await;
        disk.fill();
        disk.use_what_is_left().await;
        assert_eq!(disk.server.status_of("/healthz").await, 200);
        // Small uses may find room in the log.
        ready::agreed(&disk.server, &key).await;
        disk.make_room();
        load.goes_on(50).await;
        ready::both_become(&disk.server, &key, 200).await;
    }
    load.end().await.agree_with(&disk.keep());
}

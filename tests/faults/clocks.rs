//! The machine's clock steps, while the server runs.

use std::fs;
use std::path::{Path, PathBuf};

use crate::load::Load;
use crate::package::program;
use crate::process::{Place, SERVER_KEY, Server};

/// A server that is told the time by a file.
struct Clock {
    place: Place,
}

impl Clock {
    fn new(place: Place) -> Self {
        let clock = Self { place };
        clock.step("+0");
        clock
    }

    /// Sets the clock so far off, as libfaketime writes it: `+400d`, `-1h`.
    fn step(&self, off_by: &str) {
        let new = self.place.path().join("time.new");
        fs::write(&new, off_by).unwrap();
        fs::rename(new, self.file()).unwrap();
    }

    fn serve(&self) -> Server {
        let mut command = self.place.command(&[]);
        command.env("KEYMINT_SERVER_KEYS", SERVER_KEY);
        command.env("LD_PRELOAD", library()).env("FAKETIME_TIMESTAMP_FILE", self.file());
        // What measures how long something takes goes on, as it does where a clock is set.
        command.env("FAKETIME_NO_CACHE", "1").env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
        Server::start(command)
    }

    fn file(&self) -> PathBuf {
        self.place.path().join("time")
    }
}

/// libfaketime for programs with threads, where Debian's package has it.
fn library() -> PathBuf {
    program("faketime", "faketime");
    let folders = fs::read_dir("/usr/lib").unwrap().map(|entry| entry.unwrap().path());
    let mut libraries = folders.map(|folder| folder.join("faketime/libfaketimeMT.so.1"));
    libraries.find(|library| Path::is_file(library)).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn quotas_are_exact_while_the_clock_steps_both_ways() {
    for place in [Place::new(), Place::on(&keymint_test_postgres::database().await)] {
        let clock = Clock::new(place);
        let server = clock.serve();
        let load = Load::start(&server, 3, 8).await;
        for off_by in ["+400d", "-1h", "+0", "-400d", "+0"] {
            load.goes_on(30).await;
            clock.step(off_by);
        }
        load.goes_on(30).await;
        assert_eq!(load.failed(), 0);
        load.end().await.agree_with(&clock.place);
    }
}

//! Steps of the machine's clock while the server runs.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use keymint_test_support::debian::program;
use keymint_test_support::keymint::{Place, SERVER_KEY, Server};
use serde_json::json;
use sqlx::{Connection as _, PgConnection, query, query_scalar};
use tokio::time::timeout;

use crate::load::Load;

/// A server that reads its time from a file.
struct Clock {
    place: Place,
}

impl Clock {
    fn new(place: Place) -> Self {
        let clock = Self { place };
        clock.step("+0");
        clock
    }

    /// Sets the clock off by that much, in libfaketime's notation: `+400d`, `-1h`.
    fn step(&self, off_by: &str) {
        let new = self.place.path().join("time.new");
        fs::write(&new, off_by).unwrap();
        fs::rename(new, self.file()).unwrap();
    }

    fn serve(&self) -> Server {
        let mut command = self.place.command(&[]);
        command.env("KEYMINT_SERVER_KEYS", SERVER_KEY);
        command.env("LD_PRELOAD", library()).env("FAKETIME_TIMESTAMP_FILE", self.file());
        // The monotonic clock goes on, as it does when a clock is set.
        command.env("FAKETIME_NO_CACHE", "1").env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
        Server::start(command)
    }

    fn file(&self) -> PathBuf {
        self.place.path().join("time")
    }
}

/// Returns the path of libfaketime for programs with threads, in Debian's package.
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

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_ahead_for_a_while_lets_no_key_be_removed() {
    for place in [Place::new(), Place::on(&keymint_test_postgres::database().await)] {
        let place = place.with("KEYMINT__CLEANUP__INTERVAL_SECONDS", "1").with("KEYMINT__LOG__LEVEL", "debug");
        let clock = Clock::new(place);
        let server = clock.serve();
        let key = server.create(json!({ "userId": "ada", "expiresIn": 86_400 * 2 })).await;
        clock.step("+400d");
        let waits = "clean-up waits for a steady clock";
        let so_far = server.log().matches(waits).count() as u64;
        server.has_logged(waits, so_far + 3).await;
        clock.step("+0");
        assert!(server.is_valid(&key).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_keys_that_have_expired_by_postgres_clock_too_are_removed() {
    let url = keymint_test_postgres::database().await;
    let place = Place::on(&url).with("KEYMINT__CLEANUP__INTERVAL_SECONDS", "1");
    let clock = Clock::new(place.with("KEYMINT__CLEANUP__STEADY_CLOCK_SECONDS", "0"));
    let server = clock.serve();
    clock.step("+400d");
    let create = async || server.create(json!({ "userId": "ada", "expiresIn": 86_400 * 2 })).await;
    let (living, dead) = (create().await, create().await);
    let mut operator = PgConnection::connect(&url).await.unwrap();
    for (key, days) in [(&living, 1), (&dead, -1)] {
        let expire = query(r#"update "apikey" set "expiresAt" = now() + make_interval(days => $2) where "id" = $1"#);
        expire.bind(key["id"].as_str().unwrap()).bind(days).execute(&mut operator).await.unwrap();
    }
    let removed = async {
        let count = || query_scalar::<_, i64>(r#"select count(*) from "apikey" where "id" = $1"#);
        while count().bind(dead["id"].as_str().unwrap()).fetch_one(&mut operator).await.unwrap() == 1 {}
    };
    timeout(Duration::from_mins(1), removed).await.expect("what has expired by both clocks is removed");
    clock.step("+0");
    assert!(server.is_valid(&living).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_wait_is_longer_than_the_window_after_a_use_while_the_clock_was_ahead() {
    const WINDOW_MS: u64 = 60_000;
    for place in [Place::new(), Place::on(&keymint_test_postgres::database().await)] {
        let clock = Clock::new(place);
        let server = clock.serve();
        let limits = json!({ "userId": "ada", "rateLimitMax": 2, "rateLimitTimeWindow": WINDOW_MS });
        let key = server.create(limits).await;
        for off_by in ["+400d", "+0", "-1h", "+0"] {
            clock.step(off_by);
            let until_refused = async {
                loop {
                    let (_, verdict) = server.post("verify", json!({ "key": key["key"] })).await;
                    if verdict["valid"] == false {
                        break verdict;
                    }
                }
            };
            let verdict = timeout(Duration::from_mins(1), until_refused).await.unwrap();
            let wait = verdict["error"]["details"]["tryAgainIn"].as_u64();
            assert!(wait.is_some_and(|wait| (1..=WINDOW_MS).contains(&wait)), "{off_by}: {verdict}");
        }
    }
}

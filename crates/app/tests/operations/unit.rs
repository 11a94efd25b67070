//! The systemd unit.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use keymint_app::config::Config;
use keymint_app::environment::Environment;
use keymint_test_support::debian::program;
use keymint_test_support::keymint::Server;
use tempfile::TempDir;

use crate::documents::{RUNBOOK, UNIT, read, unit_values};
use crate::process::{run, said};

/// Installs the unit with this machine's paths, in a file that systemd reads.
fn installed(folder: &Path) -> std::path::PathBuf {
    let file = folder.join("keymint.service");
    std::fs::write(&file, read(UNIT).replace("/usr/local/bin/keymint", env!("CARGO_BIN_EXE_keymint"))).unwrap();
    file
}

fn systemd_analyze() -> Command {
    Command::new(program("systemd-analyze", "systemd"))
}

#[test]
fn systemd_takes_every_line() {
    let folder = TempDir::new().unwrap();
    let said =
        said(systemd_analyze().args(["verify", "--man=no", "--recursive-errors=no"]).arg(installed(folder.path())));
    assert_eq!(said, "");
}

#[test]
fn the_unit_is_as_little_exposed_as_the_runbook_says() {
    let folder = TempDir::new().unwrap();
    let mut command = systemd_analyze();
    command.args(["security", "--offline=true", "--no-pager"]).arg(installed(folder.path()));
    let said = said(&mut command);
    let overall = said.split_once("Overall exposure level for keymint.service: ").unwrap().1;
    let exposure: f64 = overall.split(' ').next().unwrap().parse().unwrap();
    // Versions of systemd weigh slightly differently.
    let runbook = read(RUNBOOK).split_whitespace().collect::<Vec<_>>().join(" ");
    let most = runbook.split_once("`systemd-analyze security keymint` says at most ").unwrap().1;
    let most: f64 = most.split(' ').next().unwrap().parse().unwrap();
    assert!(exposure <= most, "{overall}");
}

#[test]
fn the_units_numbers_agree_with_the_configuration() {
    let config = Config::from_text("", "keymint.toml", &Environment::default()).unwrap();
    let [stop] = &unit_values("TimeoutStopSec")[..] else { panic!("one TimeoutStopSec") };
    // Deferred usage and SQLite's log are written after the last answer.
    assert!(Duration::from_secs(stop.parse().unwrap()) >= config.server.shutdown + Duration::from_secs(15));
    let [files] = &unit_values("LimitNOFILE")[..] else { panic!("one LimitNOFILE") };
    assert!(files.parse::<usize>().unwrap() >= config.server.max_connections + 1024);
}

#[test]
fn a_crash_writes_no_memory_down() {
    assert_eq!(unit_values("LimitCORE"), ["0"]);
}

/// Returns a command line of the unit, in a folder in place of the root.
fn line(value: &str, root: &Path) -> Command {
    let value = value.replace("/usr/local/bin/keymint", env!("CARGO_BIN_EXE_keymint"));
    let value = value.replace("/etc/keymint", &root.join("etc").display().to_string());
    let mut words = value.split(' ');
    let mut command = Command::new(words.next().unwrap());
    command.args(words).current_dir(root).env_clear();
    command
}

#[test]
fn the_units_lines_check_start_and_stop_the_server() {
    let root = TempDir::new().unwrap();
    let (before, start) = (unit_values("ExecStartPre"), unit_values("ExecStart"));
    assert_eq!((before.len(), start.len()), (1, 1));
    std::fs::create_dir(root.path().join("etc")).unwrap();
    let file = root.path().join("etc/keymint.toml");
    std::fs::write(&file, "server.listen = \"127.0.0.1:0\"\nserver.workrs = 1\n").unwrap();
    let refused = run(&mut line(&before[0], root.path()));
    assert!(!refused.status.success() && String::from_utf8_lossy(&refused.stderr).contains("workrs"));

    std::fs::write(&file, "server.listen = \"127.0.0.1:0\"\n").unwrap();
    said(&mut line(&before[0], root.path()));
    assert!(Server::start(line(&start[0], root.path())).stop());
    let database = std::fs::metadata(root.path().join("keymint.db")).unwrap();
    assert_eq!(database.permissions().mode() & 0o077, 0);
}

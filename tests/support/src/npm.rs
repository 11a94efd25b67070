//! Packages from npm.

use std::path::Path;
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use crate::printed;

const OLDEST_NODE: u32 = 20;

/// Installs the packages of the lock file in `folder`, unless that was done since the lock file was written.
///
/// # Panics
///
/// Panics if Node or npm is missing or too old, or if the installation fails.
pub fn install(folder: &Path) {
    static INSTALLING: Mutex<()> = Mutex::new(());
    let _installing = INSTALLING.lock().unwrap_or_else(PoisonError::into_inner);
    check_node();
    let installed = modified(&folder.join("node_modules/.package-lock.json"));
    if installed.is_some_and(|installed| modified(&folder.join("package-lock.json")) <= Some(installed)) {
        return;
    }
    let mut npm = Command::new("npm");
    npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]).current_dir(folder);
    let output = npm.output().unwrap();
    assert!(output.status.success(), "npm ci failed in {}:\n{}", folder.display(), printed(&output));
}

fn check_node() {
    let version = version_of("node");
    let major = version.trim_start_matches('v').split('.').next().unwrap().parse::<u32>();
    assert!(
        major.is_ok_and(|major| major >= OLDEST_NODE),
        "these tests need Node {OLDEST_NODE} or later, with npm, and found {version}"
    );
    version_of("npm");
}

fn version_of(program: &str) -> String {
    match Command::new(program).arg("--version").output() {
        Ok(output) if output.status.success() => String::from_utf8(output.stdout).unwrap().trim().to_owned(),
        _ => panic!(
            "these tests run packages from npm and need `{program}`: install Node {OLDEST_NODE} or later with npm, so that \
             `node` and `npm` are in PATH"
        ),
    }
}

fn modified(file: &Path) -> Option<SystemTime> {
    file.metadata().and_then(|metadata| metadata.modified()).ok()
}

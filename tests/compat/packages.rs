//! The packages from npm, installed once.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;
use std::time::SystemTime;

const OLDEST_NODE: u32 = 20;

/// This folder, once it holds the packages that its locks name. Node and npm must be there: nothing is skipped.
pub(crate) fn folder() -> &'static Path {
    static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/compat");
        check_node();
        install(&folder);
        install(&folder.join("issuer"));
        folder
    });
    &FOLDER
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
            "these tests run Better Auth and need `{program}`: install Node {OLDEST_NODE} or later with npm, so that \
             `node` and `npm` are in PATH"
        ),
    }
}

/// Installs what a folder's lock names, unless it was installed since the lock was written.
fn install(folder: &Path) {
    let installed = modified(&folder.join("node_modules/.package-lock.json"));
    if installed.is_some_and(|installed| modified(&folder.join("package-lock.json")) <= Some(installed)) {
        return;
    }
    let mut npm = Command::new("npm");
    npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]).current_dir(folder);
    let output = npm.output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "npm ci failed in {}:\n{}", folder.display(), String::from_utf8_lossy(&said));
}

fn modified(file: &Path) -> Option<SystemTime> {
    file.metadata().and_then(|metadata| metadata.modified()).ok()
}

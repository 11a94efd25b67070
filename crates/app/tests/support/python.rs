//! Packages from PyPI, installed once.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Mutex, PoisonError};

/// Returns the programs of the environment `name`, with the packages of the `requirements.txt` in `folder`.
///
/// If Python cannot make an environment, its Debian package is installed, which only root may do: nothing is skipped.
pub(crate) fn environment(name: &str, folder: &Path) -> PathBuf {
    static INSTALLING: Mutex<()> = Mutex::new(());
    let _installing = INSTALLING.lock().unwrap_or_else(PoisonError::into_inner);
    let environment = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let requirements = folder.join("requirements.txt");
    let installed = environment.join("installed.txt");
    let wanted = fs::read_to_string(&requirements).unwrap();
    if fs::read_to_string(&installed).is_ok_and(|installed| installed == wanted) {
        return environment.join("bin");
    }
    if !make(&environment).is_ok_and(|output| output.status.success()) {
        let apt_get = |arguments: &[&str]| {
            let _ = Command::new("apt-get").args(arguments).env("DEBIAN_FRONTEND", "noninteractive").output();
        };
        apt_get(&["update"]);
        apt_get(&["install", "-y", "--no-install-recommends", "python3-venv"]);
        let made = make(&environment)
            .unwrap_or_else(|error| panic!("these tests run {name} and need `python3` with `venv` in PATH: {error}"));
        assert!(made.status.success(), "`python3 -m venv` failed: {}", said(&made));
    }
    let mut pip = Command::new(environment.join("bin/pip"));
    let output = pip.args(["install", "--quiet", "--requirement"]).arg(&requirements).output().unwrap();
    assert!(output.status.success(), "pip install failed: {}", said(&output));
    fs::write(installed, wanted).unwrap();
    environment.join("bin")
}

fn make(environment: &Path) -> std::io::Result<Output> {
    Command::new("python3").args(["-m", "venv", "--clear"]).arg(environment).output()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr[..]].concat()).into_owned()
}

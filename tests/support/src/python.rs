//! Packages from PyPI.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use crate::{debian, printed};

/// Returns the folder of the programs of a virtual environment with the packages of `requirements`.
///
/// The environment is made in `folder` unless it exists.
///
/// # Panics
///
/// Panics if Python is missing, or if the installation fails.
pub fn environment(folder: &Path, requirements: &Path) -> PathBuf {
    static INSTALLING: Mutex<()> = Mutex::new(());
    let _installing = INSTALLING.lock().unwrap_or_else(PoisonError::into_inner);
    let installed = folder.join("installed.txt");
    let wanted = fs::read_to_string(requirements).unwrap();
    if fs::read_to_string(&installed).is_ok_and(|installed| installed == wanted) {
        return folder.join("bin");
    }
    debian::find_or_install(|| make(folder), "python3-venv")
        .unwrap_or_else(|said| panic!("these tests need `python3` with `venv` in PATH: {said}"));
    let mut pip = Command::new(folder.join("bin/pip"));
    let output = pip.args(["install", "--quiet", "--requirement"]).arg(requirements).output().unwrap();
    assert!(output.status.success(), "pip install failed: {}", printed(&output));
    fs::write(installed, wanted).unwrap();
    folder.join("bin")
}

/// Makes an empty environment. Returns `None` if Python cannot.
fn make(folder: &Path) -> Option<()> {
    let output = Command::new("python3").args(["-m", "venv", "--clear"]).arg(folder).output().ok()?;
    output.status.success().then_some(())
}

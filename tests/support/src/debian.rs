//! Programs from Debian's packages.

use std::path::PathBuf;
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use crate::printed;

/// Returns the path of a program. Installs Debian's package if the program is missing, which only root may do.
///
/// # Panics
///
/// Panics if the program is still missing afterwards.
pub fn program(name: &str, package: &str) -> PathBuf {
    let find = || {
        ["/usr/sbin", "/usr/bin", "/usr/local/bin"]
            .iter()
            .map(|folder| PathBuf::from(folder).join(name))
            .find(|path| path.is_file())
    };
    find_or_install(find, package).unwrap_or_else(|said| {
        panic!("these tests need {name}: install Debian's package {package}, or run as root: {said}")
    })
}

/// Returns the result of `find`. If it is `None`, installs Debian's package and calls `find` again.
///
/// # Errors
///
/// Returns the output of `apt-get` if `find` still returns `None`.
pub fn find_or_install<T>(find: impl Fn() -> Option<T>, package: &str) -> Result<T, String> {
    static INSTALLING: Mutex<()> = Mutex::new(());
    let _installing = INSTALLING.lock().unwrap_or_else(PoisonError::into_inner);
    find().map_or_else(
        || {
            let printed = apt_get(&["update"]) + &install(package);
            find().ok_or(printed)
        },
        Ok,
    )
}

/// Installs a package. It waits while another process installs one.
fn install(package: &str) -> String {
    apt_get(&["install", "-y", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=300", package])
}

fn apt_get(arguments: &[&str]) -> String {
    match Command::new("apt-get").args(arguments).env("DEBIAN_FRONTEND", "noninteractive").output() {
        Ok(output) => printed(&output),
        Err(error) => format!("apt-get: {error}\n"),
    }
}

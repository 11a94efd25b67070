//! Programs of Debian's packages.

use std::path::PathBuf;
use std::process::Command;
use std::sync::{Mutex, PoisonError};

/// Returns the path of a program, and installs its Debian package if it is missing, which only root may do.
pub(crate) fn program(name: &str, package: &str) -> PathBuf {
    static INSTALLING: Mutex<()> = Mutex::new(());
    let _installing = INSTALLING.lock().unwrap_or_else(PoisonError::into_inner);
    let find = || {
        ["/usr/sbin", "/usr/bin", "/usr/local/bin"]
            .iter()
            .map(|folder| PathBuf::from(folder).join(name))
            .find(|path| path.is_file())
    };
    find().unwrap_or_else(|| {
        let apt_get = |arguments: &[&str]| {
            let _ = Command::new("apt-get").args(arguments).env("DEBIAN_FRONTEND", "noninteractive").output();
        };
        apt_get(&["update"]);
        apt_get(&["install", "-y", "--no-install-recommends", package]);
        find().unwrap_or_else(|| {
            panic!("these tests need {name}: install Debian's package {package}, or run them as root")
        })
    })
}

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use keymint_test_support::debian;

/// Returns the folder that holds `initdb` and `pg_ctl`. Installs them if they are missing and that is possible.
pub(crate) fn folder() -> PathBuf {
    folder_of(&["initdb", "pg_ctl", "postgres"])
}

/// Returns the path of a Postgres program, such as `pg_dump`. Installs it if it is missing and that is possible.
///
/// # Panics
///
/// Panics if the program is missing and cannot be installed.
pub fn tool(name: &str) -> PathBuf {
    folder_of(&[name]).join(name)
}

fn folder_of(binaries: &[&str]) -> PathBuf {
    debian::find_or_install(|| find(binaries), "postgresql").unwrap_or_else(|said| {
        panic!(
            "these tests need Postgres: set KEYMINT_TEST_POSTGRES_URL to a server on which databases may be made, or \
             install Postgres so that initdb is in PATH, in pg_config's folder or in /usr/lib/postgresql/*/bin: {said}"
        )
    })
}

#[expect(clippy::disallowed_methods, reason = "the binaries of tests are found where a shell finds them")]
fn find(binaries: &[&str]) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let in_path: Vec<PathBuf> = env::split_paths(&path).collect();
    in_path.into_iter().chain(by_pg_config()).chain(debians()).find(|folder| has_all(folder, binaries))
}

fn has_all(folder: &Path, binaries: &[&str]) -> bool {
    binaries.iter().all(|binary| folder.join(binary).is_file())
}

fn by_pg_config() -> Option<PathBuf> {
    let output = Command::new("pg_config").arg("--bindir").output().ok()?;
    Some(PathBuf::from(String::from_utf8(output.stdout).ok()?.trim()))
}

/// Returns Debian's folders, the newest version first.
fn debians() -> Vec<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut versions: Vec<u32> = versions.filter_map(|version| version.file_name().to_str()?.parse().ok()).collect();
    versions.sort_unstable();
    versions.iter().rev().map(|version| PathBuf::from(format!("/usr/lib/postgresql/{version}/bin"))).collect()
}

//! A database that is read-only.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use crate::process::Place;

#[test]
fn a_database_that_may_only_be_read_is_refused_by_its_name() {
    let place = Place::new();
    assert!(place.run(&["migrate"]).status.success());
    let (database, binary) = (place.path().join("keymint.db"), place.path().join("keymint"));
    // Root may write any file; another user needs a binary that they can reach.
    fs::copy(env!("CARGO_BIN_EXE_keymint"), &binary).unwrap();
    fs::set_permissions(&binary, Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(&database, Permissions::from_mode(0o444)).unwrap();
    let is_root = Command::new("id").arg("-u").output().unwrap().stdout.trim_ascii() == b"0";
    for folder in [0o755, 0o777] {
        fs::set_permissions(place.path(), Permissions::from_mode(folder)).unwrap();
        for arguments in [&["serve"][..], &["key", "list"]] {
            let mut command = Command::new(if is_root { "setpriv" } else { "env" });
            if is_root {
                command.args(["--reuid", "65534", "--clear-groups"]);
            }
            command.arg(&binary).args(arguments).current_dir(place.path());
            let output = command.env("KEYMINT__SERVER__LISTEN", "127.0.0.1:0").output().unwrap();
            let said = String::from_utf8(output.stderr).unwrap();
            let expected = format!("{} or its folder may not be written", database.display());
            assert!(!output.status.success() && said.contains(&expected), "{arguments:?}: {said}");
        }
    }
}

use std::fs;
use std::path::{Path, PathBuf};

use keymint_app::config::Config;
use keymint_app::environment::Environment;

fn load(path: &Path) -> Result<Config, String> {
    Config::load(Some(path), &Environment::default()).map_err(|problems| problems.to_string())
}

#[test]
fn a_file_is_read_and_named_in_problems() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("keys.toml");
    fs::write(&path, "[server]\nworkers = 2\n").unwrap();
    assert_eq!(load(&path).unwrap().server.workers.map(usize::from), Some(2));
    fs::write(&path, "[server]\nworkers = \"x\"\n").unwrap();
    let expected = format!("{}:2: server.workers: must be an integer, not text", path.display());
    assert_eq!(load(&path), Err(expected));
}

#[test]
fn a_file_that_is_asked_for_must_be_there_and_be_text() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("keymint.toml");
    assert!(load(&path).unwrap_err().starts_with(&format!("{}: cannot be read: ", path.display())));
    fs::write(&path, b"a = \"\xff\"").unwrap();
    assert_eq!(load(&path), Err(format!("{}: is not UTF-8", path.display())));
}

#[test]
fn the_file_asked_for_goes_before_the_one_that_is_there() {
    let directory = tempfile::tempdir().unwrap();
    let usual = directory.path().join("keymint.toml");
    assert_eq!(Config::locate(None, directory.path()), None);
    fs::write(&usual, "").unwrap();
    assert_eq!(Config::locate(None, directory.path()), Some(usual));
    let asked = PathBuf::from("absent.toml");
    assert_eq!(Config::locate(Some(asked.clone()), directory.path()), Some(asked));
}

//! The packages of npm and PyPI that the tests run, in the versions of their lock files. They are installed once.

use std::fs;
use std::path::{Path, PathBuf};

use keymint_test_support::{npm, python};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/clients");
const KEPT: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/clients");

/// Returns an empty folder inside one whose `node_modules` has the packages. Next.js follows no link to them.
pub(crate) fn folder_with_node(name: &str) -> PathBuf {
    let packages = Path::new(KEPT).join("node");
    fs::create_dir_all(&packages).unwrap();
    for file in ["package.json", "package-lock.json"] {
        let wanted = fs::read(Path::new(FOLDER).join("packages").join(file)).unwrap();
        // An equal file keeps its time, which says that it was installed.
        if fs::read(packages.join(file)).ok().as_ref() != Some(&wanted) {
            fs::write(packages.join(file), wanted).unwrap();
        }
    }
    npm::install(&packages);
    empty(&packages.join("run").join(name))
}

/// Returns an empty folder.
pub(crate) fn folder(name: &str) -> PathBuf {
    empty(&Path::new(KEPT).join("run").join(name))
}

/// Returns the folder of the programs of Python's packages.
pub(crate) fn python() -> PathBuf {
    python::environment(&Path::new(KEPT).join("python"), &Path::new(FOLDER).join("requirements.txt"))
}

fn empty(folder: &Path) -> PathBuf {
    let _ = fs::remove_dir_all(folder);
    fs::create_dir_all(folder).unwrap();
    folder.to_path_buf()
}

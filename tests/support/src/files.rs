//! The files of the repository.

use std::fs;
use std::path::{Path, PathBuf};

/// Finds the files with an extension in a folder and below, except those that tools put there.
pub fn with_extension(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() && !name.starts_with('.') && !["node_modules", "target"].contains(&name.as_str()) {
            found.extend(with_extension(&path, extension));
        } else if path.extension().is_some_and(|known| known == extension) {
            found.push(path);
        }
    }
    found
}

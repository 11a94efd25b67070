//! The files for operators.

use std::fs;
use std::path::{Path, PathBuf};

pub(crate) const RUNBOOK: &str = "docs/operations/README.md";
pub(crate) const ALERTS: &str = "docs/operations/alerts.yml";
pub(crate) const UNIT: &str = "deploy/keymint.service";

/// Returns the path of a file in the repository.
pub(crate) fn path(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(file)
}

pub(crate) fn read(file: &str) -> String {
    fs::read_to_string(path(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// Returns the names of all alerts.
pub(crate) fn alerts() -> Vec<String> {
    read(ALERTS).lines().filter_map(|line| Some(line.trim().strip_prefix("- alert: ")?.to_owned())).collect()
}

/// Returns the blocks of a language, each with the heading above it.
pub(crate) fn blocks(language: &str) -> Vec<(String, String)> {
    let (text, mut heading, mut block, mut blocks) = (read(RUNBOOK), String::new(), None::<String>, Vec::new());
    let opening = format!("```{language}");
    for line in text.lines() {
        match (&mut block, line) {
            (Some(_), "```") => blocks.extend(block.take().map(|block| (heading.clone(), block))),
            (Some(block), line) => block.extend([line, "\n"]),
            (None, line) if line == opening => block = Some(String::new()),
            (None, line) if line.starts_with('#') => line.trim_start_matches(['#', ' ']).clone_into(&mut heading),
            (None, _) => {}
        }
    }
    blocks
}

/// Returns the values of a key in the unit, in their order.
pub(crate) fn unit_values(key: &str) -> Vec<String> {
    let values = |line: &str| Some(line.strip_prefix(key)?.strip_prefix('=')?.to_owned());
    read(UNIT).lines().filter_map(values).collect()
}

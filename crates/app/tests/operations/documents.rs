//! The files for operators.

use std::fs;
use std::path::{Path, PathBuf};

use keymint_test_support::markdown::{Block, all_blocks};

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

/// Returns the runbook's blocks.
pub(crate) fn blocks() -> Vec<Block> {
    all_blocks(&read(RUNBOOK))
}

/// Returns the values of a key in the unit, in their order.
pub(crate) fn unit_values(key: &str) -> Vec<String> {
    let values = |line: &str| Some(line.strip_prefix(key)?.strip_prefix('=')?.to_owned());
    read(UNIT).lines().filter_map(values).collect()
}

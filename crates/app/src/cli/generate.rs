//! Completions for shells and pages for `man`, made from the command line itself.

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

use clap::CommandFactory as _;
use clap_complete::Shell;

use super::arguments::Arguments;
use super::output::NobodyReads;
use super::{CliResult, Outcome, output};

/// Prints the completion of a shell.
pub(super) fn completion(shell: Shell) -> CliResult {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "keymint", &mut text);
    match io::stdout().lock().write_all(&text) {
        Ok(()) => Ok(Outcome::Done),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Err(NobodyReads.into()),
        Err(error) => Err(error.into()),
    }
}

/// Writes a page for each command into a directory, which is made if it is missing.
pub(super) fn man(directory: &Path) -> CliResult {
    fs::create_dir_all(directory)?;
    clap_mangen::generate_to(Arguments::command(), directory)?;
    output::line(&format!("the pages are in {}", directory.display()))
}

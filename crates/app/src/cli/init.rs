//! `keymint config init`.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;

use super::{CliResult, Refused, output};

/// The file: the usual settings at their defaults, commented out, each with an explanation.
const TEMPLATE: &str = include_str!("init.toml");

/// Writes the file, unless there is one.
pub(super) fn run(path: &Path) -> CliResult {
    let shown = path.display();
    let mut file = File::create_new(path).map_err(|error| -> Box<dyn std::error::Error> {
        match error.kind() {
            io::ErrorKind::AlreadyExists => Refused::because(format!("{shown} exists, and stays as it is")).into(),
            _ => format!("{shown} cannot be made: {error}").into(),
        }
    })?;
    file.write_all(TEMPLATE.as_bytes()).map_err(|error| format!("{shown} cannot be written: {error}"))?;
    output::line(&format!("{shown} is written; `keymint config check` checks what you change"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::environment::Environment;

    fn printed(text: &str) -> String {
        Config::from_text(text, "keymint.toml", &Environment::default()).unwrap().print()
    }

    #[test]
    fn the_file_changes_nothing_and_each_setting_in_it_is_the_default() {
        assert_eq!(printed(TEMPLATE), printed(""));
        let settings = |line: &&str| line.starts_with("#") && !line.starts_with("# ") && line.len() > 1;
        assert!(TEMPLATE.lines().filter(settings).count() > 15);
        let uncommented: String = TEMPLATE
            .lines()
            .map(|line| if settings(&line) { &line[1..] } else { line })
            .flat_map(|line| [line, "\n"])
            .collect();
        assert_eq!(printed(&uncommented), printed(""));
    }
}

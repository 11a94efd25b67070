//! The configuration of the binary: what it accepts, what it says of the rest, and what its document promises.

#![expect(clippy::unwrap_used, reason = "test support")]

mod availability;
mod document;
mod file;
mod overrides;
mod printing;
mod problems;
mod reloading;
mod secrets;
mod values;

use keymint_app::config::{Config, Problems};
use keymint_app::environment::Environment;

/// Loads a file's text together with environment variables.
fn load(text: &str, variables: &[(&str, &str)]) -> Result<Config, Problems> {
    Config::from_text(text, "keymint.toml", &variables.iter().copied().collect::<Environment>())
}

/// The same where all is well.
fn config(text: &str, variables: &[(&str, &str)]) -> Config {
    load(text, variables).unwrap()
}

/// The same where something is wrong: what is printed of it.
fn complaint(text: &str, variables: &[(&str, &str)]) -> String {
    load(text, variables).unwrap_err().to_string()
}

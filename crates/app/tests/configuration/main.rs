//! The configuration of the binary: the values that it accepts, the messages for others, and the promises of its
//! document.

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

/// Does the same, and expects success.
fn config(text: &str, variables: &[(&str, &str)]) -> Config {
    load(text, variables).unwrap()
}

/// Does the same, and expects failure: returns the printed problems.
fn complaint(text: &str, variables: &[(&str, &str)]) -> String {
    load(text, variables).unwrap_err().to_string()
}

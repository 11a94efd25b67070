#![doc = include_str!("../README.md")]
#![expect(clippy::missing_panics_doc, clippy::unwrap_used, reason = "what does not work fails the test")]

pub mod at_end;
pub mod debian;
pub mod files;
pub mod keymint;
pub mod markdown;
pub mod npm;
pub mod process;
pub mod python;

use std::process::Output;

/// Returns the output of a command.
fn printed(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr[..]].concat()).into_owned()
}

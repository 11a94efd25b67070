#![doc = include_str!("../README.md")]
#![expect(clippy::unwrap_used, reason = "test support")]

pub mod debian;
pub mod markdown;
pub mod npm;
pub mod python;

use std::process::Output;

/// Returns the output of a command.
fn printed(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr[..]].concat()).into_owned()
}

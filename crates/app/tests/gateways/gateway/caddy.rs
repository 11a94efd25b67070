//! Caddy, of Debian.

use std::fs;
use std::process::Command;

use keymint_test_support::debian::program;

use super::Setup;
use crate::document::{block, substituted};

/// Starts Caddy. A request without an answer is retried.
pub(super) fn command(setup: &Setup<'_>) -> Command {
    let Setup { address, keymint, upstream, changes, folder } = *setup;
    let site = substituted(
        substituted(block("caddy.md", "caddyfile"), changes),
        &[
            (":8080 {", &format!("http://{address} {{")),
            ("forward_auth 127.0.0.1:8787 {", &format!("forward_auth {keymint} {{\n\t\t\tlb_retries 1")),
            ("127.0.0.1:9000", &upstream.to_string()),
        ],
    );
    let file = folder.join("Caddyfile");
    fs::write(&file, format!("{{\n\tadmin off\n}}\n{site}")).unwrap();
    let mut command = Command::new(program("caddy", "caddy"));
    command.args(["run", "--adapter", "caddyfile", "--config"]).arg(&file);
    command.env("HOME", folder).env("XDG_DATA_HOME", folder).env("XDG_CONFIG_HOME", folder);
    command
}

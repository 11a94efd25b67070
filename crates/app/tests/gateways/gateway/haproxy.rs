//! HAProxy, of Debian.

use std::fs;
use std::path::Path;
use std::process::Command;

use keymint_test_support::debian::program;

use super::{Setup, free_address};
use crate::document::{block, substituted};

/// Starts HAProxy, with the script that its configuration loads.
pub(super) fn command(setup: &Setup<'_>) -> Command {
    let Setup { address, keymint, upstream, changes, folder } = *setup;
    let way = free_address().to_string();
    let script = folder.join("keymint.lua");
    let script_path = script.display().to_string();
    let settings = substituted(
        block("haproxy.md", "haproxy"),
        &[
            ("/etc/haproxy/keymint.lua", &script_path),
            ("bind :8080", &format!("bind {address}")),
            ("127.0.0.1:8788", &way),
            ("127.0.0.1:8787", &keymint.to_string()),
            ("127.0.0.1:9000", &upstream.to_string()),
        ],
    );
    let lua = substituted(substituted(block("haproxy.md", "lua"), changes), &[("127.0.0.1:8788", &way)]);
    fs::write(&script, lua).unwrap();
    run(&settings, folder)
}

/// Starts HAProxy with these settings.
pub(super) fn run(settings: &str, folder: &Path) -> Command {
    let file = folder.join("haproxy.cfg");
    fs::write(&file, settings).unwrap();
    let mut command = Command::new(program("haproxy", "haproxy"));
    command.arg("-db").arg("-f").arg(&file);
    command
}

//! nginx, of Debian.

use std::fs;
use std::path::Path;
use std::process::Command;

use keymint_test_support::debian::program;

use super::Setup;
use crate::document::{block, substituted};

/// Starts nginx. Keymint is an upstream with two entries for one address, so that a request without an answer is
/// retried.
pub(super) fn command(setup: &Setup<'_>) -> Command {
    let Setup { address, keymint, upstream, changes, folder } = *setup;
    let server = substituted(
        substituted(block("nginx.md", "nginx"), changes),
        &[
            ("listen 8080", &format!("listen {address}")),
            ("server 127.0.0.1:8787;", &format!("server {keymint}; server {keymint};")),
            ("127.0.0.1:9000", &upstream.to_string()),
        ],
    );
    run(&server, folder)
}

/// Starts nginx with the content of its `http` block, in the surroundings of Debian's own file.
pub(super) fn run(http: &str, folder: &Path) -> Command {
    let paths: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|name| format!("{name}_temp_path {};\n", folder.join(name).display()))
        .concat();
    let log = folder.join("log");
    let settings = format!(
        "daemon off;\nmaster_process off;\npid {};\nerror_log {} info;\nevents {{}}\n\
         http {{\naccess_log off;\n{paths}{http}}}\n",
        folder.join("pid").display(),
        log.display(),
    );
    let file = folder.join("nginx.conf");
    fs::write(&file, settings).unwrap();
    let mut command = Command::new(program("nginx", "nginx"));
    command.arg("-c").arg(&file).arg("-p").arg(folder).arg("-e").arg(&log);
    command
}

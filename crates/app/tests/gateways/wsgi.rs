//! An application by WSGI, on Python's own server.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::{Command, Stdio};

use keymint_test_support::debian::program;
use keymint_test_support::process::Process;

/// A running application.
pub(crate) struct Wsgi {
    pub(crate) address: SocketAddr,
    _process: Process,
}

impl Wsgi {
    pub(crate) fn start() -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/gateways/wsgi.py");
        let mut command = Command::new(program("python3", "python3"));
        let mut process = Process::start(command.arg(script).stdin(Stdio::null()).stdout(Stdio::piped()));
        let line = process.lines().next_line();
        let port: u16 = line.trim().parse().unwrap_or_else(|_| panic!("did not start: {line:?}"));
        Self { address: (Ipv4Addr::LOCALHOST, port).into(), _process: process }
    }
}

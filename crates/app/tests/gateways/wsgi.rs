//! An application by WSGI, on Python's own server.

use std::io::{BufRead as _, BufReader};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use keymint_test_support::debian::program;

/// A running application. It is killed when it is dropped.
pub(crate) struct Wsgi {
    pub(crate) address: SocketAddr,
    child: Child,
}

impl Wsgi {
    pub(crate) fn start() -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/gateways/wsgi.py");
        let mut command = Command::new(program("python3", "python3"));
        let mut child = command.arg(script).stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let port: u16 = line.trim().parse().unwrap_or_else(|_| panic!("did not start: {line:?}"));
        Self { address: (Ipv4Addr::LOCALHOST, port).into(), child }
    }
}

impl Drop for Wsgi {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

//! The processes of these tests.

use std::io::{BufRead as _, BufReader, Read as _};
use std::net::SocketAddr;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, ChildStdout, Command, Output, Stdio};

/// A running server. It is killed when it is dropped.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    child: Child,
    stdout: BufReader<ChildStdout>,
}

impl Server {
    /// Starts `command`, and waits until it prints its address.
    pub(crate) fn start(mut command: Command) -> Self {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).process_group(0).spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        // The line is a text, or JSON where the log is.
        let address = line.split_once("http://").unwrap_or_else(|| panic!("did not start: {line:?}")).1;
        let address = address.split(|letter: char| !letter.is_ascii_digit() && !".:".contains(letter)).next();
        Self { address: address.unwrap().parse().unwrap(), child, stdout }
    }

    /// Sends SIGTERM, and returns true if it exits successfully.
    pub(crate) fn stop(mut self) -> bool {
        assert!(run(Command::new("kill").args(["-TERM", &self.child.id().to_string()])).status.success());
        let mut rest = String::new();
        self.stdout.read_to_string(&mut rest).unwrap();
        self.child.wait().unwrap().success()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn run(command: &mut Command) -> Output {
    command.stdin(Stdio::null()).output().unwrap_or_else(|error| panic!("{command:?}: {error}"))
}

/// Runs a command that must succeed, and returns its output.
pub(crate) fn said(command: &mut Command) -> String {
    let output = run(command);
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text).into_owned();
    assert!(output.status.success(), "{command:?}: {text}");
    text
}

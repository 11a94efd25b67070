//! Work that is done even if a test fails or is interrupted.

use std::ffi::OsStr;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};

/// A shell that runs a script once this is dropped, or once this process has ended, however it ends.
#[derive(Debug)]
pub struct AtEnd {
    shell: Child,
}

impl AtEnd {
    /// Prepares a script, whose arguments are `$1` and so on.
    pub fn run<T: AsRef<OsStr>>(script: &str, arguments: impl IntoIterator<Item = T>) -> Self {
        // Only this process holds the shell's standard input open. Interrupts of the tests do not reach its group.
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("cat > /dev/null; {script}"), "at-end"]).args(arguments).current_dir("/");
        shell.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
        Self { shell: shell.spawn().unwrap_or_else(|error| panic!("no shell: {error}")) }
    }
}

impl Drop for AtEnd {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        let _ = self.shell.wait();
    }
}

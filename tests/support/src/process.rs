//! Processes that run beside a test.

use std::io::{BufRead as _, BufReader};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, ExitStatus};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread::{sleep, spawn};
use std::time::Duration;

use crate::at_end::AtEnd;

/// The time that a process has for its next line, or to end: no test waits forever.
pub const PATIENCE: Duration = Duration::from_mins(2);

/// A running process. It is killed, with the processes that it started, when this is dropped and when the tests end.
#[derive(Debug)]
pub struct Process {
    // Dropped first: the number of a group is not given away before its leader is waited for.
    _kill: AtEnd,
    child: Reaped,
}

/// A process that is waited for when this is dropped.
#[derive(Debug)]
struct Reaped(Child);

impl Process {
    /// Starts `command`.
    pub fn start(command: &mut Command) -> Self {
        let child = command.process_group(0).spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let kill = AtEnd::run(r#"kill -s KILL -- "-$1""#, [child.id().to_string()]);
        Self { _kill: kill, child: Reaped(child) }
    }

    /// Returns its number.
    pub fn id(&self) -> u32 {
        self.child.0.id()
    }

    /// Sends it a signal, such as `TERM`.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").args(["-s", name, &self.id().to_string()]).status();
        assert!(sent.is_ok_and(|status| status.success()), "no {name} to a process that has ended");
    }

    /// Returns the lines that it prints, if its standard output is piped and was not asked for before.
    pub fn lines(&mut self) -> Lines {
        let stdout = self.child.0.stdout.take().unwrap();
        let (sender, lines) = channel();
        spawn(move || {
            let mut stdout = BufReader::new(stdout);
            let mut line = String::new();
            // Read on even if nobody asks: a full pipe would stop the process.
            while stdout.read_line(&mut line).is_ok_and(|bytes| bytes > 0) {
                let _ = sender.send(std::mem::take(&mut line));
            }
        });
        Lines(Mutex::new(lines))
    }

    /// Returns its status if it has ended.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.0.try_wait().unwrap()
    }

    /// Waits for its end.
    pub fn wait(&mut self) -> ExitStatus {
        const PAUSE: Duration = Duration::from_millis(5);
        for _ in 0..PATIENCE.as_millis() / PAUSE.as_millis() {
            if let Some(status) = self.ended() {
                return status;
            }
            sleep(PAUSE);
        }
        panic!("process {} has not ended in {PATIENCE:?}", self.id());
    }
}

impl Drop for Reaped {
    fn drop(&mut self) {
        let _ = self.0.wait();
    }
}

/// The lines that a process prints, each with its end.
// In a mutex so that threads can share the process; nobody waits for it.
#[derive(Debug)]
pub struct Lines(Mutex<Receiver<String>>);

impl Lines {
    /// Waits for the next line, which is empty at the end.
    pub fn next_line(&mut self) -> String {
        match self.0.get_mut().unwrap().recv_timeout(PATIENCE) {
            Ok(line) => line,
            Err(RecvTimeoutError::Disconnected) => String::new(),
            Err(RecvTimeoutError::Timeout) => panic!("nothing was printed in {PATIENCE:?}"),
        }
    }

    /// Waits for the end of the process, and returns everything that was not read.
    pub fn rest(&mut self) -> String {
        let mut rest = String::new();
        loop {
            let line = self.next_line();
            if line.is_empty() {
                return rest;
            }
            rest.push_str(&line);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::panic::catch_unwind;
    use std::process::Stdio;

    use super::*;

    fn shell(script: &str) -> Process {
        Process::start(Command::new("sh").args(["-c", script]).stdin(Stdio::null()).stdout(Stdio::piped()))
    }

    /// Returns true unless the process has ended. One that nobody has waited for yet is a zombie, `Z`.
    fn is_running(id: &str) -> bool {
        let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
        stat.rsplit_once(") ").is_some_and(|(_, state)| !state.starts_with('Z'))
    }

    #[test]
    fn a_process_does_not_outlive_a_test_that_fails_nor_does_what_it_started() {
        let failed = catch_unwind(|| {
            let mut process = shell("sleep 1000 & echo $!; wait");
            let started = process.lines().next_line().trim().to_owned();
            assert!(is_running(&started) && process.ended().is_none());
            std::panic::panic_any([started, process.id().to_string()]);
        });
        for id in *failed.unwrap_err().downcast::<[String; 2]>().unwrap() {
            while is_running(&id) {
                std::thread::yield_now();
            }
        }
    }

    #[test]
    fn lines_are_read_one_by_one_or_to_the_end() {
        let mut process = shell("printf 'a\\nb\\nc'; exit 3");
        let mut lines = process.lines();
        assert_eq!((lines.next_line(), lines.rest(), lines.next_line()), ("a\n".into(), "b\nc".into(), String::new()));
        assert_eq!(process.wait().code(), Some(3));
    }

    #[test]
    fn a_signal_reaches_the_process() {
        let mut process = shell("trap 'exit 7' TERM; echo ready; while :; do sleep 0.01; done");
        process.lines().next_line();
        process.signal("TERM");
        assert_eq!(process.wait().code(), Some(7));
    }
}

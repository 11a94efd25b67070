use std::fs::OpenOptions;
use std::path::Path;
use std::process::Stdio;

use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};
use tokio::process::{Child, Command};

use crate::Failure;

/// The file in a server's folder that its standard error is added to.
pub(crate) const LOG: &str = "log";

/// A process that serves, of any subject. It ends with this value.
///
/// `tests/support` has a `Server` of its own: it blocks, panics in place of errors, knows Keymint alone, and its processes end with
/// the tests. A benchmark awaits, reports a failure and goes on, starts other servers too, and asks what a process has used.
#[derive(Debug)]
pub(crate) struct Server {
    url: String,
    process: Child,
}

impl Server {
    /// Starts `command`, which must end its first line of output with its URL.
    ///
    /// It works in `folder`, where its standard error goes to a file, and has no environment but the command's.
    pub(crate) async fn start(command: &mut Command, folder: &Path) -> Result<Self, Failure> {
        let log = folder.join(LOG);
        let program = command.as_std().get_program().to_string_lossy().into_owned();
        command.current_dir(folder).kill_on_drop(true);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(OpenOptions::new().create(true).append(true).open(&log)?);
        let mut process = command.spawn().map_err(|error| format!("cannot start {program}: {error}"))?;
        let output = process.stdout.take().ok_or("standard output is not piped")?;
        let Some(url) = read_url(output).await? else {
            let said = std::fs::read_to_string(&log).unwrap_or_default();
            return Err(format!("{program} does not say where it listens\n{said}").into());
        };
        Ok(Self { url, process })
    }

    /// Returns `http://` and its address.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Returns the KiB of memory that it and its child processes hold; `None` = the system does not say.
    pub(crate) fn resident_kib(&self) -> Option<u64> {
        resident_kib(self.process.id()?)
    }

    /// Returns the processor time in s that it and its child processes have used; `None` = the system does not say.
    pub(crate) fn cpu_s(&self) -> Option<f64> {
        cpu_s(self.process.id()?)
    }

    /// Sends SIGTERM, so that it finishes open work, and waits for its end.
    pub(crate) async fn finish(mut self) -> Result<(), Failure> {
        let process = self.process.id().ok_or("the server has ended")?;
        Command::new("kill").args(["-TERM", &process.to_string()]).status().await?;
        let status = self.process.wait().await?;
        if status.success() { Ok(()) } else { Err(format!("the server ended with {status}").into()) }
    }

    /// Kills it, and waits for its end.
    pub(crate) async fn stop(mut self) -> Result<(), Failure> {
        Ok(self.process.kill().await?)
    }
}

/// Linux counts processor time in hundredths of a second.
const TICKS_A_SECOND: f64 = 100.0;

fn cpu_s(process: u32) -> Option<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name of the program may hold spaces. Behind it stand the state and, from the twelfth field on, the times of
    // the process in user and in system mode.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let (user, system): (f64, f64) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    let children = children(process).into_iter().filter_map(cpu_s).sum::<f64>();
    Some((user + system) / TICKS_A_SECOND + children)
}

fn children(process: u32) -> Vec<u32> {
    let children = std::fs::read_to_string(format!("/proc/{process}/task/{process}/children")).unwrap_or_default();
    children.split(' ').filter_map(|child| child.parse().ok()).collect()
}

fn resident_kib(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let own = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let own: u64 = own.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(own + children(process).into_iter().filter_map(resident_kib).sum::<u64>())
}

/// Reads the URL at the end of the first line, and goes on reading so that the process never blocks on its output.
async fn read_url(output: impl AsyncRead + Unpin + Send + 'static) -> Result<Option<String>, Failure> {
    let mut output = BufReader::new(output);
    let mut line = String::new();
    output.read_line(&mut line).await?;
    tokio::spawn(async move { tokio::io::copy(&mut output, &mut tokio::io::sink()).await });
    Ok(line.trim_end().rfind("http://").map(|at| line.trim_end()[at..].to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_uses_processor_time() {
        let process = std::process::id();
        let before = cpu_s(process).unwrap();
        while cpu_s(process).unwrap() <= before {}
    }

    #[tokio::test]
    async fn the_url_ends_the_first_line() {
        let said = &b"keymint 0.1.0 listens on http://127.0.0.1:4321\nmore\n"[..];
        assert_eq!(read_url(said).await.unwrap().as_deref(), Some("http://127.0.0.1:4321"));
        assert_eq!(read_url(&b""[..]).await.unwrap(), None);
    }
}

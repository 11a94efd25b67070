use std::path::Path;
use std::process::Stdio;

use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};
use tokio::process::{Child, Command};

use crate::Failure;

/// A process that serves. It ends with this value.
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
        let log = folder.join("log");
        let program = command.as_std().get_program().to_string_lossy().into_owned();
        command.current_dir(folder).kill_on_drop(true);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(std::fs::File::create(&log)?);
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

fn resident_kib(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let own = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let own: u64 = own.trim().strip_suffix(" kB")?.parse().ok()?;
    let children = std::fs::read_to_string(format!("/proc/{process}/task/{process}/children")).unwrap_or_default();
    Some(own + children.split(' ').filter_map(|child| resident_kib(child.parse().ok()?)).sum::<u64>())
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

    #[tokio::test]
    async fn the_url_ends_the_first_line() {
        let said = &b"keymint 0.1.0 listens on http://127.0.0.1:4321\nmore\n"[..];
        assert_eq!(read_url(said).await.unwrap().as_deref(), Some("http://127.0.0.1:4321"));
        assert_eq!(read_url(&b""[..]).await.unwrap(), None);
    }
}

use std::fs;
use std::io::ErrorKind;
use std::num::NonZeroU32;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use tokio::process::Command;

use crate::Failure;
use crate::api::SERVER_KEY;
use crate::rounds::Point;
use crate::subject::Subject;

/// What one subject did in one round, as wrk's script says it.
#[derive(Debug, Clone, Deserialize, Serialize)]
pub(crate) struct Round {
    /// Requests that were answered in time.
    pub(crate) answered: u64,
    pub(crate) took_us: u64,
    pub(crate) p50_us: u64,
    pub(crate) p99_us: u64,
    /// Answers whose status is 400 or more.
    pub(crate) refused: u64,
    /// Connections that were refused, broken or timed out.
    pub(crate) broken: u64,
}

impl Round {
    #[expect(clippy::cast_precision_loss, reason = "counts of one round are far below 2^53")]
    pub(crate) fn per_second(&self) -> f64 {
        self.answered as f64 * 1e6 / self.took_us as f64
    }
}

/// Wrk, and what it asks for.
#[derive(Debug)]
pub(crate) struct Load {
    script: PathBuf,
    count: usize,
    keys: String,
    connections: NonZeroU32,
    threads: NonZeroU32,
}

impl Load {
    /// A load of verifications of a subject's keys, whose files are kept in its folder.
    pub(crate) fn of(subject: &Subject, point: Point, threads: NonZeroU32) -> Result<Self, Failure> {
        let Point { connections, pick } = point;
        let script = subject.folder.join("load.lua");
        fs::write(&script, include_str!("load.lua"))?;
        let texts = subject.texts(pick);
        let keys = texts.argument(&subject.folder, &pick.to_string())?;
        Ok(Self { script, count: texts.count(), keys, connections, threads: threads.min(connections) })
    }

    /// Drives the endpoint at `url` for that long.
    pub(crate) async fn run(&self, url: &str, seconds: NonZeroU32, seed: u32) -> Result<Round, Failure> {
        let mut wrk = Command::new("wrk");
        wrk.kill_on_drop(true);
        wrk.arg(format!("-c{}", self.connections)).arg(format!("-t{}", self.threads)).arg(format!("-d{seconds}s"));
        wrk.arg("-H").arg(format!("Authorization: Bearer {SERVER_KEY}"));
        wrk.arg("-s").arg(&self.script).arg(url).arg("--");
        wrk.args([&seed.to_string(), &self.count.to_string(), &self.keys]);
        let output = wrk.output().await?;
        let said = String::from_utf8_lossy(&output.stdout);
        match said.lines().find(|line| line.starts_with('{')) {
            Some(line) if output.status.success() => Ok(serde_json::from_str(line)?),
            _ => Err(format!("wrk failed: {said}{}", String::from_utf8_lossy(&output.stderr)).into()),
        }
    }
}

/// Wrk's version, or what to do where it is missing.
pub(crate) async fn version() -> Result<String, Failure> {
    // It prints its version and its options, and fails, by design.
    match Command::new("wrk").arg("--version").output().await {
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stdout);
            let first = said.lines().next().unwrap_or_default();
            Ok(first.split(" Copyright").next().unwrap_or(first).to_owned())
        }
        Err(error) if error.kind() == ErrorKind::NotFound => Err("wrk makes the load, and is not in PATH. \
             Debian and Ubuntu: apt-get install wrk. macOS: brew install wrk. Source: https://github.com/wg/wrk"
            .into()),
        Err(error) => Err(format!("cannot run wrk: {error}").into()),
    }
}

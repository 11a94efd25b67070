use std::fs::{self, File};
use std::io::{BufWriter, ErrorKind, Write as _};
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use futures_util::future::try_join_all;
use serde::Deserialize;
use tokio::process::{Child, Command};

use crate::Failure;
use crate::api::SERVER_KEY;
use crate::draw::{Draw, Home};
use crate::figures::Figures;
use crate::keys::Endpoint;

/// The results of one subject in one round, as printed by wrk's script.
#[derive(Debug, Deserialize)]
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
    /// Adds the results as one round of the figures.
    #[expect(clippy::cast_precision_loss, reason = "microseconds of one round are far below 2^53")]
    pub(crate) fn enter(&self, figures: &mut Figures) {
        figures.add("per_second", self.per_second());
        figures.add("p50_us", self.p50_us as f64);
        figures.add("p99_us", self.p99_us as f64);
    }

    #[expect(clippy::cast_precision_loss, reason = "counts of one round are far below 2^53")]
    pub(crate) fn per_second(&self) -> f64 {
        self.answered as f64 * 1e6 / self.took_us as f64
    }

    /// Returns the sum of concurrent results: answers together, in the longest time, with the worst latencies.
    fn together(&self, other: &Self) -> Self {
        Self {
            answered: self.answered + other.answered,
            took_us: self.took_us.max(other.took_us),
            p50_us: self.p50_us.max(other.p50_us),
            p99_us: self.p99_us.max(other.p99_us),
            refused: self.refused + other.refused,
            broken: self.broken + other.broken,
        }
    }
}

/// wrk, and its requests.
#[derive(Debug)]
pub(crate) struct Load {
    script: PathBuf,
    draw: Draw,
    endpoint: Endpoint,
    connections: NonZeroU32,
    threads: NonZeroU32,
}

impl Load {
    /// Returns a load of requests with these keys. `folder` is for its files.
    pub(crate) fn of(
        draw: Draw,
        folder: &Path,
        endpoint: Endpoint,
        connections: NonZeroU32,
        threads: NonZeroU32,
    ) -> Result<Self, Failure> {
        let script = folder.join("load.lua");
        fs::write(&script, include_str!("load.lua"))?;
        Ok(Self { script, draw, endpoint, connections, threads })
    }

    /// Drives the targets for that long, all at the same time, each over its share of the connections, at least one.
    ///
    /// # Errors
    ///
    /// Fails if a request was not answered with 200.
    pub(crate) async fn run(&self, targets: &[Target], seconds: NonZeroU32, seed: u32) -> Result<Round, Failure> {
        let parts = (0..).zip(targets).map(|(place, target)| {
            let connections = (self.connections.get() + place) / u32::try_from(targets.len()).unwrap_or(u32::MAX);
            let connections = NonZeroU32::new(connections).unwrap_or(NonZeroU32::MIN);
            // Further ones use other keys.
            self.drive(target, connections, seconds, seed + place * 1_000_000)
        });
        let rounds = try_join_all(parts).await?;
        let round = rounds.into_iter().reduce(|sum, round| sum.together(&round)).ok_or("nothing to drive")?;
        if round.answered == 0 || round.refused > 0 || round.broken > 0 {
            return Err(format!("not every request was answered with 200: {targets:?}: {round:?}").into());
        }
        Ok(round)
    }

    async fn drive(
        &self,
        target: &Target,
        connections: NonZeroU32,
        seconds: NonZeroU32,
        seed: u32,
    ) -> Result<Round, Failure> {
        let keys = self.script.with_file_name(format!("keys-{seed}"));
        self.draw_into(&keys, seed, target.home)?;
        let threads = self.threads.min(connections);
        let mut wrk = Command::new("wrk");
        wrk.kill_on_drop(true);
        wrk.arg(format!("-c{connections}")).arg(format!("-t{threads}")).arg(format!("-d{seconds}s"));
        wrk.arg("-s").arg(&self.script).arg(&target.url).arg("--");
        wrk.arg(&keys).args([&self.endpoint.to_string(), SERVER_KEY]);
        let output = wrk.output().await?;
        // Before the system writes it to the disk that the servers need.
        fs::remove_file(&keys)?;
        let said = String::from_utf8_lossy(&output.stdout);
        match said.lines().find(|line| line.starts_with('{')) {
            Some(line) if output.status.success() => Ok(serde_json::from_str(line)?),
            _ => Err(format!("wrk failed: {said}{}", String::from_utf8_lossy(&output.stderr)).into()),
        }
    }

    fn draw_into(&self, file: &Path, seed: u32, home: Home) -> Result<(), Failure> {
        let mut file = BufWriter::new(File::create(file)?);
        for key in self.draw.sample(seed, home) {
            writeln!(file, "{key}")?;
        }
        Ok(file.flush()?)
    }
}

/// An endpoint, and the keys that it is asked about.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) url: String,
    pub(crate) home: Home,
}

impl Target {
    /// Returns an endpoint that is asked about all keys.
    pub(crate) fn of_all(url: String) -> Self {
        Self { url, home: Home::ALL }
    }
}

/// Starts a hundred connections that request `url` without a pause, authenticated by `header`. They end when it is
/// dropped.
pub(crate) fn flood(url: &str, header: &str) -> Result<Child, Failure> {
    let mut wrk = Command::new("wrk");
    wrk.kill_on_drop(true).stdout(Stdio::null()).args(["-c100", "-t1", "-d1h"]);
    Ok(wrk.arg("-H").arg(header).arg(url).spawn()?)
}

/// Returns wrk's version, or an explanation of how to install it.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_at_the_same_time_add_up_and_the_worse_latency_counts() {
        let round = |answered, took_us, p99_us| Round { answered, took_us, p50_us: 1, p99_us, refused: 0, broken: 0 };
        let both = round(100, 1_000_000, 9).together(&round(300, 2_000_000, 5));
        assert_eq!((both.answered, both.p99_us), (400, 9));
        assert!((both.per_second() - 200.0).abs() < 1e-9);
    }
}

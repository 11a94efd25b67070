use std::fmt;
use std::fs::File;
use std::io::Write as _;
use std::num::NonZeroUsize;
use std::path::Path;
use std::thread::available_parallelism;
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::Failure;
use crate::figures::Spread;

/// The properties of the machine that figures depend on.
#[derive(Debug, Serialize)]
pub(crate) struct Machine {
    cores: usize,
    /// Microseconds that the device takes to persist one small write: the lower bound of any durable answer.
    commit_us: Spread,
    wrk: String,
}

impl Machine {
    pub(crate) fn look(folder: &Path, wrk: String) -> Result<Self, Failure> {
        let cores = available_parallelism().map_or(1, NonZeroUsize::get);
        Ok(Self { cores, commit_us: commit_us(folder)?, wrk })
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cores, commit_us, wrk } = self;
        write!(f, "{cores} cores, one durable write {:.0} us, load by {wrk}", commit_us.median)
    }
}

/// Measures an append of a page with a sync, as a database's log does it.
fn commit_us(folder: &Path) -> Result<Spread, Failure> {
    let path = folder.join("commits");
    let mut file = File::create(&path)?;
    let mut commit = || -> Result<f64, Failure> {
        let watch = Stopwatch::start();
        file.write_all(&[0x5a; 4096])?;
        file.sync_data()?;
        Ok(watch.elapsed().as_secs_f64() * 1e6)
    };
    let took: Vec<f64> = (0..200).map(|_| commit()).collect::<Result<_, _>>()?;
    std::fs::remove_file(path)?;
    Ok(Spread::of(took))
}

/// Measures from its start.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stopwatch(Instant);

impl Stopwatch {
    #[expect(clippy::disallowed_methods, reason = "a benchmark measures")]
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    pub(crate) fn elapsed(self) -> Duration {
        self.0.elapsed()
    }
}

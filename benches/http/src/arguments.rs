use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use serde::Serialize;

use crate::keys::{Endpoint, Pick, Route};
use crate::subject::{Engine, Kind};

/// Measures verifications over HTTP.
#[derive(Debug, Parser)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    #[command(flatten)]
    pub(crate) run: Run,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serves the bare endpoint that the rest is measured against.
    #[command(hide = true)]
    Bare(Bare),
    /// Measures other work that must be fast: pages of a long list, and verifications while expired keys are removed.
    Chores(Chores),
    /// Measures the stores without HTTP, with few keys and with many: batches one after the other.
    Stores(Stores),
    /// Draws the figures that `--json` wrote, of all files together.
    Plot(Plot),
}

/// The options that both kinds of runs share.
#[derive(Debug, Clone, Args, Serialize)]
pub(crate) struct Common {
    /// Length of one round.
    #[arg(long, default_value = "5")]
    pub(crate) seconds: NonZeroU32,
    /// Rounds that count; for clean-up, pairs of rounds without it and with it.
    #[arg(long, default_value = "3")]
    pub(crate) rounds: NonZeroU32,
    /// Length of the round before them, which does not count.
    #[arg(long, default_value = "1")]
    pub(crate) warm_up: NonZeroU32,
    /// Keys of each sort that requests use; memory's are made over HTTP, the others' in bulk.
    #[arg(long, default_value = "1000")]
    pub(crate) keys: NonZeroUsize,
    /// Threads that serve, for every subject; 0 is one per core.
    #[arg(long, default_value = "0")]
    pub(crate) workers: usize,
    /// Writes the figures to this file, too.
    #[arg(long, value_name = "FILE")]
    #[serde(skip)]
    pub(crate) json: Option<PathBuf>,
    /// The server to measure; by default the one beside this program.
    #[arg(long, value_name = "FILE")]
    #[serde(skip)]
    pub(crate) keymint: Option<PathBuf>,
}

#[derive(Debug, Clone, Args, Serialize)]
pub(crate) struct Run {
    #[command(flatten)]
    #[serde(flatten)]
    pub(crate) common: Common,
    /// Open connections at the same time; several numbers, as in 1,32,256, are measured one after the other.
    #[arg(long, value_delimiter = ',', default_values = ["32"])]
    pub(crate) connections: Vec<NonZeroU32>,
    /// Threads of the load generator; at most as many as connections.
    #[arg(long, default_value = "1")]
    pub(crate) threads: NonZeroU32,
    /// Choice of the keys that requests use; several choices are interleaved.
    #[arg(long, value_enum, value_delimiter = ',', default_values = ["spread"])]
    pub(crate) pick: Vec<Pick>,
    /// Endpoint of the requests; several endpoints are interleaved.
    #[arg(long, value_enum, value_delimiter = ',', default_values = ["verify"])]
    pub(crate) endpoint: Vec<Endpoint>,
    /// Processes that share a database; several numbers are measured beside each other.
    #[arg(long, value_delimiter = ',', default_values = ["1"])]
    pub(crate) processes: Vec<NonZeroUsize>,
    /// Choice of the process that a key's requests go to; both choices are interleaved.
    #[arg(long, value_enum, value_delimiter = ',', default_values = ["any"])]
    pub(crate) route: Vec<Route>,
    /// Measures latencies at half of each subject's median rate, too.
    #[arg(long)]
    pub(crate) half: bool,
    /// Then drives each of Keymint's subjects at half of its median rate for that many minutes, one after the other.
    #[arg(long, value_name = "MINUTES")]
    pub(crate) soak: Option<NonZeroU32>,
    /// Processes of Better Auth on Postgres.
    #[arg(long, default_value = "2")]
    pub(crate) peer_workers: NonZeroUsize,
    /// Subjects to measure beside the bare endpoint.
    #[arg(long, value_enum, value_delimiter = ',', default_values = ["sqlite", "postgres", "memory"])]
    pub(crate) subjects: Vec<Kind>,
}

#[derive(Debug, Clone, Args, Serialize)]
pub(crate) struct Chores {
    #[command(flatten)]
    #[serde(flatten)]
    pub(crate) common: Common,
    /// Keys of one owner, who requests the first and the last hundred of them.
    #[arg(long, default_value = "100000")]
    pub(crate) owned: NonZeroUsize,
    /// Number of requests for each of the two.
    #[arg(long, default_value = "21")]
    pub(crate) requests: NonZeroU32,
    /// Keys that have expired when a round begins.
    #[arg(long, default_value = "1000000")]
    pub(crate) expired: NonZeroUsize,
    /// Connections of the verifications.
    #[arg(long, default_value = "32")]
    pub(crate) connections: NonZeroU32,
    /// Databases to measure.
    #[arg(long, value_enum, value_delimiter = ',', default_values = ["sqlite", "postgres"])]
    pub(crate) subjects: Vec<Engine>,
}

#[derive(Debug, Clone, Args, Serialize)]
pub(crate) struct Stores {
    #[command(flatten)]
    #[serde(flatten)]
    pub(crate) common: Common,
    /// The number of keys to compare `--keys` with.
    #[arg(long, default_value = "1000")]
    pub(crate) few: NonZeroUsize,
    /// Choice of the keys: spread, zipf.
    #[arg(long, value_enum, value_delimiter = ',', default_values = ["spread", "zipf"])]
    pub(crate) pick: Vec<Pick>,
    /// Verifications of a batch.
    #[arg(long, value_delimiter = ',', default_values = ["16", "100"])]
    pub(crate) batch: Vec<NonZeroUsize>,
    /// Databases to measure.
    #[arg(long, value_enum, value_delimiter = ',', default_values = ["sqlite", "postgres"])]
    pub(crate) subjects: Vec<Engine>,
}

#[derive(Debug, Args)]
pub(crate) struct Bare {
    /// A file with the answers to give.
    #[arg(long)]
    pub(crate) answers: PathBuf,
    #[arg(long, default_value = "0")]
    pub(crate) workers: usize,
}

#[derive(Debug, Args)]
pub(crate) struct Plot {
    /// The files that `--json` wrote.
    #[arg(required = true)]
    pub(crate) figures: Vec<PathBuf>,
    /// The folder for the plots.
    #[arg(long, default_value = "docs/plots")]
    pub(crate) into: PathBuf,
}

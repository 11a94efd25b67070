use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use serde::Serialize;

use crate::keys::Pick;
use crate::subject::Kind;

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
    /// Draws what `--json` wrote, of all files together.
    Plot(Plot),
}

#[derive(Debug, Clone, Args, Serialize)]
pub(crate) struct Run {
    /// Connections that are open at the same time; one after the other where several are given, as in 1,32,256.
    #[arg(long, value_delimiter = ',', default_values = ["32"])]
    pub(crate) connections: Vec<NonZeroU32>,
    /// Threads of the load generator; at most as many as connections.
    #[arg(long, default_value = "1")]
    pub(crate) threads: NonZeroU32,
    /// Length of one round.
    #[arg(long, default_value = "5")]
    pub(crate) seconds: NonZeroU32,
    /// Rounds that count.
    #[arg(long, default_value = "3")]
    pub(crate) rounds: NonZeroU32,
    /// Length of the round before them, which does not count.
    #[arg(long, default_value = "1")]
    pub(crate) warm_up: NonZeroU32,
    /// Keys with a quota and a rate limit; memory's are made over HTTP, the others' in bulk.
    #[arg(long, default_value = "1000")]
    pub(crate) keys: NonZeroUsize,
    /// Which keys requests show; interleaved where several are given.
    #[arg(long, value_enum, value_delimiter = ',', default_values = ["spread"])]
    pub(crate) pick: Vec<Pick>,
    /// Measures latencies at half of each subject's median rate, too.
    #[arg(long)]
    pub(crate) half: bool,
    /// Processes of Better Auth on Postgres.
    #[arg(long, default_value = "2")]
    pub(crate) peer_workers: NonZeroUsize,
    /// Threads that serve, for every subject; 0 is one a core.
    #[arg(long, default_value = "0")]
    pub(crate) workers: usize,
    /// What is measured beside the bare endpoint.
    #[arg(long, value_enum, value_delimiter = ',', default_values = ["sqlite", "postgres", "memory"])]
    pub(crate) subjects: Vec<Kind>,
    /// Writes the figures to this file, too.
    #[arg(long, value_name = "FILE")]
    #[serde(skip)]
    pub(crate) json: Option<PathBuf>,
    /// The server that is measured; by default the one beside this program.
    #[arg(long, value_name = "FILE")]
    #[serde(skip)]
    pub(crate) keymint: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Bare {
    /// A file with the answer to give.
    #[arg(long)]
    pub(crate) answer: PathBuf,
    #[arg(long, default_value = "0")]
    pub(crate) workers: usize,
}

#[derive(Debug, Args)]
pub(crate) struct Plot {
    /// What `--json` wrote.
    #[arg(required = true)]
    pub(crate) figures: Vec<PathBuf>,
    /// The folder that the plots go to.
    #[arg(long, default_value = "docs/plots")]
    pub(crate) into: PathBuf,
}

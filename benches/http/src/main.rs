#![doc = include_str!("../README.md")]
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program for the command line")]

mod api;
mod arguments;
mod batches;
mod books;
mod chores;
mod draw;
mod figures;
mod keys;
mod load;
mod machine;
mod paced;
mod plot;
mod report;
mod rounds;
mod server;
mod soak;
mod startup;
mod stock;
mod stores;
mod subject;

use std::error::Error;
use std::fs;
use std::path::Path;
use std::process::ExitCode;

use clap::Parser as _;
use serde::Serialize;

use crate::arguments::{Arguments, Command, Run};
use crate::machine::Machine;
use crate::report::Report;
use crate::rounds::measure;
use crate::subject::{Lab, bare};

/// The error that ends a run: a text for the user.
type Failure = Box<dyn Error + Send + Sync>;

fn main() -> ExitCode {
    let Arguments { command, run } = Arguments::parse();
    let ended = match command {
        Some(Command::Bare(bare)) => bare::serve(&bare),
        Some(Command::Plot(plot)) => plot::draw(&plot),
        Some(Command::Chores(chores)) => to_the_end(chores::run(chores)),
        Some(Command::Stores(stores)) => to_the_end(stores::run(stores)),
        None => to_the_end(bench(run)),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::FAILURE
        }
    }
}

/// Runs until the end or an interrupt. Either way, servers end and folders are removed before this returns.
#[tokio::main]
async fn to_the_end(measuring: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    tokio::select! {
        ended = measuring => ended,
        _ = tokio::signal::ctrl_c() => Err("interrupted".into()),
    }
}

async fn bench(run: Run) -> Result<(), Failure> {
    let wrk = load::version().await?;
    let lab = Lab::open(run.common.keymint.as_deref())?;
    let machine = Machine::look(lab.path(), wrk)?;
    let startup = startup::measure(&lab, run.common.rounds).await?;
    let found = measure(&lab, &run).await?;
    let report = Report { machine, options: run, startup, found };
    print!("{report}");
    write_json(report.options.common.json.as_deref(), &report)
}

/// Writes figures to the file, if one is named.
fn write_json(file: Option<&Path>, report: &impl Serialize) -> Result<(), Failure> {
    let Some(file) = file else { return Ok(()) };
    let json = serde_json::to_string_pretty(report)? + "\n";
    fs::write(file, json).map_err(|error| format!("cannot write {}: {error}", file.display()).into())
}

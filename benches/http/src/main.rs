#![doc = include_str!("../README.md")]
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program for the command line")]

mod api;
mod arguments;
mod figures;
mod keys;
mod load;
mod machine;
mod open_loop;
mod plot;
mod report;
mod rounds;
mod server;
mod startup;
mod stock;
mod stopwatch;
mod subject;
mod svg;

use std::error::Error;
use std::fs;
use std::process::ExitCode;

use clap::Parser as _;

use crate::arguments::{Arguments, Command, Run};
use crate::machine::Machine;
use crate::report::Report;
use crate::rounds::measure;
use crate::subject::{Lab, bare};

/// What ends a run: a text for whoever started it.
type Failure = Box<dyn Error + Send + Sync>;

fn main() -> ExitCode {
    let Arguments { command, run } = Arguments::parse();
    let ended = match command {
        Some(Command::Bare(bare)) => bare::serve(&bare),
        Some(Command::Plot(plot)) => plot::draw(&plot),
        None => run_to_the_end(run),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::FAILURE
        }
    }
}

/// Runs unless it is interrupted: either way, servers end and folders go before this returns.
#[tokio::main]
async fn run_to_the_end(run: Run) -> Result<(), Failure> {
    tokio::select! {
        ended = bench(run) => ended,
        _ = tokio::signal::ctrl_c() => Err("interrupted".into()),
    }
}

async fn bench(run: Run) -> Result<(), Failure> {
    let wrk = load::version().await?;
    let lab = Lab::open(&run)?;
    let machine = Machine::look(lab.path(), wrk)?;
    let startup = startup::measure(&lab, run.rounds).await?;
    let results = measure(&lab, &run).await?;
    let report = Report::new(&run, machine, startup, &results);
    print!("{report}");
    if let Some(file) = &run.json {
        fs::write(file, report.to_json()?).map_err(|error| format!("cannot write {}: {error}", file.display()))?;
    }
    Ok(())
}

//! The command line. Every command works on the database itself, beside a running server.

mod arguments;
mod audit;
mod export;
mod health;
mod import;
mod key;
mod options;
mod org;
mod output;
mod relocate;
mod server_key;
mod usage;
mod user;
mod webhook;

use std::error::Error;
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser as _;
use keymint_actix::endpoints;
use keymint_domain::event::Actor;
use keymint_service::ServiceError;
use tokio::runtime::Runtime;

use crate::config::{Config, DatabaseUrl};
use crate::environment::{Environment, system_user};
use crate::reload::{Source, load_certificate};
use crate::wiring::{self, Services};
use crate::{logging, serve};
use arguments::{Arguments, Command, ConfigCommand, KeyCommand, ServerKeyCommand, UserCommand};
use output::NobodyReads;

/// The result of a command that did its work, for the exit status.
pub(crate) enum Outcome {
    /// The command succeeded.
    Done,
    /// The command did its work, and the answer is no: a key that is not valid.
    No,
}

/// The exit status of a program that a broken pipe has ended, in a shell: 128 plus the number of SIGPIPE.
///
/// It is not 0, since the unread output may include a refusal.
const BROKEN_PIPE: u8 = 141;

type CliResult<T = Outcome> = Result<T, Box<dyn Error>>;

/// Runs the command that this process's arguments name. The status is 0 only if it succeeds.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(arguments) {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        Ok(Outcome::No) => ExitCode::FAILURE,
        Err(error) if error.is::<NobodyReads>() => BROKEN_PIPE.into(),
        Err(error) => {
            let _ = io::stderr().lock().write_all(explain(error.as_ref()).as_bytes());
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> CliResult {
    let source =
        Source { file: Config::locate(arguments.config, Path::new("")), environment: Environment::of_process() };
    let config = source.load()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let outcome = runtime.block_on(async {
        match arguments.command.unwrap_or(Command::Serve) {
            Command::Serve => serve::serve(source, config).await.map(|()| Outcome::Done).map_err(Into::into),
            Command::Migrate => wiring::migrate(&config.database).await.map(|()| Outcome::Done).map_err(Into::into),
            Command::Backup { file } => {
                wiring::backup(&config.database, &file).await?;
                output::line(&format!("backed up to {}", file.display()))
            }
            Command::Move(arguments) => {
                logging::start(&config.log, None);
                relocate::run(&config.database, arguments).await
            }
            Command::Health { ready } => health::run(config.server.listen, ready).await,
            Command::Config { command: ConfigCommand::Check } => {
                logging::start(&config.log, None);
                config.warn();
                load_certificate(config.server.tls.as_ref())?;
                output::line("the configuration is valid")
            }
            Command::Config { command: ConfigCommand::Print } => output::line(config.print().trim_end()),
            Command::Openapi => output::line(&format!("{:#}", endpoints::document(&wiring::document_context(&config)))),
            Command::Key { json, command: KeyCommand::Pattern { scanner } } => {
                logging::start(&config.log, None);
                key::print_patterns(&config.policy, scanner, json)
            }
            Command::Key { .. }
            | Command::Usage(_)
            | Command::Import(_)
            | Command::Export(_)
            | Command::ServerKey { .. }
            | Command::Org { .. }
            | Command::Audit { .. }
            | Command::User { .. }
            | Command::Webhook { .. }
                if config.database.url == DatabaseUrl::Memory =>
            {
                Err("a database in memory is gone when this command ends; only `keymint serve` can use it".into())
            }
            Command::Key { json, command } => {
                logging::start(&config.log, None);
                let services = open(&config, matches!(command, KeyCommand::Create { .. })).await?;
                let outcome = key::run(&services.keys, command, json).await;
                // A verification is a use.
                services.usage.flush().await?;
                outcome
            }
            Command::Usage(arguments) => {
                logging::start(&config.log, None);
                let services = open(&config, false).await?;
                usage::run(&services.keys, arguments).await
            }
            Command::Import(arguments) => {
                logging::start(&config.log, None);
                let services = open(&config, !arguments.dry_run).await?;
                let outcome = import::run(&services.keys, arguments).await;
                // Whatever was imported is in SQLite's file then, and not in a large log beside it.
                let closed = services.close().await;
                let outcome = outcome?;
                closed?;
                Ok(outcome)
            }
            Command::Export(arguments) => {
                logging::start(&config.log, None);
                let services = open(&config, false).await?;
                export::run(&services.keys, arguments).await
            }
            Command::ServerKey { json, command } => {
                logging::start(&config.log, None);
                let services = open(&config, matches!(command, ServerKeyCommand::Create { .. })).await?;
                server_key::run(&services.server_keys, command, json).await
            }
            Command::Org { json, command } => {
                logging::start(&config.log, None);
                let services = open(&config, false).await?;
                org::run(&services.organizations, &config.policy.roles, command, json).await
            }
            Command::Webhook { json, command } => {
                logging::start(&config.log, None);
                let services = open(&config, false).await?;
                webhook::run(&services.webhooks(&config)?, command, json).await
            }
            Command::Audit { command } => {
                logging::start(&config.log, None);
                let services = open(&config, false).await?;
                let secret = services.cookie_secret(&config).await?;
                audit::run(&services, &*services.audit(&config, &secret)?, command).await
            }
            Command::User { json, command } => {
                logging::start(&config.log, None);
                let services = open(&config, matches!(command, UserCommand::Create { .. })).await?;
                user::run(&services.identity, &config.server.base_url, command, json).await
            }
        }
    });
    end(runtime);
    outcome
}

/// Shuts the runtime down. Tasks that still run are dropped, since nothing waits for them.
///
/// A thread that hangs in the kernel, on a disk, is left behind: without a bound the process would wait for it.
fn end(runtime: Runtime) {
    const REST: Duration = Duration::from_secs(1);
    runtime.shutdown_timeout(REST);
}

/// Opens the database for a command.
///
/// Only a command that makes the first key creates a missing database. Any other would find nothing there, and was more
/// likely started in the wrong folder.
async fn open(config: &Config, makes_keys: bool) -> CliResult<Services> {
    let actor = Actor::CommandLine(system_user().into());
    let services =
        if makes_keys { Services::open(config, actor).await } else { Services::open_existing(config, actor).await };
    Ok(services?)
}

/// Returns a refusal in the wire's words; any other error is returned with its causes.
fn refused(error: ServiceError) -> Box<dyn Error> {
    match error {
        ServiceError::Refused(code) => format!("{}: {}", code.as_str(), code.message()).into(),
        other => other.into(),
    }
}

/// Returns an error with its causes, outermost first.
fn explain(error: &dyn Error) -> String {
    let mut text = format!("error: {error}\n");
    let mut cause = error.source();
    while let Some(error) = cause {
        let _ = writeln!(text, "  because: {error}");
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::thread;

    use super::*;

    #[test]
    fn a_thread_that_hangs_keeps_no_process_from_ending() {
        let (_release, is_released) = mpsc::channel::<()>();
        let (begins, has_begun) = mpsc::channel();
        let (ends, has_ended) = mpsc::channel();
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
            runtime.spawn_blocking(move || {
                begins.send(()).unwrap();
                is_released.recv()
            });
            has_begun.recv().unwrap();
            end(runtime);
            ends.send(()).unwrap();
        });
        has_ended.recv_timeout(Duration::from_secs(20)).expect("it is not waited for");
    }
}

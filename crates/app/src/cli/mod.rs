//! The command line. Every command works on the database itself, beside a running server; those of keys also work on a
//! server elsewhere.

mod answer;
mod arguments;
mod audit;
mod export;
mod generate;
mod health;
mod import;
mod init;
mod key;
mod migrate;
mod options;
mod org;
mod output;
mod progress;
mod relocate;
mod server_key;
mod usage;
mod user;
mod webhook;

use std::error::Error;
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser as _;
use keymint_actix::endpoints;
use keymint_domain::event::Actor;
use keymint_ports::Clock as _;
use keymint_service::SystemClock;
use tokio::runtime::Runtime;

use crate::config::{Config, DatabaseUrl, Log, read_setting, read_setting_file};
use crate::environment::{Environment, system_user};
use crate::reload::{Source, load_certificate};
use crate::wiring::{self, Services};
use crate::{logging, serve};
use answer::{Misused, Outcome, Refused, refused};
use arguments::{Arguments, Command, ConfigCommand, KeyCommand, Server, ServerKeyCommand, UserCommand};
use key::Remote;
use output::{Form, NobodyReads};

/// The variable that holds the URL of a server elsewhere.
const URL_VARIABLE: &str = "KEYMINT_URL";
/// The variable that holds the server key for it; with `_FILE` appended, the file that holds it.
const SERVER_KEY_VARIABLE: &str = "KEYMINT_SERVER_KEY";

type CliResult<T = Outcome> = Result<T, Box<dyn Error>>;

/// Runs the command that this process's arguments name. `docs/command-line.md` lists the exit statuses.
pub fn main() -> ExitCode {
    let result = run(Arguments::parse());
    if let Err(error) = &result
        && !error.is::<NobodyReads>()
    {
        let _ = io::stderr().lock().write_all(explain(error.as_ref()).as_bytes());
    }
    answer::status(&result)
}

fn run(arguments: Arguments) -> CliResult {
    let Arguments { config: file, command } = arguments;
    let environment = Environment::of_process();
    match command.unwrap_or(Command::Serve { listen: None }) {
        // These need no configuration, and one that is wrong does not stop them.
        Command::Completion { shell } => generate::completion(shell),
        Command::Man { directory } => generate::man(&directory),
        Command::Config { command: ConfigCommand::Init { file } } => init::run(&file),
        Command::Serve { listen } => {
            let environment = match listen {
                Some(listen) => environment.with("KEYMINT__SERVER__LISTEN", &listen.to_string()),
                None => environment,
            };
            let source = Source { file: Config::locate(file, Path::new("")), environment };
            let config = source.load()?;
            block_on(async { Ok(serve::serve(source, config).await.map(|()| Outcome::Done)?) })
        }
        Command::Key { server, output, command } => {
            let form = output.form();
            if let Some(server) = remote(server, &environment)? {
                logging::start(&Log::default(), None);
                return block_on(key::run(&server, command, SystemClock.now(), form));
            }
            let config = load(file, environment)?;
            block_on(run_on_keys(&config, command, form))
        }
        command => {
            let config = load(file, environment)?;
            block_on(run_by(&config, command))
        }
    }
}

fn load(file: Option<PathBuf>, environment: Environment) -> CliResult<Config> {
    Ok(Source { file, environment }.load()?)
}

/// Returns the server elsewhere that a command works on; `None` = it works on the database.
fn remote(server: Server, environment: &Environment) -> CliResult<Option<Remote>> {
    let Server { url, server_key_file } = server;
    let url = match url {
        Some(url) => Some(url),
        None => read_setting(environment, URL_VARIABLE)?,
    };
    let Some(url) = url else {
        return match server_key_file {
            Some(_) => Err(Misused("--server-key-file needs --url, or KEYMINT_URL".to_owned()).into()),
            None => Ok(None),
        };
    };
    let key = match server_key_file {
        Some(file) => read_setting_file(&file).map(Some).map_err(|error| format!("--server-key-file: {error}"))?,
        None => read_setting(environment, SERVER_KEY_VARIABLE)?,
    };
    let key = key.ok_or_else(|| {
        Misused(format!(
            "a server needs a server key: set {SERVER_KEY_VARIABLE}, or name its file by --server-key-file"
        ))
    })?;
    Ok(Some(Remote::new(&url, &key)?))
}

/// Runs a command on the keys of the configured database.
async fn run_on_keys(config: &Config, command: KeyCommand, form: Form) -> CliResult {
    logging::start(&config.log, None);
    if let KeyCommand::Pattern { scanner } = command {
        return key::print_patterns(&config.policy, scanner, form);
    }
    let services = open(config, matches!(command, KeyCommand::Create { .. })).await?;
    let outcome = key::run_on_database(&services.keys, command, form).await;
    // A verification is a use.
    services.usage.flush().await?;
    outcome
}

/// Runs a command that works by the configuration.
async fn run_by(config: &Config, command: Command) -> CliResult {
    if !matches!(command, Command::Openapi | Command::Health { .. }) {
        logging::start(&config.log, None);
    }
    match command {
        Command::Migrate(arguments) => migrate::run(&config.database, arguments).await,
        Command::Backup { file } => {
            progress::while_waiting("copying", wiring::backup(&config.database, &file)).await?;
            output::line(&format!("backed up to {}", file.display()))
        }
        Command::Move(arguments) => relocate::run(&config.database, arguments).await,
        Command::Health { ready } => health::run(&config.server.listen, ready).await,
        Command::Config { command: ConfigCommand::Check } => {
            config.warn();
            load_certificate(config.server.tls.as_ref())?;
            config.console.brand.load()?;
            output::line("the configuration is valid")
        }
        Command::Config { command: ConfigCommand::Print } => output::line(config.print().trim_end()),
        Command::Openapi => output::line(&format!("{:#}", endpoints::document(&wiring::document_context(config)))),
        Command::Usage(arguments) => usage::run(&open(config, false).await?.keys, arguments).await,
        Command::Import(arguments) => {
            let services = open(config, !arguments.dry_run).await?;
            let outcome = import::run(&services.keys, arguments).await;
            // Whatever was imported is in SQLite's file then, and not in a large log beside it.
            let closed = services.close().await;
            let outcome = outcome?;
            closed?;
            Ok(outcome)
        }
        Command::Export(arguments) => export::run(&open(config, false).await?.keys, arguments).await,
        Command::ServerKey { output, command } => {
            let services = open(config, matches!(command, ServerKeyCommand::Create { .. })).await?;
            server_key::run(&services.server_keys, command, output.form()).await
        }
        Command::Org { output, command } => {
            let services = open(config, false).await?;
            org::run(&services.organizations, &config.policy.roles, command, output.form()).await
        }
        Command::Webhook { output, command } => {
            let services = open(config, false).await?;
            webhook::run(&services.webhooks(config)?, command, output.form()).await
        }
        Command::Audit { command } => {
            let services = open(config, false).await?;
            let secret = services.cookie_secret(config).await?;
            audit::run(&services, &*services.audit(config, &secret)?, command).await
        }
        Command::User { output, command } => {
            let services = open(config, matches!(command, UserCommand::Create { .. })).await?;
            user::run(&services.identity, &config.server.base_url, command, output.form()).await
        }
        Command::Serve { .. }
        | Command::Key { .. }
        | Command::Completion { .. }
        | Command::Man { .. }
        | Command::Config { command: ConfigCommand::Init { .. } } => Ok(Outcome::Done),
    }
}

fn block_on(work: impl Future<Output = CliResult>) -> CliResult {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let outcome = runtime.block_on(work);
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
    if config.database.url == DatabaseUrl::Memory {
        return Err("a database in memory is gone when this command ends; only `keymint serve` can use it".into());
    }
    let actor = Actor::CommandLine(system_user().into());
    let services =
        if makes_keys { Services::open(config, actor).await } else { Services::open_existing(config, actor).await };
    Ok(services?)
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

//! The command line as clap reads it, one file for each command.

mod audit;
mod key;
mod org;
mod output;
mod server;
mod server_key;
mod transfer;
mod usage;
mod user;
mod webhook;

use std::path::PathBuf;

use clap::{Parser, Subcommand};
use clap_complete::Shell;

use crate::config::Listen;

pub(super) use audit::{AuditCommand, AuditFilters};
pub(super) use key::{Counters, Health, KeyCommand, Listing, Many, Members, Rotate, RotationCommand, Scanner};
pub(super) use org::OrgCommand;
pub(super) use output::Output;
pub(super) use server::Server;
pub(super) use server_key::ServerKeyCommand;
pub(super) use transfer::{Export, Import, Migrate, Relocate};
pub(super) use usage::Usage;
pub(super) use user::UserCommand;
pub(super) use webhook::WebhookCommand;

/// Mints, verifies, meters, rotates and revokes API keys.
#[derive(Debug, Parser)]
#[command(name = "keymint", version)]
pub(super) struct Arguments {
    /// The configuration file; by default ./keymint.toml if it exists.
    #[arg(long, global = true, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    #[command(subcommand)]
    pub(super) command: Option<Command>,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Run the server (the default).
    Serve {
        /// The address to listen on, in the place of `server.listen`: `0.0.0.0:8787`, or `unix:/run/keymint.sock`.
        #[arg(long, value_name = "ADDRESS")]
        listen: Option<Listen>,
    },
    /// Bring the database to the current layout.
    Migrate(Migrate),
    /// Copy SQLite's database into a new file, beside a running server. For Postgres use `pg_dump`.
    Backup {
        /// The file to create.
        file: PathBuf,
    },
    /// Move everything from SQLite to Postgres, or back, into a database that is empty.
    Move(Relocate),
    /// Check that the server on this machine is alive. The status is 0 if it is.
    Health {
        /// Check that it is ready to serve, which requires the database.
        #[arg(long)]
        ready: bool,
    },
    /// Make, check or print the configuration.
    Config {
        #[command(subcommand)]
        command: ConfigCommand,
    },
    /// Print the OpenAPI document of the server that the configuration describes.
    Openapi,
    /// Manage API keys, of the database or of a server elsewhere.
    Key {
        #[command(flatten)]
        server: Server,
        #[command(flatten)]
        output: Output,
        #[command(subcommand)]
        command: KeyCommand,
    },
    /// Show the usage of keys: accepted calls, their cost, and refusals, up to about a second ago.
    Usage(Usage),
    /// Import keys that were made elsewhere, by their hashes. If a line is bad, nothing is imported.
    Import(Import),
    /// Print all keys as JSON lines, which `keymint import` reads.
    Export(Export),
    /// Manage the server keys that backends authenticate with.
    ServerKey {
        #[command(flatten)]
        output: Output,
        #[command(subcommand)]
        command: ServerKeyCommand,
    },
    /// Read, export and check the log of changes.
    Audit {
        #[command(subcommand)]
        command: AuditCommand,
    },
    /// Manage the persons behind keys.
    User {
        #[command(flatten)]
        output: Output,
        #[command(subcommand)]
        command: UserCommand,
    },
    /// Manage organizations, for deployments without Better Auth.
    Org {
        #[command(flatten)]
        output: Output,
        #[command(subcommand)]
        command: OrgCommand,
    },
    /// Manage the endpoints that are told of events.
    Webhook {
        #[command(flatten)]
        output: Output,
        #[command(subcommand)]
        command: WebhookCommand,
    },
    /// Print the completion of a shell, for its own folder of completions.
    Completion {
        /// The shell.
        shell: Shell,
    },
    /// Write manual pages, one for each command.
    Man {
        /// The directory to write them to, which is made if it is missing.
        #[arg(value_name = "DIR")]
        directory: PathBuf,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum ConfigCommand {
    /// Write a file of the usual settings, each with an explanation. A file that exists stays as it is.
    Init {
        /// The file to make.
        #[arg(default_value = "keymint.toml")]
        file: PathBuf,
    },
    /// Check the configuration, and list everything that is wrong with it.
    Check,
    /// Print the effective configuration, without secrets.
    Print,
}

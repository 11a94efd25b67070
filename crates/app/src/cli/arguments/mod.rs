//! The command line as clap reads it, one file for each command.

mod audit;
mod key;
mod org;
mod server_key;
mod transfer;
mod usage;
mod user;
mod webhook;

use std::path::PathBuf;

use clap::{Parser, Subcommand};

pub(super) use audit::{AuditCommand, AuditFilters};
pub(super) use key::{Counters, Health, KeyCommand, Listing, Many, Members, Rotate, RotationCommand, Scanner};
pub(super) use org::OrgCommand;
pub(super) use server_key::ServerKeyCommand;
pub(super) use transfer::{Export, Import, Relocate};
pub(super) use usage::Usage;
pub(super) use user::UserCommand;
pub(super) use webhook::WebhookCommand;

/// Mints, verifies, meters and revokes API keys.
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
    Serve,
    /// Bring the database to the current layout.
    Migrate,
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
    /// Check or print the configuration.
    Config {
        #[command(subcommand)]
        command: ConfigCommand,
    },
    /// Print the OpenAPI document of the server that the configuration describes.
    Openapi,
    /// Manage API keys.
    Key {
        /// Print JSON instead of a table.
        #[arg(long, global = true)]
        json: bool,
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
        /// Print JSON instead of a table.
        #[arg(long, global = true)]
        json: bool,
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
        /// Print JSON instead of a table.
        #[arg(long, global = true)]
        json: bool,
        #[command(subcommand)]
        command: UserCommand,
    },
    /// Manage organizations, for deployments without Better Auth.
    Org {
        /// Print JSON instead of a table.
        #[arg(long, global = true)]
        json: bool,
        #[command(subcommand)]
        command: OrgCommand,
    },
    /// Manage the endpoints that are told of events.
    Webhook {
        /// Print JSON instead of a table.
        #[arg(long, global = true)]
        json: bool,
        #[command(subcommand)]
        command: WebhookCommand,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum ConfigCommand {
    /// Check the configuration, and list everything that is wrong with it.
    Check,
    /// Print the effective configuration, without secrets.
    Print,
}

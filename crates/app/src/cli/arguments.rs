use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// Mints, verifies, meters and revokes API keys.
#[derive(Debug, Parser)]
#[command(name = "keymint", version)]
pub(super) struct Arguments {
    /// The configuration file; ./keymint.toml where it exists.
    #[arg(long, global = true, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    #[command(subcommand)]
    pub(super) command: Option<Command>,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Run the server (the default).
    Serve,
    /// Bring the database to the present layout.
    Migrate,
    /// Copy SQLite's database into a new file, beside a running server. Postgres has `pg_dump`.
    Backup {
        /// The file to make.
        file: PathBuf,
    },
    /// Ask the server that runs on this machine whether it is alive. The status is 0 where it is.
    Health {
        /// Ask whether it is ready to serve, which its database must be too.
        #[arg(long)]
        ready: bool,
    },
    /// Look at the configuration.
    Config {
        #[command(subcommand)]
        command: ConfigCommand,
    },
    /// Print the OpenAPI document of the server that the configuration describes.
    Openapi,
    /// Work on API keys.
    Key {
        /// Print JSON instead of a table.
        #[arg(long, global = true)]
        json: bool,
        #[command(subcommand)]
        command: KeyCommand,
    },
    /// Work on the server keys that backends authenticate with.
    ServerKey {
        /// Print JSON instead of a table.
        #[arg(long, global = true)]
        json: bool,
        #[command(subcommand)]
        command: ServerKeyCommand,
    },
    /// Work on organizations, where no Better Auth does.
    Org {
        /// Print JSON instead of a table.
        #[arg(long, global = true)]
        json: bool,
        #[command(subcommand)]
        command: OrgCommand,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum ConfigCommand {
    /// Say whether the configuration is valid, and everything that is wrong with it.
    Check,
    /// Print the effective configuration, without secrets.
    Print,
}

#[derive(Debug, Subcommand)]
pub(super) enum KeyCommand {
    /// Create a key; its text is shown this once.
    Create {
        /// The user it is for.
        #[arg(long, value_name = "ID", required_unless_present = "organization")]
        user: Option<String>,
        /// The organization it is for, where the configuration's keys belong to organizations.
        #[arg(long, value_name = "ID")]
        organization: Option<String>,
        /// What its text begins with.
        #[arg(long)]
        prefix: Option<String>,
        #[command(flatten)]
        members: Box<Members>,
    },
    /// List keys, one page of them.
    List(Listing),
    /// Show one key.
    Get {
        /// The key's id.
        id: String,
    },
    /// Verify a key, which counts as a use of it unless it is a dry run. The status is 0 where it is valid.
    Verify {
        /// The key's text; `-` reads it from standard input, which keeps it out of the shell's history.
        #[arg(allow_hyphen_values = true)]
        key: String,
        /// The configuration that the key must be of.
        #[arg(long, value_name = "ID")]
        config_id: Option<String>,
        /// What the key must grant, as JSON: `{"files":["read"]}`.
        #[arg(long, value_name = "JSON")]
        permissions: Option<String>,
        /// What the use costs; 0 looks without paying.
        #[arg(long, allow_negative_numbers = true)]
        cost: Option<String>,
        /// From where it is used.
        #[arg(long, value_name = "ADDRESS")]
        client_ip: Option<String>,
        /// Say what every rule says, and count nothing.
        #[arg(long)]
        dry_run: bool,
    },
    /// Change a key.
    Update {
        /// The key's id.
        id: String,
        /// Whether it may be used.
        #[arg(long)]
        enabled: Option<bool>,
        #[command(flatten)]
        members: Box<Members>,
    },
    /// Stop a key at once, and keep it visible.
    Revoke {
        /// The key's id.
        id: String,
    },
    /// Remove a key for good.
    Delete {
        /// The key's id.
        id: String,
    },
}

/// Which keys to list, in which order, and which part of them.
#[derive(Debug, Args)]
pub(super) struct Listing {
    /// Keys of this user only.
    #[arg(long, value_name = "ID", conflicts_with = "organization")]
    pub(super) user: Option<String>,
    /// Keys of this organization only.
    #[arg(long, value_name = "ID")]
    pub(super) organization: Option<String>,
    /// Keys of this configuration only.
    #[arg(long, value_name = "ID")]
    pub(super) config_id: Option<String>,
    /// Rows to show: 0 to 1000.
    #[arg(long, allow_negative_numbers = true)]
    pub(super) limit: Option<String>,
    /// Rows to skip.
    #[arg(long, allow_negative_numbers = true)]
    pub(super) offset: Option<String>,
    /// The member to sort by, such as createdAt or name.
    #[arg(long, value_name = "MEMBER")]
    pub(super) sort_by: Option<String>,
    /// asc or desc.
    #[arg(long, value_name = "DIRECTION")]
    pub(super) sort_direction: Option<String>,
}

/// What create and update have in common.
#[derive(Debug, Args)]
pub(super) struct Members {
    /// The configuration.
    #[arg(long, value_name = "ID")]
    pub(super) config_id: Option<String>,
    /// A name for people.
    #[arg(long)]
    pub(super) name: Option<String>,
    /// How long it lives from now on, in seconds; `null` = for ever.
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true)]
    pub(super) expires_in: Option<String>,
    /// What is attached to it, as JSON.
    #[arg(long, value_name = "JSON")]
    pub(super) metadata: Option<String>,
    /// Calls that its quota allows; `null` = no quota, on create.
    #[arg(long, value_name = "CALLS", allow_negative_numbers = true)]
    pub(super) remaining: Option<String>,
    /// Calls after a refill of the quota.
    #[arg(long, value_name = "CALLS", allow_negative_numbers = true)]
    pub(super) refill_amount: Option<String>,
    /// Time between refills, in milliseconds.
    #[arg(long, value_name = "MS", allow_negative_numbers = true)]
    pub(super) refill_interval: Option<String>,
    /// Whether it is rate limited.
    #[arg(long)]
    pub(super) rate_limit_enabled: Option<bool>,
    /// The rate limit's window, in milliseconds.
    #[arg(long, value_name = "MS", allow_negative_numbers = true)]
    pub(super) rate_limit_time_window: Option<String>,
    /// Calls per window.
    #[arg(long, value_name = "CALLS", allow_negative_numbers = true)]
    pub(super) rate_limit_max: Option<String>,
    /// What it may be used for, as JSON: `{"files":["read"]}`.
    #[arg(long, value_name = "JSON")]
    pub(super) permissions: Option<String>,
    /// Networks from which alone it may be used, as `10.0.0.0/8,192.0.2.7`; `null` = everywhere.
    #[arg(long, value_name = "CIDR", value_delimiter = ',')]
    pub(super) allow: Vec<String>,
    /// Networks from which it may not be used, whatever is allowed; `null` = none.
    #[arg(long, value_name = "CIDR", value_delimiter = ',')]
    pub(super) deny: Vec<String>,
}

#[derive(Debug, Subcommand)]
pub(super) enum OrgCommand {
    /// Create an organization, with its first member.
    Create {
        /// A name for people.
        #[arg(long)]
        name: String,
        /// A name for URLs: lower-case letters, digits and hyphens.
        #[arg(long)]
        slug: String,
        /// The first member: a user's id or e-mail address.
        #[arg(long, value_name = "USER")]
        creator: String,
        /// The first member's role; by default the one that may do everything.
        #[arg(long)]
        role: Option<String>,
    },
    /// Make a user a member of an organization.
    AddMember {
        /// The organization's id or slug.
        organization: String,
        /// The user's id or e-mail address.
        user: String,
        /// The member's role.
        #[arg(long, default_value = "member")]
        role: String,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum ServerKeyCommand {
    /// Create a server key; its text is shown this once.
    Create {
        /// A name for people.
        #[arg(long)]
        name: Option<String>,
    },
    /// List the server keys, revoked ones included.
    List,
    /// Revoke a server key; running servers refuse it within a second.
    Revoke {
        /// The server key's id, as `list` shows it.
        id: String,
    },
}

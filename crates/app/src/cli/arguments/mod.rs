use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

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

/// Both databases of a move.
#[derive(Debug, Args)]
pub(super) struct Relocate {
    /// The database to read, which stays as it is: `sqlite:PATH` or `postgres://...`.
    #[arg(long, value_name = "URL")]
    pub(super) from: String,
    /// The database to fill. Its tables are made if they are missing, and must be empty.
    #[arg(long, value_name = "URL")]
    pub(super) to: String,
}

/// The file of keys, and the meaning of its columns.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of its own")]
pub(super) struct Import {
    /// The file: CSV or JSON lines; `-` reads the standard input.
    pub(super) file: PathBuf,
    /// The kind of the hashes of lines that do not tell it: sha256, or plain for the text of keys.
    #[arg(long, value_name = "KIND")]
    pub(super) hash: Option<String>,
    /// The encoding of the hashes: hex, base64 or base64url; by default each hash tells it by its length and characters.
    #[arg(long)]
    pub(super) encoding: Option<String>,
    /// The owner of keys whose lines name none.
    #[arg(long, value_name = "ID")]
    pub(super) owner: Option<String>,
    /// The configuration of keys whose lines name none; by default `default`.
    #[arg(long, value_name = "ID")]
    pub(super) config_id: Option<String>,
    /// The column that holds a member, such as `referenceId=customer`. Others are found by their members' names.
    #[arg(long, value_name = "MEMBER=COLUMN")]
    pub(super) map: Vec<String>,
    /// Leave out columns that hold no member, instead of refusing the file.
    #[arg(long)]
    pub(super) skip_other_columns: bool,
    /// The first line of CSV holds a key: its columns are named 1, 2 and so on.
    #[arg(long)]
    pub(super) no_header: bool,
    /// The form of the file; by default its first character tells it.
    #[arg(long)]
    pub(super) format: Option<super::import::Form>,
    /// Only tell what would happen, and every bad line.
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Print JSON.
    #[arg(long)]
    pub(super) json: bool,
}

/// The keys to export.
#[derive(Debug, Args)]
pub(super) struct Export {
    /// Add the hashes of the keys, without which they cannot be imported. Keep such a file as you keep the database.
    #[arg(long)]
    pub(super) with_hashes: bool,
    /// Only keys of this owner.
    #[arg(long, value_name = "ID")]
    pub(super) owner: Option<String>,
    /// Only keys of this configuration.
    #[arg(long, value_name = "ID")]
    pub(super) config_id: Option<String>,
}

/// The keys whose usage is shown, the time, and the form.
#[derive(Debug, Args)]
pub(super) struct Usage {
    /// Only this key, also if it was removed.
    #[arg(long, value_name = "ID")]
    pub(super) key: Option<String>,
    /// Only keys of this user.
    #[arg(long, value_name = "ID", conflicts_with = "organization")]
    pub(super) user: Option<String>,
    /// Only keys of this organization.
    #[arg(long, value_name = "ID")]
    pub(super) organization: Option<String>,
    /// Only keys of this configuration.
    #[arg(long, value_name = "ID")]
    pub(super) config_id: Option<String>,
    /// The first instant: a date in UTC, or an RFC 3339 date-time; by default 30 days ago.
    #[arg(long, value_name = "DATE")]
    pub(super) from: Option<String>,
    /// The instant after the last one; by default now.
    #[arg(long, value_name = "DATE")]
    pub(super) to: Option<String>,
    /// hour, day or month.
    #[arg(long, default_value = "day")]
    pub(super) step: String,
    /// Show a row for each key and step with calls, as an invoice needs it.
    #[arg(long)]
    pub(super) by_key: bool,
    /// Show the attempts with unknown keys, by configuration, prefix and network.
    #[arg(long, conflicts_with_all = ["key", "user", "organization", "config_id", "by_key"])]
    pub(super) unknown: bool,
    #[command(flatten)]
    pub(super) form: UsageForm,
}

/// The form of the output.
#[derive(Debug, Args)]
pub(super) struct UsageForm {
    /// Print CSV instead of a table.
    #[arg(long, conflicts_with = "json")]
    pub(super) csv: bool,
    /// Print JSON instead of a table.
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Subcommand)]
pub(super) enum ConfigCommand {
    /// Check the configuration, and list everything that is wrong with it.
    Check,
    /// Print the effective configuration, without secrets.
    Print,
}

#[derive(Debug, Subcommand)]
pub(super) enum KeyCommand {
    /// Create a key; its text is shown this once.
    Create {
        /// The user who owns it.
        #[arg(long, value_name = "ID", required_unless_present = "organization")]
        user: Option<String>,
        /// The organization that owns it, if the configuration's keys belong to organizations.
        #[arg(long, value_name = "ID")]
        organization: Option<String>,
        /// The prefix of its text.
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
    /// Verify a key, which counts as a use of it unless it is a dry run. The status is 0 if it is valid.
    Verify {
        /// The key's text; `-` reads it from standard input, which keeps it out of the shell's history.
        #[arg(allow_hyphen_values = true)]
        key: String,
        /// The configuration that the key must be of.
        #[arg(long, value_name = "ID")]
        config_id: Option<String>,
        /// The permissions that the key must grant, as JSON: `{"files":["read"]}`.
        #[arg(long, value_name = "JSON")]
        permissions: Option<String>,
        /// The cost of the use; 0 looks without paying.
        #[arg(long, allow_negative_numbers = true)]
        cost: Option<String>,
        /// The use has happened: take what the limits have left, down to 0, instead of refusing it.
        #[arg(long)]
        settle: bool,
        /// The address of the client that uses it.
        #[arg(long, value_name = "ADDRESS")]
        client_ip: Option<String>,
        /// Report what every rule says, and count nothing.
        #[arg(long)]
        dry_run: bool,
    },
    /// Change a key.
    Update {
        /// The key's id.
        id: String,
        /// Enable (true) or disable (false) it.
        #[arg(long)]
        enabled: Option<bool>,
        #[command(flatten)]
        counters: Counters,
        #[command(flatten)]
        members: Box<Members>,
    },
    /// Print the patterns by which secret scanners find keys, one for every configured prefix.
    Pattern {
        /// The scanner.
        #[arg(long = "for", value_enum, value_name = "SCANNER")]
        scanner: Scanner,
    },
    /// Find keys that somebody should look at, with advice.
    Health(Health),
    /// Revoke a key at once, and keep it visible.
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

/// A scanner of secrets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Scanner {
    /// Any: plain regular expressions, whose first group is the key.
    Regex,
    /// Gitleaks' configuration, in TOML.
    Gitleaks,
    /// Custom detectors of `TruffleHog`, in YAML.
    Trufflehog,
    /// The fields of GitHub's custom patterns.
    Github,
}

/// The keys to examine, and the findings to show.
#[derive(Debug, Args)]
pub(super) struct Health {
    /// Only keys of this user.
    #[arg(long, value_name = "ID", conflicts_with = "organization")]
    pub(super) user: Option<String>,
    /// Only keys of this organization.
    #[arg(long, value_name = "ID")]
    pub(super) organization: Option<String>,
    /// Only keys of this configuration.
    #[arg(long, value_name = "ID")]
    pub(super) config_id: Option<String>,
    /// Only this finding, such as `never_used`.
    #[arg(long)]
    pub(super) finding: Option<String>,
    /// Only findings of this severity or a higher one: info, low, medium, high or critical.
    #[arg(long)]
    pub(super) severity: Option<String>,
    /// The days without a use after which a key is idle: 90 by default.
    #[arg(long, value_name = "DAYS", allow_negative_numbers = true)]
    pub(super) idle_days: Option<String>,
    /// The days before its expiry at which a key is found: 30 by default.
    #[arg(long, value_name = "DAYS", allow_negative_numbers = true)]
    pub(super) expiring_days: Option<String>,
}

/// The keys to list, their order, and the page.
#[derive(Debug, Args)]
pub(super) struct Listing {
    /// Only keys of this user.
    #[arg(long, value_name = "ID", conflicts_with = "organization")]
    pub(super) user: Option<String>,
    /// Only keys of this organization.
    #[arg(long, value_name = "ID")]
    pub(super) organization: Option<String>,
    /// Only keys of this configuration.
    #[arg(long, value_name = "ID")]
    pub(super) config_id: Option<String>,
    /// Only keys with this id, or whose start or name begins with this; the case of a name is ignored.
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub(super) search: Option<String>,
    /// Only keys that are enabled (true), or others (false).
    #[arg(long)]
    pub(super) enabled: Option<bool>,
    /// Only keys in this state: active, disabled, expired, exhausted or revoked.
    #[arg(long)]
    pub(super) state: Option<String>,
    /// Only keys that expire before this: a date in UTC, or an RFC 3339 date-time.
    #[arg(long, value_name = "DATE")]
    pub(super) expires_before: Option<String>,
    /// Only keys made before this and not used since.
    #[arg(long, value_name = "DATE")]
    pub(super) unused_since: Option<String>,
    /// Only keys made before this.
    #[arg(long, value_name = "DATE")]
    pub(super) created_before: Option<String>,
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

/// The changes of a key's counters.
#[derive(Debug, Args)]
pub(super) struct Counters {
    /// Add calls to its quota, or take them if negative, down to 0, whatever it is used for meanwhile.
    #[arg(long, value_name = "CALLS", allow_negative_numbers = true)]
    pub(super) add_remaining: Option<String>,
    /// Forget the calls that its rate limit has counted.
    #[arg(long)]
    pub(super) reset_limit: bool,
}

/// The options that create and update share.
#[derive(Debug, Args)]
pub(super) struct Members {
    /// The configuration.
    #[arg(long, value_name = "ID")]
    pub(super) config_id: Option<String>,
    /// A display name.
    #[arg(long)]
    pub(super) name: Option<String>,
    /// Its lifetime from now on, in seconds; `null` = for ever.
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true)]
    pub(super) expires_in: Option<String>,
    /// Its metadata, as JSON.
    #[arg(long, value_name = "JSON")]
    pub(super) metadata: Option<String>,
    /// The calls that its quota allows; `null` = no quota.
    #[arg(long, value_name = "CALLS", allow_negative_numbers = true)]
    pub(super) remaining: Option<String>,
    /// The calls after a refill of the quota; on update `null` with a null interval = no refill.
    #[arg(long, value_name = "CALLS", allow_negative_numbers = true)]
    pub(super) refill_amount: Option<String>,
    /// The time between refills, in milliseconds.
    #[arg(long, value_name = "MS", allow_negative_numbers = true)]
    pub(super) refill_interval: Option<String>,
    /// The calendar that refills its quota, in the place of an interval: day, week or month, in UTC.
    #[arg(long, value_name = "PERIOD")]
    pub(super) refill_every: Option<String>,
    /// Limit its rate (true) or not (false).
    #[arg(long)]
    pub(super) rate_limit_enabled: Option<bool>,
    /// The rate limit's window, in milliseconds.
    #[arg(long, value_name = "MS", allow_negative_numbers = true)]
    pub(super) rate_limit_time_window: Option<String>,
    /// The calls per window.
    #[arg(long, value_name = "CALLS", allow_negative_numbers = true)]
    pub(super) rate_limit_max: Option<String>,
    /// The permissions that it grants, as JSON: `{"files":["read"]}`.
    #[arg(long, value_name = "JSON")]
    pub(super) permissions: Option<String>,
    /// The networks that it may be used from, as `10.0.0.0/8,192.0.2.7`; `null` = everywhere.
    #[arg(long, value_name = "CIDR", value_delimiter = ',')]
    pub(super) allow: Vec<String>,
    /// The networks that it may not be used from, even if they are allowed; `null` = none.
    #[arg(long, value_name = "CIDR", value_delimiter = ',')]
    pub(super) deny: Vec<String>,
}

#[derive(Debug, Subcommand)]
pub(super) enum OrgCommand {
    /// Create an organization, with its first member.
    Create {
        /// A display name.
        #[arg(long)]
        name: String,
        /// A name for URLs: lower-case letters, digits and hyphens.
        #[arg(long)]
        slug: String,
        /// The first member: a user's id or e-mail address.
        #[arg(long, value_name = "USER")]
        creator: String,
        /// The first member's role; by default the one that allows everything.
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
pub(super) enum AuditCommand {
    /// List events, the newest first, one page of them.
    List {
        #[command(flatten)]
        filters: AuditFilters,
        /// Events to show: 1 to 1000.
        #[arg(long, default_value = "100", allow_negative_numbers = true)]
        limit: String,
        /// The cursor that the previous page ended with.
        #[arg(long)]
        cursor: Option<String>,
        /// Print JSON instead of a table.
        #[arg(long)]
        json: bool,
    },
    /// Print all events, the oldest first, one a line. The status is 0 if none is missing.
    Export {
        #[command(flatten)]
        filters: AuditFilters,
        /// The form of a line: json, cloudevents or ocsf.
        #[arg(long, default_value = "json", value_name = "FORM")]
        format: String,
        /// Begin behind this position.
        #[arg(long, value_name = "POSITION", default_value_t = 0)]
        after: u64,
    },
    /// Check that no event was altered, removed or inserted. The status is 0 if the log is whole.
    Verify {
        /// A head that was exported before, to compare the log with.
        #[arg(long, value_name = "HEAD")]
        head: Option<String>,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Print the head of the log, to be kept elsewhere for `verify`.
    Head,
    /// After a backup was restored: revoke and erase again what an exported log says was revoked, disabled, deleted or
    /// erased.
    Reapply {
        /// The file, as `export` printed it in the form `json`; `-` is standard input.
        file: PathBuf,
        /// Only list what would be done.
        #[arg(long)]
        dry_run: bool,
        /// Print JSON instead of a table.
        #[arg(long)]
        json: bool,
    },
    /// Print new events as they come, one JSON object a line.
    Tail {
        #[command(flatten)]
        filters: AuditFilters,
        /// Begin behind this position; by default at the end of the log.
        #[arg(long, value_name = "POSITION")]
        after: Option<u64>,
    },
}

/// The events that are meant.
#[derive(Debug, Args)]
pub(super) struct AuditFilters {
    /// Events about this key, also if it was removed.
    #[arg(long, value_name = "ID")]
    pub(super) key: Option<String>,
    /// Events about this owner and their keys: a user or an organization.
    #[arg(long, value_name = "ID")]
    pub(super) owner: Option<String>,
    /// Events about keys of this configuration.
    #[arg(long, value_name = "ID")]
    pub(super) config_id: Option<String>,
    /// Events of these kinds, as `keymint.key.*,keymint.user.created`.
    #[arg(long = "type", value_name = "KINDS")]
    pub(super) kinds: Option<String>,
    /// Events by this actor, as `server_key:ID`.
    #[arg(long)]
    pub(super) actor: Option<String>,
    /// The first instant: a date in UTC, or an RFC 3339 date-time.
    #[arg(long, value_name = "DATE")]
    pub(super) from: Option<String>,
    /// The instant after the last one.
    #[arg(long, value_name = "DATE")]
    pub(super) to: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(super) enum UserCommand {
    /// Erase a person's names and addresses, from the log of changes and from their account, and end their sessions.
    Erase {
        /// The user's id or e-mail address.
        user: String,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum ServerKeyCommand {
    /// Create a server key; its text is shown this once.
    Create {
        /// A display name.
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

#[derive(Debug, Subcommand)]
pub(super) enum WebhookCommand {
    /// Create an endpoint that is told of events from now on; its secret is shown this once.
    Create {
        /// The URL, which begins with https://.
        url: String,
        /// The kinds of events, as a glob such as `keymint.key.*`; may be repeated. All by default.
        #[arg(long, value_name = "GLOB")]
        kind: Vec<String>,
        /// Only events of keys of this owner.
        #[arg(long, value_name = "ID")]
        owner: Option<String>,
        /// Only events of keys of this configuration.
        #[arg(long, value_name = "ID")]
        config_id: Option<String>,
    },
    /// List the endpoints, without their secrets.
    List,
    /// Give an endpoint a new secret, which is shown this once. The old one signs beside it for a while.
    RotateSecret {
        /// The endpoint's id.
        id: String,
        /// The time for which both sign, in seconds: 30 days at most.
        #[arg(long, value_name = "SECONDS", default_value_t = 86_400)]
        overlap_seconds: u64,
    },
    /// Send an event of the kind `keymint.webhook.test` at once. The status is 0 if it is accepted.
    Test {
        /// The endpoint's id.
        id: String,
    },
    /// Stop telling an endpoint of events. They wait for it.
    Pause {
        /// The endpoint's id.
        id: String,
    },
    /// Tell a paused or disabled endpoint of events again, first of those that waited.
    Resume {
        /// The endpoint's id.
        id: String,
    },
    /// Remove an endpoint with its deliveries.
    Delete {
        /// The endpoint's id.
        id: String,
    },
    /// List deliveries of an endpoint, the latest events first.
    Deliveries {
        /// The endpoint's id.
        id: String,
        /// Only those in this state: pending, delivered or failed.
        #[arg(long)]
        status: Option<String>,
        /// The position of the last row of the page before.
        #[arg(long, value_name = "POSITION")]
        before: Option<u64>,
        /// Rows to show.
        #[arg(long, default_value_t = 100)]
        limit: u32,
    },
    /// Deliver all events of an endpoint again that happened at an instant or later.
    Replay {
        /// The endpoint's id.
        id: String,
        /// The instant, as in 2026-01-02T03:04:05Z.
        #[arg(long, value_name = "INSTANT")]
        from: String,
    },
}

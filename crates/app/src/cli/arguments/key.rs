use clap::{Args, Subcommand, ValueEnum};

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum KeyCommand {
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
    #[command(visible_alias = "ls")]
    List(Listing),
    /// Show one key.
    Get {
        /// The key's id, or the first characters of its text, as `list` shows them in `start`.
        #[arg(allow_hyphen_values = true)]
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
    /// Change a key, or many keys at once: whether they are enabled, and their rate limits.
    Update {
        /// The key's id.
        #[arg(required_unless_present_any = ["owner", "all"])]
        id: Option<String>,
        #[command(flatten)]
        many: Many,
        /// Enable (true) or disable (false) it.
        #[arg(long)]
        enabled: Option<bool>,
        #[command(flatten)]
        counters: Counters,
        #[command(flatten)]
        members: Box<Members>,
    },
    /// Give a key a new secret; its text is shown this once. The one in use stays valid for a while.
    Rotate(Rotate),
    /// End a rotation before its time.
    Rotation {
        #[command(subcommand)]
        command: RotationCommand,
    },
    /// Print the patterns by which secret scanners find keys, one for every configured prefix.
    Pattern {
        /// The scanner.
        #[arg(long = "for", value_enum, value_name = "SCANNER")]
        scanner: Scanner,
    },
    /// Find keys that somebody should look at, with advice.
    Health(Health),
    /// Revoke a key, or many keys, at once, and keep them visible.
    Revoke {
        /// The key's id.
        #[arg(required_unless_present_any = ["owner", "all"])]
        id: Option<String>,
        #[command(flatten)]
        many: Many,
        /// Of many keys, only those of this configuration.
        #[arg(long, value_name = "ID", conflicts_with = "id")]
        config_id: Option<String>,
    },
    /// Report keys that leaked, from standard input, one a line: each ends as its configuration asks.
    ///
    /// A key is never an argument: arguments are seen by others on this machine, and kept by shells.
    ReportLeak {
        /// The kind of the place where they were found, such as `commit`.
        #[arg(long, value_name = "TEXT", default_value = "")]
        source: String,
        /// The URL of the place.
        #[arg(long, value_name = "URL", default_value = "")]
        found_at: String,
    },
    /// Delete a key: for good, unless its configuration has `undelete_days`.
    #[command(visible_alias = "rm")]
    Delete {
        /// The key's id.
        id: String,
    },
    /// Bring a deleted key back, as it was.
    Restore {
        /// The key's id.
        id: String,
    },
}

/// The key that gets a new secret, and the end of the one in use.
#[derive(Debug, Args)]
pub(in crate::cli) struct Rotate {
    /// The key's id.
    pub(in crate::cli) id: String,
    /// The time after the first use of the new secret for which the former one stays valid, in seconds or as `12h`; the
    /// configuration's by default.
    #[arg(long, value_name = "DURATION", allow_negative_numbers = true, conflicts_with = "now")]
    pub(in crate::cli) grace_seconds: Option<String>,
    /// The time after which the secret in use ends, even if the new one was not used, in seconds or as `30d`.
    #[arg(long, value_name = "DURATION", allow_negative_numbers = true, conflicts_with = "now")]
    pub(in crate::cli) deadline_seconds: Option<String>,
    /// End all other secrets at once, as for a leaked one.
    #[arg(long)]
    pub(in crate::cli) now: bool,
    /// End a former secret that is still valid, too.
    #[arg(long)]
    pub(in crate::cli) end_former: bool,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum RotationCommand {
    /// End the new secret before its first use; the one in use stays.
    Cancel {
        /// The key's id.
        id: String,
    },
    /// End all secrets but the new one now.
    Finish {
        /// The key's id.
        id: String,
    },
}

/// A scanner of secrets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Scanner {
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
pub(in crate::cli) struct Health {
    /// Only keys of this user.
    #[arg(long, value_name = "ID", conflicts_with = "organization")]
    pub(in crate::cli) user: Option<String>,
    /// Only keys of this organization.
    #[arg(long, value_name = "ID")]
    pub(in crate::cli) organization: Option<String>,
    /// Only keys of this configuration.
    #[arg(long, value_name = "ID")]
    pub(in crate::cli) config_id: Option<String>,
    /// Only this finding, such as `never_used`.
    #[arg(long)]
    pub(in crate::cli) finding: Option<String>,
    /// Only findings of this severity or a higher one: info, low, medium, high or critical.
    #[arg(long)]
    pub(in crate::cli) severity: Option<String>,
    /// The time without a use after which a key is idle, in days or as `12w`: 90 days by default.
    #[arg(long, value_name = "DURATION", allow_negative_numbers = true)]
    pub(in crate::cli) idle_days: Option<String>,
    /// The time before its expiry at which a key is found, in days or as `2w`: 30 days by default.
    #[arg(long, value_name = "DURATION", allow_negative_numbers = true)]
    pub(in crate::cli) expiring_days: Option<String>,
}

/// The keys to list, their order, and the page.
#[derive(Debug, Args)]
pub(in crate::cli) struct Listing {
    /// Only keys of this user.
    #[arg(long, value_name = "ID", conflicts_with = "organization")]
    pub(in crate::cli) user: Option<String>,
    /// Only keys of this organization.
    #[arg(long, value_name = "ID")]
    pub(in crate::cli) organization: Option<String>,
    /// Only keys of this configuration.
    #[arg(long, value_name = "ID")]
    pub(in crate::cli) config_id: Option<String>,
    /// Deleted keys that can be restored, the last deleted first, in the place of others.
    #[arg(long, conflicts_with_all = ["search", "enabled", "state", "expires_before", "unused_since", "created_before",
        "sort_by", "sort_direction"])]
    pub(in crate::cli) deleted: bool,
    /// Only keys with this id, or whose start or name begins with this; the case of a name is ignored.
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub(in crate::cli) search: Option<String>,
    /// Only keys that are enabled (true), or others (false).
    #[arg(long)]
    pub(in crate::cli) enabled: Option<bool>,
    /// Only keys in this state: active, disabled, expired, exhausted or revoked.
    #[arg(long)]
    pub(in crate::cli) state: Option<String>,
    /// Only keys that expire before this: a date in UTC, or an RFC 3339 date-time.
    #[arg(long, value_name = "DATE")]
    pub(in crate::cli) expires_before: Option<String>,
    /// Only keys made before this and not used since.
    #[arg(long, value_name = "DATE")]
    pub(in crate::cli) unused_since: Option<String>,
    /// Only keys made before this.
    #[arg(long, value_name = "DATE")]
    pub(in crate::cli) created_before: Option<String>,
    /// Rows to show: 0 to 1000.
    #[arg(long, allow_negative_numbers = true)]
    pub(in crate::cli) limit: Option<String>,
    /// Rows to skip.
    #[arg(long, allow_negative_numbers = true)]
    pub(in crate::cli) offset: Option<String>,
    /// The member to sort by, such as createdAt or name.
    #[arg(long, value_name = "MEMBER")]
    pub(in crate::cli) sort_by: Option<String>,
    /// asc or desc.
    #[arg(long, value_name = "DIRECTION")]
    pub(in crate::cli) sort_direction: Option<String>,
}

/// The choice of many keys.
#[derive(Debug, Args)]
pub(in crate::cli) struct Many {
    /// All keys of this owner, in the place of one; with --config-id only those of that configuration.
    #[arg(long, value_name = "ID", conflicts_with = "id")]
    pub(in crate::cli) owner: Option<String>,
    /// All keys, in the place of one; with --config-id all of that configuration.
    #[arg(long, conflicts_with_all = ["id", "owner"])]
    pub(in crate::cli) all: bool,
    /// Count the keys that would change, and change none.
    #[arg(long, conflicts_with = "id")]
    pub(in crate::cli) dry_run: bool,
}

/// The changes of a key's counters.
#[derive(Debug, Args)]
pub(in crate::cli) struct Counters {
    /// Add calls to its quota, or take them if negative, down to 0, whatever it is used for meanwhile.
    #[arg(long, value_name = "CALLS", allow_negative_numbers = true)]
    pub(in crate::cli) add_remaining: Option<String>,
    /// Forget the calls that its rate limit has counted.
    #[arg(long)]
    pub(in crate::cli) reset_limit: bool,
}

/// The options that create and update share.
#[derive(Debug, Args)]
pub(in crate::cli) struct Members {
    /// The configuration.
    #[arg(long, value_name = "ID")]
    pub(in crate::cli) config_id: Option<String>,
    /// A display name.
    #[arg(long)]
    pub(in crate::cli) name: Option<String>,
    /// Its lifetime from now on, in seconds or as `30d`; `null` = for ever.
    #[arg(long, value_name = "DURATION", allow_negative_numbers = true)]
    pub(in crate::cli) expires_in: Option<String>,
    /// Its metadata, as JSON.
    #[arg(long, value_name = "JSON")]
    pub(in crate::cli) metadata: Option<String>,
    /// The calls that its quota allows; `null` = no quota.
    #[arg(long, value_name = "CALLS", allow_negative_numbers = true)]
    pub(in crate::cli) remaining: Option<String>,
    /// The calls after a refill of the quota; on update `null` with a null interval = no refill.
    #[arg(long, value_name = "CALLS", allow_negative_numbers = true)]
    pub(in crate::cli) refill_amount: Option<String>,
    /// The time between refills, in milliseconds or as `30d`.
    #[arg(long, value_name = "DURATION", allow_negative_numbers = true)]
    pub(in crate::cli) refill_interval: Option<String>,
    /// The calendar that refills its quota, in the place of an interval: day, week or month, in UTC.
    #[arg(long, value_name = "PERIOD")]
    pub(in crate::cli) refill_every: Option<String>,
    /// Limit its rate (true) or not (false).
    #[arg(long)]
    pub(in crate::cli) rate_limit_enabled: Option<bool>,
    /// The rate limit's window, in milliseconds or as `1m`.
    #[arg(long, value_name = "DURATION", allow_negative_numbers = true)]
    pub(in crate::cli) rate_limit_time_window: Option<String>,
    /// The calls per window.
    #[arg(long, value_name = "CALLS", allow_negative_numbers = true)]
    pub(in crate::cli) rate_limit_max: Option<String>,
    /// The permissions that it grants, as JSON: `{"files":["read"]}`.
    #[arg(long, value_name = "JSON")]
    pub(in crate::cli) permissions: Option<String>,
    /// The networks that it may be used from, as `10.0.0.0/8,192.0.2.7`; `null` = everywhere.
    #[arg(long, value_name = "CIDR", value_delimiter = ',')]
    pub(in crate::cli) allow: Vec<String>,
    /// The networks that it may not be used from, even if they are allowed; `null` = none.
    #[arg(long, value_name = "CIDR", value_delimiter = ',')]
    pub(in crate::cli) deny: Vec<String>,
}

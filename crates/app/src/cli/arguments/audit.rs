use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::Output;

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum AuditCommand {
    /// List events, the newest first, one page of them.
    #[command(visible_alias = "ls")]
    List {
        #[command(flatten)]
        filters: AuditFilters,
        /// Events to show: 1 to 1000.
        #[arg(long, default_value = "100", allow_negative_numbers = true)]
        limit: String,
        /// The cursor that the previous page ended with.
        #[arg(long)]
        cursor: Option<String>,
        #[command(flatten)]
        output: Output,
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
        #[command(flatten)]
        output: Output,
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
        #[command(flatten)]
        output: Output,
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
pub(in crate::cli) struct AuditFilters {
    /// Events about this key, also if it was removed.
    #[arg(long, value_name = "ID")]
    pub(in crate::cli) key: Option<String>,
    /// Events about this owner and their keys: a user or an organization.
    #[arg(long, value_name = "ID")]
    pub(in crate::cli) owner: Option<String>,
    /// Events about keys of this configuration.
    #[arg(long, value_name = "ID")]
    pub(in crate::cli) config_id: Option<String>,
    /// Events of these kinds, as `keymint.key.*,keymint.user.created`.
    #[arg(long = "type", value_name = "KINDS")]
    pub(in crate::cli) kinds: Option<String>,
    /// Events by this actor, as `server_key:ID`.
    #[arg(long)]
    pub(in crate::cli) actor: Option<String>,
    /// The first instant: a date in UTC, or an RFC 3339 date-time.
    #[arg(long, value_name = "DATE")]
    pub(in crate::cli) from: Option<String>,
    /// The instant after the last one.
    #[arg(long, value_name = "DATE")]
    pub(in crate::cli) to: Option<String>,
}

use clap::Args;

use super::Output;

/// The keys whose usage is shown, the time, and the form.
#[derive(Debug, Args)]
pub(in crate::cli) struct Usage {
    /// Only this key, also if it was removed.
    #[arg(long, value_name = "ID")]
    pub(in crate::cli) key: Option<String>,
    /// Only keys of this user.
    #[arg(long, value_name = "ID", conflicts_with = "organization")]
    pub(in crate::cli) user: Option<String>,
    /// Only keys of this organization.
    #[arg(long, value_name = "ID")]
    pub(in crate::cli) organization: Option<String>,
    /// Only keys of this configuration.
    #[arg(long, value_name = "ID")]
    pub(in crate::cli) config_id: Option<String>,
    /// The first instant: a date in UTC, or an RFC 3339 date-time; by default 30 days ago.
    #[arg(long, value_name = "DATE")]
    pub(in crate::cli) from: Option<String>,
    /// The instant after the last one; by default now.
    #[arg(long, value_name = "DATE")]
    pub(in crate::cli) to: Option<String>,
    /// hour, day or month.
    #[arg(long, default_value = "day")]
    pub(in crate::cli) step: String,
    /// Show a row for each key and step with calls, as an invoice needs it.
    #[arg(long)]
    pub(in crate::cli) by_key: bool,
    /// Show the attempts with unknown keys, by configuration, prefix and network.
    #[arg(long, conflicts_with_all = ["key", "user", "organization", "config_id", "by_key"])]
    pub(in crate::cli) unknown: bool,
    /// Print CSV.
    #[arg(long, conflicts_with_all = ["output", "json", "quiet"])]
    pub(in crate::cli) csv: bool,
    #[command(flatten)]
    pub(in crate::cli) output: Output,
}

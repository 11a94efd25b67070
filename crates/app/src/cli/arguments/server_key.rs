use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum ServerKeyCommand {
    /// Create a server key; its text is shown this once.
    Create {
        /// A display name.
        #[arg(long)]
        name: Option<String>,
    },
    /// List the server keys, revoked ones included.
    #[command(visible_alias = "ls")]
    List,
    /// Revoke a server key; running servers refuse it within a second.
    Revoke {
        /// The server key's id, as `list` shows it.
        id: String,
    },
}

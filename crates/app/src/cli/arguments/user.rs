use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum UserCommand {
    /// Erase a person's names and addresses, from the log of changes and from their account, and end their sessions.
    Erase {
        /// The user's id or e-mail address.
        user: String,
    },
}

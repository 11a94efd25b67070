use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum UserCommand {
    /// Make a user. The password is read from the terminal, or as one line from standard input.
    Create {
        /// The e-mail address.
        #[arg(long)]
        email: String,
        /// A display name.
        #[arg(long)]
        name: String,
        /// The address is known to be the user's: an operator of `console.operators` can work at once.
        #[arg(long)]
        verified: bool,
    },
    /// List all users, by their ids.
    #[command(visible_alias = "ls")]
    List,
    /// Set a user's password, and end their sessions. The password is read as by `create`.
    SetPassword {
        /// The user's id or e-mail address.
        user: String,
    },
    /// Let a user operate the console: they see and manage the keys of all owners.
    MakeOperator {
        /// The user's id or e-mail address.
        user: String,
    },
    /// Let a user operate the console no longer.
    RemoveOperator {
        /// The user's id or e-mail address.
        user: String,
    },
    /// Ban a user, whose keys and sessions stop working.
    Ban {
        /// The user's id or e-mail address.
        user: String,
        /// The end of the ban, as RFC 3339 or a date; by default it has none.
        #[arg(long, value_name = "INSTANT")]
        until: Option<String>,
    },
    /// Take a ban back.
    Unban {
        /// The user's id or e-mail address.
        user: String,
    },
    /// Print a link by which a user chooses another password, once, within a day.
    ResetLink {
        /// The user's id or e-mail address.
        user: String,
    },
    /// Erase a person's names and addresses, from the log of changes and from their account, and end their sessions.
    Erase {
        /// The user's id or e-mail address.
        user: String,
    },
}

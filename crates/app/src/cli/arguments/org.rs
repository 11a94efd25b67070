use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum OrgCommand {
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
    /// List all organizations, by their ids.
    #[command(visible_alias = "ls")]
    List,
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
    /// End a user's membership. The organization's keys stay, also those that the user made.
    RemoveMember {
        /// The organization's id or slug.
        organization: String,
        /// The user's id or e-mail address.
        user: String,
    },
}

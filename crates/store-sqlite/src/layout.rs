use crate::needs::Columns;
use crate::owner::OwnerColumns;

/// What Better Auth's tables have, which depends on its version and its plugins. It is looked for once, when the store is
/// opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Layout {
    /// What the table of users tells about bans.
    pub(crate) owner_columns: OwnerColumns,
    /// Whether accounts name who issued them, as Better Auth 1.7.0 to 1.7.2 require.
    pub(crate) has_issuer: bool,
    /// Whether sessions name an organization, as the plugin for those has them do.
    pub(crate) has_active_organization: bool,
}

impl Layout {
    /// Picks out what is among the columns of the three tables.
    pub(crate) fn of(user: &Columns, account: &Columns, session: &Columns) -> Self {
        Self {
            owner_columns: OwnerColumns::of(|column| user.has(column)),
            has_issuer: account.has("issuer"),
            has_active_organization: session.has("activeOrganizationId"),
        }
    }
}

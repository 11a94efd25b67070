use crate::needs::Found;
use crate::number::Widths;
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
    /// How large the numbers of keys may be.
    pub(crate) widths: Widths,
}

impl Layout {
    /// Picks out what is among the columns.
    pub(crate) fn of(found: &Found) -> Self {
        Self {
            owner_columns: OwnerColumns::of(|column| found.has_column("user", column)),
            has_issuer: found.has_column("account", "issuer"),
            has_active_organization: found.has_column("session", "activeOrganizationId"),
            widths: found.widths(),
        }
    }
}

use crate::{COLUMNS, Widths};

/// The optional columns of Better Auth's tables, which depend on its version and its plugins. They are looked for once,
/// when a store is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    /// The ban columns of the table `user`.
    pub owner_columns: OwnerColumns,
    /// The table `user` has roles, as the admin plugin requires.
    pub has_role: bool,
    /// The table `account` names issuers, as Better Auth 1.7.0 to 1.7.2 require.
    pub has_issuer: bool,
    /// The table `session` names organizations, as the organization plugin requires.
    pub has_active_organization: bool,
    /// The sizes of the numbers of keys.
    pub widths: Widths,
}

impl Layout {
    /// Returns the layout of tables that have these columns, by table and column.
    pub fn of(has: impl Fn(&str, &str) -> bool, widths: Widths) -> Self {
        Self {
            owner_columns: OwnerColumns::of(|column| has("user", column)),
            has_role: has("user", "role"),
            has_issuer: has("account", "issuer"),
            has_active_organization: has("session", "activeOrganizationId"),
            widths,
        }
    }
}

/// The ban columns of the table `user`, which Better Auth's admin plugin adds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OwnerColumns {
    /// Neither.
    NoBan,
    /// `banned` alone.
    Banned,
    /// `banned` and `banExpires`.
    BannedUntil,
}

impl OwnerColumns {
    fn of(has: impl Fn(&str) -> bool) -> Self {
        match (has("banned"), has("banExpires")) {
            (false, _) => Self::NoBan,
            (true, false) => Self::Banned,
            (true, true) => Self::BannedUntil,
        }
    }

    /// Returns what [`ban_columns!`](crate::ban_columns) expands to.
    pub(crate) fn selected(self) -> &'static str {
        by_owner_columns!(self, ban_columns)
    }
}

/// Returns the columns that a table of keys lacks. Without `with_ours` it need not have those that Keymint adds.
pub fn missing_columns(has: impl Fn(&str) -> bool, with_ours: bool) -> Vec<&'static str> {
    let needed = COLUMNS.iter().copied().filter(|column| with_ours || !column.starts_with("keymint_"));
    needed.filter(|column| !has(column)).collect()
}

/// Describes a table of keys that is older than Better Auth's api-key plugin 1.5.
pub fn describe_missing_columns(missing: &[&str]) -> String {
    let missing = missing.join(", ");
    format!(
        "the table apikey lacks {missing}: Better Auth's own migration to the api-key plugin 1.5 or later must run first"
    )
}

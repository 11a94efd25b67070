use keymint_domain::verify::{Ban, Owner};
use keymint_ports::StoreError;

use crate::row::{Reader, Row};

/// What the table of users tells about bans. Better Auth's admin plugin adds both columns; they are looked for once, when
/// the store is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OwnerColumns {
    /// Nothing.
    NoBan,
    /// Whether a user is banned.
    Banned,
    /// Whether, and until when.
    BannedUntil,
}

impl OwnerColumns {
    /// Picks out what is among the columns of the table.
    pub(crate) fn of(has: impl Fn(&str) -> bool) -> Self {
        match (has("banned"), has("banExpires")) {
            (false, _) => Self::NoBan,
            (true, false) => Self::Banned,
            (true, true) => Self::BannedUntil,
        }
    }
}

/// Reads what the row of a key, joined with the row of its owner, tells about the owner.
pub(crate) fn read_owner(row: &dyn Row) -> Result<Owner, StoreError> {
    let row = Reader::new(row, "user", "owner_id");
    if row.text("owner_id")?.is_none() {
        return Ok(Owner::Absent);
    }
    Ok(read_ban(&row)?.map_or(Owner::Present, Owner::Banned))
}

/// Reads a user's ban from what `ban_columns!` selects.
pub(crate) fn read_ban(row: &Reader<'_>) -> Result<Option<Ban>, StoreError> {
    let banned = row.own_name("banned", row.flag("owner_banned"))?;
    let until = row.own_name("banExpires", row.instant("owner_ban_expires"))?;
    Ok((banned == Some(true)).then_some(Ban { until }))
}

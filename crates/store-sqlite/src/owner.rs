use std::collections::HashSet;

use keymint_domain::verify::Owner;
use keymint_ports::StoreError;
use sqlx::sqlite::SqliteRow;

use crate::row::Reader;

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
    pub(crate) fn of(columns: &HashSet<String>) -> Self {
        match (columns.contains("banned"), columns.contains("banExpires")) {
            (false, _) => Self::NoBan,
            (true, false) => Self::Banned,
            (true, true) => Self::BannedUntil,
        }
    }
}

/// Reads what the row of a key, joined with the row of its owner, tells about the owner.
pub(crate) fn read_owner(row: &SqliteRow) -> Result<Owner, StoreError> {
    let row = Reader::new(row, "user", "owner_id");
    if row.text("owner_id")?.is_none() {
        return Ok(Owner::Absent);
    }
    // A column that is joined under another name is reported under its own.
    let banned = row.flag("owner_banned").map_err(|_| row.corrupt("banned"))?;
    let until = row.instant("owner_ban_expires").map_err(|_| row.corrupt("banExpires"))?;
    Ok(if banned == Some(true) { Owner::Banned { until } } else { Owner::Present })
}

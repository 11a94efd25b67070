use keymint_domain::verify::{Ban, Owner};
use keymint_ports::StoreError;

use super::{Row, RowReader};

/// Reads the owner of a key from its row, joined with the row of the user as `owner_id` and
/// [`ban_columns!`](crate::ban_columns).
///
/// # Errors
/// [`StoreError::Corrupt`]
pub fn read_owner(row: &dyn Row) -> Result<Owner, StoreError> {
    let row = RowReader::new(row, "user", "owner_id");
    if row.text("owner_id")?.is_none() {
        return Ok(Owner::Absent);
    }
    Ok(read_ban(&row)?.map_or(Owner::Present, Owner::Banned))
}

/// Reads a user's ban from what [`ban_columns!`](crate::ban_columns) selects.
pub(crate) fn read_ban(row: &RowReader<'_>) -> Result<Option<Ban>, StoreError> {
    let banned = row.own_name("banned", row.flag("owner_banned"))?;
    let until = row.own_name("banExpires", row.instant("owner_ban_expires"))?;
    Ok((banned == Some(true)).then_some(Ban { until }))
}

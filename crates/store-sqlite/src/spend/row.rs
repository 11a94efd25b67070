use keymint_store_sql::{COLUMNS, Cell, Row};

use crate::row::cell_of;

/// A row that `find!` selected.
pub(super) struct FoundRow<'r>(pub(super) &'r rusqlite::Row<'r>);

/// The columns that `find!` selects behind those of the key.
const OWNER_COLUMNS: [&str; 3] = ["owner_id", "owner_banned", "owner_ban_expires"];

impl Row for FoundRow<'_> {
    fn cell(&self, column: &'static str) -> Cell<'_> {
        // Looking here is cheaper than asking the statement for its names.
        let position = COLUMNS.iter().chain(&OWNER_COLUMNS).position(|name| *name == column);
        let value = position.and_then(|position| self.0.get_ref(position).ok());
        value.map_or(Cell::Other, cell_of)
    }

    fn is_typed(&self) -> bool {
        false
    }
}

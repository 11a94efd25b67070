use rusqlite::types::ValueRef;

use crate::columns::COLUMNS;
use crate::row::{Cell, Row};

/// A row that `find!` selected.
pub(super) struct FoundRow<'r>(pub(super) &'r rusqlite::Row<'r>);

/// What `find!` selects behind the columns of the key.
const OWNER_COLUMNS: [&str; 3] = ["owner_id", "owner_banned", "owner_ban_expires"];

impl Row for FoundRow<'_> {
    fn cell(&self, column: &'static str) -> Cell<'_> {
        // Looking here is cheaper than asking the statement for its names.
        let position = COLUMNS.iter().chain(&OWNER_COLUMNS).position(|name| *name == column);
        match position.and_then(|position| self.0.get_ref(position).ok()) {
            Some(ValueRef::Null) => Cell::Null,
            Some(ValueRef::Integer(number)) => Cell::Integer(number),
            Some(ValueRef::Real(number)) => Cell::Real(number),
            Some(ValueRef::Text(bytes)) => std::str::from_utf8(bytes).map_or(Cell::Other, Cell::Text),
            _ => Cell::Other,
        }
    }
}

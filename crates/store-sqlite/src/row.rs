//! The rows of both drivers.

use std::cell::RefCell;
use std::collections::HashMap;

use keymint_store_sql::{Cell, Row};
use rusqlite::types::ValueRef;
use sqlx::sqlite::{SqliteRow, SqliteValueRef};
use sqlx::{Decode, Row as _, Sqlite, TypeInfo as _, ValueRef as _};

/// A row that a reading connection selected.
pub(crate) struct ReadRow<'r>(pub(crate) &'r SqliteRow);

impl Row for ReadRow<'_> {
    fn cell(&self, column: &'static str) -> Cell<'_> {
        self.0.try_get_raw(column).ok().and_then(decode).unwrap_or(Cell::Other)
    }

    fn is_typed(&self) -> bool {
        false
    }
}

fn decode(value: SqliteValueRef<'_>) -> Option<Cell<'_>> {
    if value.is_null() {
        return Some(Cell::Null);
    }
    match value.type_info().name() {
        "TEXT" => <&str as Decode<Sqlite>>::decode(value).ok().map(Cell::Text),
        "INTEGER" => <i64 as Decode<Sqlite>>::decode(value).ok().map(Cell::Integer),
        "REAL" => <f64 as Decode<Sqlite>>::decode(value).ok().map(Cell::Real),
        _ => None,
    }
}

/// A row that the writing connection selected.
pub(crate) struct WrittenRow<'r> {
    pub(crate) row: &'r rusqlite::Row<'r>,
    pub(crate) places: &'r Places,
}

/// The places of the columns that were read, for all rows of a statement: the driver compares a name with those of all
/// columns before it.
#[derive(Default)]
pub(crate) struct Places(RefCell<HashMap<&'static str, Option<usize>>>);

impl Places {
    fn place(&self, column: &'static str, row: &rusqlite::Row<'_>) -> Option<usize> {
        *self.0.borrow_mut().entry(column).or_insert_with(|| row.as_ref().column_index(column).ok())
    }
}

impl Row for WrittenRow<'_> {
    fn cell(&self, column: &'static str) -> Cell<'_> {
        let value = self.places.place(column, self.row).and_then(|place| self.row.get_ref(place).ok());
        value.map_or(Cell::Other, cell_of)
    }

    fn is_typed(&self) -> bool {
        false
    }
}

/// Converts a value of the writing connection.
pub(crate) fn cell_of(value: ValueRef<'_>) -> Cell<'_> {
    match value {
        ValueRef::Null => Cell::Null,
        ValueRef::Integer(number) => Cell::Integer(number),
        ValueRef::Real(number) => Cell::Real(number),
        ValueRef::Text(bytes) => std::str::from_utf8(bytes).map_or(Cell::Other, Cell::Text),
        ValueRef::Blob(_) => Cell::Other,
    }
}

use sqlx::sqlite::{SqliteRow, SqliteValueRef};
use sqlx::{Decode, Row as _, Sqlite, TypeInfo as _, ValueRef as _};

/// A value as it lies in a row. SQLite keeps any value in any column, so that each is looked at for what it is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Cell<'r> {
    Null,
    Integer(i64),
    Real(f64),
    Text(&'r str),
    /// What no column of ours holds: bytes, a text that is none, or no such column.
    Other,
}

/// A row, from whichever driver.
pub(crate) trait Row {
    /// The value that was selected under this name.
    fn cell(&self, column: &'static str) -> Cell<'_>;
}

impl Row for SqliteRow {
    fn cell(&self, column: &'static str) -> Cell<'_> {
        self.try_get_raw(column).ok().and_then(read).unwrap_or(Cell::Other)
    }
}

fn read(value: SqliteValueRef<'_>) -> Option<Cell<'_>> {
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

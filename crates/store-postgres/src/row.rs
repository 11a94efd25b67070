use keymint_domain::Timestamp;
use keymint_store_sql::{Cell, Row};
use sqlx::postgres::{PgRow, PgValueRef};
use sqlx::{Postgres, Row as _, Type, ValueRef as _};

use crate::instant::EPOCH_MS;

/// A row. A column of an unexpected type is unreadable.
pub(crate) struct ReadRow<'r>(pub(crate) &'r PgRow);

impl Row for ReadRow<'_> {
    fn cell(&self, column: &'static str) -> Cell<'_> {
        self.0.try_get_raw(column).ok().and_then(|value| decode(&value)).unwrap_or(Cell::Other)
    }

    fn is_typed(&self) -> bool {
        true
    }
}

/// Decodes a value by its type, whose number is the same in every database.
fn decode<'r>(value: &PgValueRef<'r>) -> Option<Cell<'r>> {
    const BOOLEAN: u32 = 16;
    const BIGINT: u32 = 20;
    const INTEGER: u32 = 23;
    const TIMESTAMPTZ: u32 = 1184;
    if value.is_null() {
        return Some(Cell::Null);
    }
    let kind = value.type_info().oid()?.0;
    match kind {
        BOOLEAN => Some(Cell::Flag(value.as_bytes().ok()? != [0])),
        INTEGER => Some(Cell::Integer(i32::from_be_bytes(value.as_bytes().ok()?.try_into().ok()?).into())),
        BIGINT => Some(Cell::Integer(i64::from_be_bytes(value.as_bytes().ok()?.try_into().ok()?))),
        TIMESTAMPTZ => Some(instant(i64::from_be_bytes(value.as_bytes().ok()?.try_into().ok()?))),
        _ if <&str as Type<Postgres>>::compatible(&value.type_info()) => value.as_str().ok().map(Cell::Text),
        _ => None,
    }
}

/// Converts a number of microseconds, and cuts off what lies below the millisecond. `sqlx` would read it into a
/// `chrono` date, which panics at Postgres' `infinity`. An instant beyond the domain's becomes the nearest one.
fn instant(micros: i64) -> Cell<'static> {
    const INFINITY: i64 = i64::MAX;
    match micros {
        INFINITY => Cell::Infinity,
        micros => Cell::Instant(Timestamp::from_millis(micros.div_euclid(1000) + EPOCH_MS)),
    }
}

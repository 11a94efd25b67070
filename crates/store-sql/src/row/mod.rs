mod key;
mod owner;
mod reader;

use keymint_domain::Timestamp;

pub use key::read_key;
pub(crate) use key::{TermColumns, bind_key};
pub(crate) use owner::read_ban;
pub use owner::read_owner;
pub use reader::RowReader;

/// A value of a row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Cell<'r> {
    /// Null.
    Null,
    /// A whole number.
    Integer(i64),
    /// A fraction.
    Real(f64),
    /// A text.
    Text(&'r str),
    /// A flag.
    Flag(bool),
    /// An instant.
    Instant(Timestamp),
    /// The instant after all others.
    Infinity,
    /// No value of ours: of another type, or of no column.
    Other,
}

/// A row of a driver.
pub trait Row {
    /// Returns the value that was selected under this name.
    fn cell(&self, column: &'static str) -> Cell<'_>;

    /// Returns `true` if the database keeps values of other types out of a column. If it does not, an instant may be a
    /// text or a number.
    fn is_typed(&self) -> bool;
}

use keymint_domain::value::stored::{count_of_integer, count_of_real};
use keymint_domain::{KeyId, Timestamp};
use keymint_ports::StoreError;

use super::{Cell, Row};

/// Reads the values of one row. Each method fails with [`StoreError::Corrupt`], which names the row and the column, if
/// the value is not of its kind.
pub struct RowReader<'r> {
    row: &'r dyn Row,
    table: &'static str,
    id: Option<KeyId>,
}

impl<'r> RowReader<'r> {
    /// Returns the reader of a row of `table`, whose id was selected under the name `id_column`.
    pub fn new(row: &'r dyn Row, table: &'static str, id_column: &'static str) -> Self {
        let mut reader = Self { row, table, id: None };
        reader.id = reader.text(id_column).ok().flatten().and_then(|id| KeyId::parse(id).ok());
        reader
    }

    pub(crate) fn corrupt(&self, column: &'static str) -> StoreError {
        StoreError::Corrupt { table: self.table, column, id: self.id.clone() }
    }

    /// Reads the row's id.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`]
    pub fn id(&self) -> Result<KeyId, StoreError> {
        self.id.clone().ok_or_else(|| self.corrupt("id"))
    }

    /// Reads a text.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`]
    pub fn text(&self, column: &'static str) -> Result<Option<&'r str>, StoreError> {
        match self.row.cell(column) {
            Cell::Null => Ok(None),
            Cell::Text(text) => Ok(Some(text)),
            _ => Err(self.corrupt(column)),
        }
    }

    /// Reads an instant. A number is one of milliseconds since 1970, as JavaScript reads it.
    pub(crate) fn instant(&self, column: &'static str) -> Result<Option<Timestamp>, StoreError> {
        self.instant_of(column, self.row.cell(column))
    }

    /// Reads the last instant of something; at infinity there is none.
    pub(crate) fn end(&self, column: &'static str) -> Result<Option<Timestamp>, StoreError> {
        match self.row.cell(column) {
            Cell::Infinity => Ok(None),
            cell => self.instant_of(column, cell),
        }
    }

    fn instant_of(&self, column: &'static str, cell: Cell<'_>) -> Result<Option<Timestamp>, StoreError> {
        match cell {
            Cell::Null => Ok(None),
            Cell::Instant(instant) => Ok(Some(instant)),
            Cell::Infinity => Ok(Some(Timestamp::MAX)),
            Cell::Text(text) if !self.row.is_typed() => {
                Timestamp::from_stored(text).map(Some).map_err(|_| self.corrupt(column))
            }
            Cell::Integer(millis) if !self.row.is_typed() => Ok(Some(Timestamp::from_millis(millis))),
            #[expect(clippy::cast_possible_truncation, reason = "it saturates, as instants do")]
            Cell::Real(millis) if !self.row.is_typed() => Ok(Some(Timestamp::from_millis(millis as i64))),
            _ => Err(self.corrupt(column)),
        }
    }

    /// Reads a count. A number that is no count stands for the nearest one.
    pub(crate) fn count(&self, column: &'static str) -> Result<Option<u64>, StoreError> {
        match self.row.cell(column) {
            Cell::Null => Ok(None),
            Cell::Integer(number) => Ok(Some(count_of_integer(number))),
            Cell::Real(number) => Ok(Some(count_of_real(number))),
            _ => Err(self.corrupt(column)),
        }
    }

    /// Reads a whole number of either sign that only Keymint writes.
    pub(crate) fn integer(&self, column: &'static str) -> Result<Option<i64>, StoreError> {
        match self.row.cell(column) {
            Cell::Null => Ok(None),
            Cell::Integer(number) => Ok(Some(number)),
            _ => Err(self.corrupt(column)),
        }
    }

    /// Reads a number that only Keymint writes.
    pub(crate) fn number(&self, column: &'static str) -> Result<Option<u64>, StoreError> {
        match self.row.cell(column) {
            Cell::Null => Ok(None),
            Cell::Integer(number) => u64::try_from(number).map(Some).map_err(|_| self.corrupt(column)),
            _ => Err(self.corrupt(column)),
        }
    }

    pub(crate) fn flag(&self, column: &'static str) -> Result<Option<bool>, StoreError> {
        match self.row.cell(column) {
            Cell::Null => Ok(None),
            Cell::Flag(flag) => Ok(Some(flag)),
            Cell::Integer(number @ (0 | 1)) => Ok(Some(number == 1)),
            _ => Err(self.corrupt(column)),
        }
    }

    /// Reports a value that was selected under an alias by the name of its column.
    pub(crate) fn own_name<T>(&self, column: &'static str, value: Result<T, StoreError>) -> Result<T, StoreError> {
        value.map_err(|_| self.corrupt(column))
    }

    /// Returns a value that must be there.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`]
    pub fn required<T>(&self, column: &'static str, value: Option<T>) -> Result<T, StoreError> {
        value.ok_or_else(|| self.corrupt(column))
    }

    pub(crate) fn required_text(&self, column: &'static str) -> Result<&'r str, StoreError> {
        self.required(column, self.text(column)?)
    }

    pub(crate) fn required_instant(&self, column: &'static str) -> Result<Timestamp, StoreError> {
        self.required(column, self.instant(column)?)
    }

    /// Parses a text that must be there.
    pub(crate) fn parsed<T, E>(
        &self,
        column: &'static str,
        parse: impl FnOnce(&'r str) -> Result<T, E>,
    ) -> Result<T, StoreError> {
        parse(self.required_text(column)?).map_err(|_| self.corrupt(column))
    }

    /// Parses a text that may be absent.
    pub(crate) fn optional_parsed<T, E>(
        &self,
        column: &'static str,
        parse: impl FnOnce(&'r str) -> Result<T, E>,
    ) -> Result<Option<T>, StoreError> {
        self.text(column)?.map(parse).transpose().map_err(|_| self.corrupt(column))
    }
}

/// Leaves out the values.
impl std::fmt::Debug for RowReader<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RowReader").field("table", &self.table).field("id", &self.id).finish_non_exhaustive()
    }
}

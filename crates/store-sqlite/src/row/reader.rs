use keymint_domain::value::stored::{count_of_integer, count_of_real};
use keymint_domain::{KeyId, Timestamp};
use keymint_ports::StoreError;

use super::{Cell, Row};

/// Reads the values of one row.
pub(crate) struct Reader<'r> {
    row: &'r dyn Row,
    table: &'static str,
    id: Option<KeyId>,
}

impl<'r> Reader<'r> {
    pub(crate) fn new(row: &'r dyn Row, table: &'static str, id_column: &'static str) -> Self {
        let mut reader = Self { row, table, id: None };
        reader.id = reader.text(id_column).ok().flatten().and_then(|id| KeyId::parse(id).ok());
        reader
    }

    pub(crate) fn corrupt(&self, column: &'static str) -> StoreError {
        StoreError::Corrupt { table: self.table, column, id: self.id.clone() }
    }

    pub(crate) fn id(&self) -> Result<KeyId, StoreError> {
        self.id.clone().ok_or_else(|| self.corrupt("id"))
    }

    pub(crate) fn text(&self, column: &'static str) -> Result<Option<&'r str>, StoreError> {
        match self.row.cell(column) {
            Cell::Null => Ok(None),
            Cell::Text(text) => Ok(Some(text)),
            Cell::Integer(_) | Cell::Real(_) | Cell::Other => Err(self.corrupt(column)),
        }
    }

    /// An instant. A number is one of milliseconds since 1970, as JavaScript reads it.
    pub(crate) fn instant(&self, column: &'static str) -> Result<Option<Timestamp>, StoreError> {
        match self.row.cell(column) {
            Cell::Null => Ok(None),
            Cell::Text(text) => Timestamp::from_stored(text).map(Some).map_err(|_| self.corrupt(column)),
            Cell::Integer(millis) => Ok(Some(Timestamp::from_millis(millis))),
            #[expect(clippy::cast_possible_truncation, reason = "it saturates, as instants do")]
            Cell::Real(millis) => Ok(Some(Timestamp::from_millis(millis as i64))),
            Cell::Other => Err(self.corrupt(column)),
        }
    }

    /// A count, by what the number stands for that somebody has stored.
    pub(crate) fn count(&self, column: &'static str) -> Result<Option<u64>, StoreError> {
        match self.row.cell(column) {
            Cell::Null => Ok(None),
            Cell::Integer(number) => Ok(Some(count_of_integer(number))),
            Cell::Real(number) => Ok(Some(count_of_real(number))),
            Cell::Text(_) | Cell::Other => Err(self.corrupt(column)),
        }
    }

    /// A number that only Keymint writes.
    pub(crate) fn number(&self, column: &'static str) -> Result<Option<u64>, StoreError> {
        match self.row.cell(column) {
            Cell::Null => Ok(None),
            Cell::Integer(number) => u64::try_from(number).map(Some).map_err(|_| self.corrupt(column)),
            Cell::Real(_) | Cell::Text(_) | Cell::Other => Err(self.corrupt(column)),
        }
    }

    pub(crate) fn flag(&self, column: &'static str) -> Result<Option<bool>, StoreError> {
        match self.number(column)? {
            None => Ok(None),
            Some(0) => Ok(Some(false)),
            Some(1) => Ok(Some(true)),
            Some(_) => Err(self.corrupt(column)),
        }
    }

    /// Reports a value that was selected under another name under its own.
    pub(crate) fn own_name<T>(&self, column: &'static str, value: Result<T, StoreError>) -> Result<T, StoreError> {
        value.map_err(|_| self.corrupt(column))
    }

    /// The value, where there must be one.
    pub(crate) fn required<T>(&self, column: &'static str, value: Option<T>) -> Result<T, StoreError> {
        value.ok_or_else(|| self.corrupt(column))
    }

    /// A text that there must be, as what it stands for.
    pub(crate) fn parsed<T, E>(
        &self,
        column: &'static str,
        parse: impl FnOnce(&'r str) -> Result<T, E>,
    ) -> Result<T, StoreError> {
        let text = self.required(column, self.text(column)?)?;
        parse(text).map_err(|_| self.corrupt(column))
    }
}

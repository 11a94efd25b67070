//! The column types that the statements need. SQLite accepts any value in any column, and converts it if the column's
//! type has another affinity: a text that looks like a number to a number, and a number to a text.

use std::collections::HashMap;

use keymint_store_sql::{FLAG_COLUMNS, NUMBER_COLUMNS, TEXT_COLUMNS};
use sqlx::query_as;
use sqlx::sqlite::SqliteConnection;

use crate::ConnectError;
use crate::error::{Fault, migrate_error};

/// The affinities of types that contain one of these words; the first one counts
/// (<https://www.sqlite.org/datatype3.html>).
const AFFINITIES: [(&str, Affinity); 8] = [
    ("INT", Affinity::Number),
    ("CHAR", Affinity::Text),
    ("CLOB", Affinity::Text),
    ("TEXT", Affinity::Text),
    ("BLOB", Affinity::None),
    ("REAL", Affinity::Fraction),
    ("FLOA", Affinity::Fraction),
    ("DOUB", Affinity::Fraction),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Affinity {
    Number,
    Fraction,
    Text,
    None,
}

impl Affinity {
    fn of(kind: &str) -> Self {
        let kind = kind.to_ascii_uppercase();
        let named = AFFINITIES.iter().find(|(word, _)| kind.contains(word)).map(|(_, affinity)| *affinity);
        named.unwrap_or(if kind.is_empty() { Self::None } else { Self::Number })
    }
}

/// The columns of a table, with their types; none if there is no such table.
pub(crate) struct Columns(HashMap<String, String>);

impl Columns {
    /// Reads the columns of a table.
    ///
    /// # Errors
    /// [`ConnectError::Migrate`]
    pub(crate) async fn of(connection: &mut SqliteConnection, table: &str) -> Result<Self, ConnectError> {
        let columns = query_as("select name, type from pragma_table_info(?1)").bind(table).fetch_all(connection);
        let columns: Vec<(String, String)> = columns.await.map_err(migrate_error)?;
        Ok(Self(columns.into_iter().collect()))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn has(&self, column: &str) -> bool {
        self.0.contains_key(column)
    }

    /// Fails if these are columns of keys in which values would change.
    ///
    /// # Errors
    /// [`ConnectError::Unfit`]
    pub(crate) fn check_types(&self) -> Result<(), ConnectError> {
        let misfit = |column: &'static str, expected, affinity| {
            let fits = |found: &&String| [affinity, Affinity::None].contains(&Affinity::of(found));
            let found = self.0.get(column).filter(|found| !fits(found))?.to_lowercase();
            Some(Fault { table: "apikey", column, expected, found })
        };
        // Instants are texts too, and no number is written like one.
        let texts = TEXT_COLUMNS.iter().filter_map(|column| misfit(column, "text", Affinity::Text));
        // Flags are numbers.
        let numbers = [NUMBER_COLUMNS, FLAG_COLUMNS, &["keymint_backlog_ns"]].concat();
        let numbers = numbers.into_iter().filter_map(|column| misfit(column, "integer", Affinity::Number));
        let faults: Vec<_> = texts.chain(numbers).collect();
        if faults.is_empty() { Ok(()) } else { Err(ConnectError::Unfit { faults }) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_has_the_affinity_that_sqlite_gives_it() {
        for (kind, affinity) in [
            ("integer", Affinity::Number),
            ("bigint", Affinity::Number),
            ("boolean", Affinity::Number),
            ("date", Affinity::Number),
            ("varchar(40)", Affinity::Text),
            ("charint", Affinity::Number),
            ("double", Affinity::Fraction),
            ("", Affinity::None),
            ("blob", Affinity::None),
        ] {
            assert_eq!(Affinity::of(kind), affinity, "{kind}");
        }
    }
}

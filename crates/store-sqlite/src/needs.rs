//! The column types that the statements need. SQLite accepts any value in any column, and converts it if the column's
//! type has another affinity: a text that looks like a number to a number, and a number to a text.

use std::collections::HashMap;

use keymint_store_sql::{COLUMNS, FLAG_COLUMNS, NUMBER_COLUMNS, TEXT_COLUMNS};
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

/// The columns of a table or a view; none if it does not exist.
pub(crate) struct Columns {
    is_view: bool,
    columns: HashMap<String, Column>,
}

struct Column {
    kind: String,
    /// An insert without it fails.
    is_required: bool,
}

impl Columns {
    /// Reads the columns of a table.
    ///
    /// # Errors
    /// [`ConnectError::Migrate`]
    pub(crate) async fn of(connection: &mut SqliteConnection, table: &str) -> Result<Self, ConnectError> {
        // SQLite assigns a row's number itself.
        const LOOK: &str = r#"select name, type,
                "notnull" and dflt_value is null and not (pk = 1 and upper(type) = 'INTEGER'),
                exists (select 1 from sqlite_schema as s where s.type = 'view' and s.name = ?1 collate nocase)
            from pragma_table_info(?1)"#;
        let rows: Vec<(String, String, bool, bool)> =
            query_as(LOOK).bind(table).fetch_all(connection).await.map_err(migrate_error)?;
        let mut found = Self { is_view: false, columns: HashMap::new() };
        for (column, kind, is_required, is_view) in rows {
            found.is_view = is_view;
            found.columns.insert(column, Column { kind, is_required });
        }
        Ok(found)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.columns.is_empty()
    }

    pub(crate) fn has(&self, column: &str) -> bool {
        self.columns.contains_key(column)
    }

    /// Fails if these are the columns of a view, or columns of keys in which values would change, or required columns
    /// that no insert writes.
    ///
    /// # Errors
    /// [`ConnectError::Unfit`]
    pub(crate) fn check_keys(&self) -> Result<(), ConnectError> {
        let view = self.is_view.then_some(Fault::View { table: "apikey" });
        let misfit = |column: &'static str, expected, affinity| {
            let fits = |found: &Column| [affinity, Affinity::None].contains(&Affinity::of(&found.kind));
            let found = self.columns.get(column).filter(|found| !fits(found))?.kind.to_lowercase();
            Some(Fault::Column { table: "apikey", column, expected, found })
        };
        // Instants are texts too, and no number is written like one.
        let texts = TEXT_COLUMNS.iter().filter_map(|column| misfit(column, "text", Affinity::Text));
        // Flags are numbers.
        let numbers = [NUMBER_COLUMNS, FLAG_COLUMNS, &["keymint_backlog_ns"]].concat();
        let numbers = numbers.into_iter().filter_map(|column| misfit(column, "integer", Affinity::Number));
        let faults: Vec<_> = view.into_iter().chain(texts).chain(numbers).chain(self.unwritten()).collect();
        if faults.is_empty() { Ok(()) } else { Err(ConnectError::Unfit { faults }) }
    }

    /// Returns faults for required columns that no insert writes.
    fn unwritten(&self) -> Vec<Fault> {
        let is_unwritten =
            |(name, column): &(&String, &Column)| column.is_required && !COLUMNS.contains(&name.as_str());
        let mut names: Vec<_> = self.columns.iter().filter(is_unwritten).map(|(name, _)| name.clone()).collect();
        names.sort_unstable();
        names.into_iter().map(|column| Fault::Required { table: "apikey", column }).collect()
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
